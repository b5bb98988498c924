"""The connections of one lane: each serves one exchange at a time and is used again while it is good.

They are httpcore's own, without its pool: handing them out is most of what httpx takes for a small answer, and a
cancellation that lands before a connection starts can leave a pool that hands out no connection any more.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

import httpcore

KEPT_ALIVE: Final = 60.0
"""Seconds an idle connection is kept."""


class Connections:
    """At most so many connections. An exchange that did not come to its end takes its connection with it."""

    def __init__(self, tls: ssl.SSLContext | None, most: int) -> None:
        self._tls = tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._free = asyncio.Semaphore(most)
        self._idle: list[httpcore.AsyncHTTPConnection] = []
        self._used: set[httpcore.AsyncHTTPConnection] = set()
        self._closed = False

    async def take(self, origin: httpcore.Origin, patience: float) -> httpcore.AsyncHTTPConnection:
        """A connection to use alone, to be given back with `give_back` in any case.

        Raises:
            httpcore.PoolTimeout: All were in use for `patience` seconds.
        """
        await self._wait(patience)
        try:
            connection = await self._kept(origin) or self._fresh(origin)
        except BaseException:
            self._free.release()
            raise
        self._used.add(connection)
        return connection

    async def _wait(self, patience: float) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(patience):
                await self._free.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout from None

    async def _kept(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection | None:
        """One that was used before and is still open, so far as can be seen."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_idle() and not connection.has_expired() and connection.can_handle_request(origin):
                return connection
            await connection.aclose()
        return None

    def _fresh(self, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        return httpcore.AsyncHTTPConnection(origin, ssl_context=self._tls, keepalive_expiry=KEPT_ALIVE)

    async def give_back(self, connection: httpcore.AsyncHTTPConnection) -> None:
        """The exchange is over, well or not."""
        self._used.discard(connection)
        try:
            if connection.is_idle() and not connection.is_closed() and not self._closed:
                self._idle.append(connection)
            else:
                await connection.aclose()
        finally:
            self._free.release()

    async def aclose(self) -> None:
        """Close all, which ends what is under way."""
        self._closed = True
        connections = [*self._idle, *self._used]
        self._idle.clear()
        for connection in connections:
            await connection.aclose()
