"""Exchanges with an HTTP venue: connections in lanes, and one deadline and one size cap for each answer.

Connections stand in lanes of four, a lane is thrown away when it hands out no connection in time, and nothing here is
ever cancelled: every exchange ends by its own deadline.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import httpcore
import httpx

from marginwatch import clock
from marginwatch.core.model import FailureKind
from marginwatch.venues.http.connections import Connections
from marginwatch.venues.http.failure import EXCHANGE_ERRORS, Failed, of_error

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

PER_LANE: Final = 4
"""Connections of one lane, and so how many exchanges may use it at once."""

_CONNECT_WITHIN: Final = 5.0
_FREE_CONNECTION_WITHIN: Final = 2.0
_WORTH_A_NEW_CONNECTION: Final = (
    httpcore.PoolTimeout,
    httpcore.RemoteProtocolError,
    httpcore.ReadError,
    httpcore.WriteError,
)
"""Before any of the answer came: the venue closed an idle connection just as we used it, or the lane is stuck."""
_Headers: TypeAlias = "Sequence[tuple[bytes, bytes]]"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer may take."""

    seconds: float = 10.0
    """From asking to the answer's last byte."""
    size: int = 32 * 1024 * 1024
    """Bytes of its body."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, without its token."""

    call: str
    """The venue's own name of the call."""
    method: str
    url: httpx.URL
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content: bytes = b""
    optional: bool = False
    """Whether the venue may not offer it (403, 404, 501) without that being a failure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes
    retry_after: str | None = None
    """The header as sent."""


class Lane:
    """At most four connections to one venue."""

    def __init__(self, tls: ssl.SSLContext | None, limits: Limits) -> None:
        self._tls = tls
        self._limits = limits
        self._busy = 0
        self._connections = Connections(tls, PER_LANE)
        self._closing: set[asyncio.Task[None]] = set()

    async def exchange(self, ask: Ask, authorization: bytes | None, deadline: float) -> Answer | Failed:
        """Send one request and read its whole answer, by `deadline` on the monotonic clock. Never raises for the net.

        A connection that turns out dead before anything of the answer came is replaced once: all our requests only
        read, so asking twice changes nothing at the venue.
        """
        self._busy += 1
        try:
            return await self._exchange(ask, authorization, min(deadline, clock.monotonic() + self._limits.seconds))
        finally:
            self._busy -= 1

    async def _exchange(self, ask: Ask, authorization: bytes | None, deadline: float) -> Answer | Failed:
        replaced = False
        while True:
            left = deadline - clock.monotonic()
            if left <= 0:
                return _too_late(ask)
            connections = self._connections
            try:
                return await self._exchange_on(connections, ask, _request(ask, authorization, left), deadline)
            except _WORTH_A_NEW_CONNECTION as error:
                stuck = isinstance(error, httpcore.PoolTimeout)
                given_up = connections is not self._connections and not stuck
                if replaced or given_up:
                    return of_error(error, ask.url.host)
                replaced = True
                if stuck and connections is self._connections:
                    self.renew()
            except EXCHANGE_ERRORS as error:
                return of_error(error, ask.url.host)

    async def _exchange_on(
        self, connections: Connections, ask: Ask, request: httpcore.Request, deadline: float
    ) -> Answer | Failed:
        patience = min(deadline - clock.monotonic(), _FREE_CONNECTION_WITHIN)
        connection = await connections.take(request.url.origin, patience)
        try:
            return await self._read(ask, await connection.handle_async_request(request), deadline)
        finally:
            await connections.give_back(connection)

    async def _read(self, ask: Ask, response: httpcore.Response, deadline: float) -> Answer | Failed:
        try:
            refused = self._refused(response.headers)
            body = refused or await self._body(ask, response, deadline)
        except EXCHANGE_ERRORS as error:
            return of_error(error, ask.url.host)
        finally:
            await response.aclose()
        if isinstance(body, Failed):
            return body
        return Answer(response.status, body, _header(response.headers, b"retry-after"))

    def _refused(self, headers: _Headers) -> Failed | None:
        if (_header(headers, b"content-encoding") or "identity") != "identity":
            return Failed(FailureKind.BAD_ANSWER, "the answer is packed, which was not asked for")
        length = _header(headers, b"content-length") or ""
        return self._oversized() if length.isdigit() and int(length[:12]) > self._limits.size else None

    async def _body(self, ask: Ask, response: httpcore.Response, deadline: float) -> bytes | Failed:
        pieces, size = [], 0
        async for piece in response.aiter_stream():
            pieces.append(piece)
            size += len(piece)
            if size > self._limits.size:
                return self._oversized()
            if clock.monotonic() > deadline:
                return _too_late(ask)
        return b"".join(pieces)

    def _oversized(self) -> Failed:
        return Failed(FailureKind.BAD_ANSWER, f"the answer is larger than {self._limits.size:,} bytes")

    def renew(self) -> None:
        """Go on with new connections and close the old ones, which ends every exchange that still uses them."""
        task = asyncio.ensure_future(self._connections.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._connections = Connections(self._tls, PER_LANE)

    @property
    def busy(self) -> bool:
        """Whether an exchange is under way."""
        return self._busy > 0

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connections.aclose()
        await asyncio.gather(*self._closing)


class Lanes:
    """All connections to one venue: lanes for its answers and one for its login."""

    def __init__(self, concurrency: int, limits: Limits, tls: Callable[[], ssl.SSLContext] | None) -> None:
        quiet_loggers()
        context = tls() if tls else None
        self.concurrency = concurrency
        self.login = Lane(context, limits)
        self._lanes = [Lane(context, limits) for _ in range(-(-concurrency // PER_LANE))]

    def of(self, worker: int) -> Lane:
        """The lane of the worker with that number, counted from 0; never more than four workers share one."""
        return self._lanes[worker // PER_LANE]

    def abandon(self) -> None:
        """Give up every exchange that is still under way, so that a new cycle starts with free connections."""
        for lane in self._lanes:
            if lane.busy:
                lane.renew()

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in (self.login, *self._lanes):
            await lane.aclose()


def tls_context() -> ssl.SSLContext:
    """Trust in the public authorities and in those of this machine (`SSL_CERT_FILE` included)."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def quiet_loggers() -> None:
    """Keep the libraries' own logs from showing requests: at INFO and DEBUG they hold URLs and headers."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _too_late(ask: Ask) -> Failed:
    return Failed(FailureKind.TIMED_OUT, f"{ask.url.host}: no complete answer in time")


def _header(headers: _Headers, wanted: bytes) -> str | None:
    """The values of a header with that name in small letters, None without one."""
    found = [value for name, value in headers if name.lower() == wanted]
    return b", ".join(found).decode("latin-1") if found else None


def _request(ask: Ask, authorization: bytes | None, left: float) -> httpcore.Request:
    url = ask.url
    headers = [(b"Host", url.netloc), *ask.headers, (b"Accept-Encoding", b"identity"), (b"Accept", b"application/json")]
    if ask.content or ask.method != "GET":
        headers.append((b"Content-Length", b"%d" % len(ask.content)))
    if authorization is not None:
        headers.append((b"Authorization", authorization))
    return httpcore.Request(
        ask.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=headers,
        content=ask.content,
        extensions={"timeout": {"connect": min(left, _CONNECT_WITHIN), "read": left, "write": left}},
    )
