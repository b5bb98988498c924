"""The overview, and the stream that keeps pages up to date."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.responses import PlainTextResponse

from marginwatch.web.live import Viewer
from marginwatch.web.site import site_of, to_login

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from marginwatch.web.live import Live

TAKES_WITHIN = 10.0
"""Seconds a viewer has to take one text."""
LASTS = 900.0
"""Seconds until a stream ends; the browser asks for the next by itself, and whether it still may is seen again."""


async def overview(request: Request) -> Response:
    """Everything at a glance."""
    site = site_of(request)
    session = site.session(request)
    if not site.may_read(session):
        return to_login(request)
    drawn = await site.live.drawn()
    if drawn is None:
        return await site.page(request, "starting.html", session, here="overview")
    pieces = {name: Markup(html) for name, html in drawn.pieces.items()}  # noqa: S704  (drawn by our own templates)
    rows = Markup("\n".join(drawn.rows.values()))  # noqa: S704  (drawn by our own templates)
    return await site.page(
        request, "overview.html", session, here="overview", drawn=drawn, pieces=pieces, rows=rows, at=drawn.at
    )


async def events(request: Request) -> Response:
    """What changes, as it changes."""
    site = site_of(request)
    if not site.may_read(site.session(request)):
        return PlainTextResponse("Log in first.\n", 403)
    if site.live.full:
        return PlainTextResponse("Too many pages are open; this one is not kept up to date.\n", 503)
    number = request.headers.get("last-event-id") or request.query_params.get("number", "")
    viewer = Viewer(pieces=request.query_params.get("live") == "pieces")
    return _Stream(site.live, viewer, int(number) if number.isascii() and number.isdecimal() else 0)


class _Stream(PlainTextResponse):
    """A `text/event-stream` that ends with its viewer, or when he takes nothing."""

    def __init__(self, live: Live, viewer: Viewer, number: int) -> None:
        super().__init__()
        self._texts = live.watch(viewer, number)
        self._viewer = viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's signature)
        """Send until either side ends it."""
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        leaving = asyncio.create_task(self._left(receive))
        ending = asyncio.get_running_loop().call_later(LASTS, self._viewer.end)
        try:
            async for text in self._texts:
                async with asyncio.timeout(TAKES_WITHIN):
                    await send({"type": "http.response.body", "body": text, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            return
        finally:
            ending.cancel()
            leaving.cancel()
            await self._texts.aclose()

    async def _left(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._viewer.end()
