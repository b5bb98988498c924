"""One pass over a venue's accounts: a few workers, each bound to a lane, and an end that is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from marginwatch import clock
from marginwatch.core.model import FailureKind, VenueFailure

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence

    from marginwatch.core.model import AccountKey
    from marginwatch.venues.http.lanes import Lane, Lanes
    from marginwatch.venues.protocol import Clock, Fetched

Outcome: TypeAlias = "Fetched | VenueFailure"


class Cycle:
    """Asks for each account once and hands out what comes, as it comes.

    The workers are never cancelled: what is under way when the time is up, or when nobody listens any more, ends by
    its own deadline or with its connection.
    """

    def __init__(self, lanes: Lanes, fetch: Callable[[AccountKey, Lane], Awaitable[Outcome]], now: Clock) -> None:
        self._lanes = lanes
        self._fetch = fetch
        self._now = now
        self._stopped = False
        self._workers: list[asyncio.Task[None]] = []
        self.unasked: set[AccountKey] = set()
        """The accounts that the time did not reach for."""

    async def run(self, accounts: Sequence[AccountKey], deadline: float) -> AsyncGenerator[Outcome]:
        """Yield one outcome an account, by `deadline` on the monotonic clock."""
        arrived: asyncio.Queue[tuple[AccountKey, Outcome] | None] = asyncio.Queue()
        self.unasked = set(accounts)
        open_accounts = dict.fromkeys(accounts)
        timer = asyncio.get_running_loop().call_later(deadline - clock.monotonic(), arrived.put_nowait, None)
        try:
            self._start(iter(accounts), len(accounts), arrived)
            while open_accounts and (news := await arrived.get()) is not None:
                del open_accounts[news[0]]
                yield news[1]
            self._raise_surprise()
            for account in open_accounts:
                yield self._ran_out(account)
        finally:
            timer.cancel()
            self._stop()

    def _start(
        self,
        accounts: Iterator[AccountKey],
        count: int,
        arrived: asyncio.Queue[tuple[AccountKey, Outcome] | None],
    ) -> None:
        async def work(lane: Lane) -> None:
            for account in accounts:
                if self._stopped:
                    return
                self.unasked.discard(account)
                arrived.put_nowait((account, await self._fetch(account, lane)))

        def ended(worker: asyncio.Task[None]) -> None:
            if not worker.cancelled() and worker.exception() is not None:
                arrived.put_nowait(None)

        for number in range(min(self._lanes.concurrency, count)):
            worker = asyncio.create_task(work(self._lanes.of(number)), name="venue worker")
            worker.add_done_callback(ended)
            self._workers.append(worker)

    def _raise_surprise(self) -> None:
        """A fault of our own in a worker goes where the loop that runs cycles looks for it."""
        for worker in self._workers:
            if worker.done() and not worker.cancelled() and (error := worker.exception()) is not None:
                raise error

    def _ran_out(self, account: AccountKey) -> VenueFailure:
        what = "not asked" if account in self.unasked else "no complete answer"
        detail = f"{what}: the cycle's time was up"
        return VenueFailure(account.venue, FailureKind.TIMED_OUT, self._now(), detail, account=account)

    def _stop(self) -> None:
        self._stopped = True
        if any(not worker.done() for worker in self._workers):
            self._lanes.abandon()

    async def end(self, within: float) -> None:
        """Let the workers that are still under way end, for so many seconds."""
        under_way = [worker for worker in self._workers if not worker.done()]
        if under_way:
            await asyncio.wait(under_way, timeout=within)
