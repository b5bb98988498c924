"""What stands before every route: which names the page answers to, how much it reads, and what browsers must not do."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 16 * 1024
"""Bytes. The largest form, filled in to the brim, is a third of it."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class TooLargeError(Exception):
    """More was sent than any form of the page has."""


class Guard:
    """Lets through what a browser of somebody who typed a right address would send."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        """`names` are the host names the page answers to, besides `localhost` and any bare IP address.

        A page elsewhere that has its own name point here (DNS rebinding) cannot send any of these.
        """
        self._app = app
        self._names = frozenset({"localhost", *(name.lower() for name in names if name)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = MutableHeaders(scope=message)
                added.update(HEADERS)
                added.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(headers)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, _Measured(receive), guarded)

    def _refusal(self, headers: Headers) -> PlainTextResponse | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._answers_to(hosts[0]):
            said = "The page does not answer to this address. Open it as [web] listen or public_url has it.\n"
            return PlainTextResponse(said, 421)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()) or int(length) > LARGEST_BODY:
            return PlainTextResponse("More was sent than any form of the page has.\n", 413)
        return None

    def _answers_to(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if not host or set(host) & set("/@\\?# \t"):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name.removesuffix(".") in self._names
        return True


class _Measured:
    """A body that is read no further than the largest form reaches."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._taken = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            if self._taken > LARGEST_BODY:
                raise TooLargeError
        return message


def names_of(listen: str, public_url: str) -> frozenset[str]:
    """What the page may be called, by the config and by this machine's own name."""
    return frozenset(
        {
            listen.rpartition(":")[0].lower(),
            (urlsplit(public_url).hostname or "").lower(),
            socket.gethostname().lower(),
        }
    )
