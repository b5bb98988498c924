"""How long the server waits for a client: as long as an honest one takes, however little the others send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

ASKS_WITHIN = 10.0
"""Seconds from the first byte to the last of a request, and from a connection to its first request."""
LOOKS_EVERY = 2.0
"""Seconds between looks at a connection."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1, but a connection whose request does not come, and one that takes no answer, is cut."""

    _since: float | None = None
    """When it began to owe us something; None while it does not."""
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client came: it owes a request."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """A client went."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        now = self.loop.time()
        if not self._owes():
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= ASKS_WITHIN:
            self.transport.abort()
            return
        self._look = self.loop.call_later(LOOKS_EVERY, self._watch)

    def _owes(self) -> bool:
        """Whether it is for the client to go on: to send the rest of its request, or to take its answer."""
        if self.transport.get_write_buffer_size():
            return True
        if self.timeout_keep_alive_task is not None:
            return False  # idle between two requests: uvicorn's own clock runs
        return self.conn.their_state in {h11.IDLE, h11.SEND_BODY}
