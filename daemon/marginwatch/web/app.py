"""The page as one ASGI application: its routes, in one list, and what stands before them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from marginwatch.errors import MarginwatchError
from marginwatch.ops.links import PATH, Links
from marginwatch.web.board import Board
from marginwatch.web.guard import Guard, TooLargeError, names_of
from marginwatch.web.live import Live
from marginwatch.web.refusals import status_of
from marginwatch.web.sessions import Sessions
from marginwatch.web.site import Site
from marginwatch.web.templating import assets, environment
from marginwatch.web.threads import Threads
from marginwatch.web.views.account import account
from marginwatch.web.views.alert import acknowledge_alert, alert, silence
from marginwatch.web.views.link import follow, link
from marginwatch.web.views.login import log_in, log_out, login
from marginwatch.web.views.overview import events, overview
from marginwatch.web.views.silences import add, end, silences

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from marginwatch.config.web import WebSettings
    from marginwatch.store.store import Store
    from marginwatch.web.templating import Asset

_KEPT = "public, max-age=31536000, immutable"
"""For files whose address changes with their content."""
_SAID: Mapping[int, str] = {
    404: "There is no such page. The overview leads to all there are.",
    405: "This page takes no such request.",
}


def site_for(store: Store, settings: WebSettings, key: bytes, trouble: Callable[[], str]) -> Site:
    """What the page needs; `key` signs, and `trouble` says why nothing can be stored."""
    threads = Threads()
    templates = environment(assets())
    public = urlsplit(settings.public_url)
    token = None if settings.token is None else settings.token.get_secret_value()
    return Site(
        store=store,
        live=Live(Board(templates, store.courses), threads, trouble),
        sessions=Sessions(key, token),
        links=Links(key, settings.public_url),
        templates=templates,
        threads=threads,
        trusted=bool(settings.socket),
        secure=(public.hostname or "") if public.scheme == "https" else "",
    )


def page_app(site: Site, settings: WebSettings, more: Sequence[Route] = ()) -> ASGIApp:
    """The application: the page, and `more` beside it (probes, metrics), which ask for no login."""
    app = Starlette(
        routes=[*more, *_routes(), Route("/static/{name}", _static(assets()))],
        exception_handlers={
            HTTPException: _http_error,
            MarginwatchError: _refused,
            TooLargeError: _too_large,
            Exception: _fault,
        },
    )
    app.state.site = site
    return Guard(app, names_of(settings.listen, settings.public_url))


def _routes() -> list[Route]:
    return [
        Route("/", overview),
        Route("/events", events),
        Route("/login", login),
        Route("/login", log_in, methods=["POST"]),
        Route("/logout", log_out, methods=["POST"]),
        Route("/accounts/{venue}/{account:path}", account),
        Route("/alerts/{alert_id}", alert),
        Route("/alerts/{alert_id}/acknowledge", acknowledge_alert, methods=["POST"]),
        Route("/alerts/{alert_id}/silence", silence, methods=["POST"]),
        Route("/silences", silences),
        Route("/silences", add, methods=["POST"]),
        Route("/silences/{number}/end", end, methods=["POST"]),
        Route(f"{PATH}{{token}}", link),
        Route(f"{PATH}{{token}}", follow, methods=["POST"]),
    ]


def _static(found: Mapping[str, Asset]) -> Callable[[Request], Awaitable[Response]]:
    async def static(request: Request) -> Response:
        asset = found.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        return Response(asset.body, media_type=asset.media_type, headers={"Cache-Control": _KEPT})

    return static


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _told(request, error.status_code, _SAID.get(error.status_code, "This request cannot be answered."))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, MarginwatchError)
    return _told(request, status_of(error), str(error))


async def _too_large(request: Request, _: Exception) -> Response:
    return _told(request, 413, "More was sent than any form of this page has.")


async def _fault(request: Request, _: Exception) -> Response:
    return _told(request, 500, "This page failed by a fault of marginwatch; its log says more. The watching goes on.")


def _told(request: Request, status: int, what: str) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{what}\n", status)
    template = request.app.state.site.templates.get_template("refused.html")
    return HTMLResponse(template.render(what=what), status)
