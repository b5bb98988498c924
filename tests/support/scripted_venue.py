"""A venue that does as it is told: for what no real one can be made to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.core.model import FailureKind, Normalised, VenueFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from marginwatch.venues.protocol import Fetched


class ScriptedVenue:
    """Answers every cycle with one failure that says which cycle it was, unless told otherwise."""

    def __init__(self, name: str = "futures") -> None:
        self.name = name
        self.begun = 0
        """Cycles that were begun."""
        self.closed = False
        self.error: Exception | None = None
        """Raised in every cycle."""
        self.held: asyncio.Event | None = None
        """Waited for in every cycle."""
        self._news = asyncio.Condition()

    async def poll(self) -> AsyncIterator[Fetched | VenueFailure]:
        """One cycle."""
        self.begun += 1
        async with self._news:
            self._news.notify_all()
        if self.error is not None:
            raise self.error
        if self.held is not None:
            await self.held.wait()
        yield VenueFailure(self.name, FailureKind.UNREACHABLE, clock.now(), f"cycle {self.begun}")

    async def polled(self, times: int) -> None:
        """Wait until so many cycles were begun."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: self.begun >= times)

    def normalise(self, fetched: Fetched) -> Normalised:
        """Nothing is ever fetched."""
        raise NotImplementedError

    async def check_login(self) -> VenueFailure | None:
        """It works."""
        return None

    async def aclose(self) -> None:
        """Take note."""
        self.closed = True
