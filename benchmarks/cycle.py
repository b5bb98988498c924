"""What a whole cycle costs against the bare fetching of the same bodies: the same venue, lanes and connections.

Ours is polling with login, deadlines, failures and budgets, normalising, 25 rules, the state machine and a durable
commit of every changed account. Bare is httpx's own client with as many workers on as many clients, and a JSON decoder
that keeps every digit, as money needs. Both take turns, so that a busy machine hurts them alike.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from figures import Figure, median, publish
from fleet import HELIO, Login, account_ids, parts_of, write_config
from marginwatch import clock
from marginwatch.app.polling import VenuePolling
from marginwatch.app.pump import Pump, Writer
from marginwatch.store.store import Store
from marginwatch.tick import Ticker
from marginwatch.venues.http.lanes import PER_LANE
from processes import Beside

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from marginwatch.app.build import Parts

CONCURRENCY = 8
WANTED = 1.3


@dataclass(frozen=True, slots=True)
class Spent:
    """What one cycle took, in seconds."""

    wall: float
    cpu: float


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """One row for small bodies, one for large ones; wall time and processor time."""
    accounts, pairs = (20, 2) if quick else (300, 7)
    return [figure for lots in (1, 20) for figure in asyncio.run(_rows(accounts, lots, pairs))]


async def _rows(accounts: int, lots: int, pairs: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, Beside("venue.py", HELIO, accounts, lots) as venue:
        url = f"http://127.0.0.1:{venue.port}/api/v1"
        login = Login(HELIO, account_ids(accounts), url, concurrency=CONCURRENCY, calls_per_second=10_000)
        config = write_config(Path(folder), [login], rules=25, receivers=["json://127.0.0.1:9"])
        with closing(Store.open(f"sqlite:///{folder}/bench.db")) as store, closing(Writer()) as writer:
            store.own()
            ours, bare = _Ours(parts_of(config), store, writer), _Bare(url, account_ids(accounts))
            await ours.start()
            await _timed(ours.cycle)
            await _timed(bare.cycle)
            spent = [(await _timed(ours.cycle), await _timed(bare.cycle)) for _ in range(pairs)]
            size = bare.size // (accounts * (pairs + 1))
            await ours.aclose()
            await bare.aclose()
    name = f"whole cycle, {accounts} accounts, {size / 1000:.1f} kB each"
    return [
        Figure(
            f"{name}: {what}",
            median([getattr(one, field) for one, _ in spent]) * 1000,
            "ms",
            most=round(WANTED * median([getattr(two, field) for _, two in spent]) * 1000, 1),
            baseline=median([getattr(two, field) for _, two in spent]) * 1000,
            baseline_name="bare httpx and JSON",
        )
        for what, field in (("elapsed", "wall"), ("processor", "cpu"))
    ]


async def _timed(cycle: Callable[[], Awaitable[None]]) -> Spent:
    wall, cpu = time.perf_counter(), time.process_time()
    await cycle()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


class _Ours:
    """The daemon's own parts from poll to commit."""

    def __init__(self, parts: Parts, store: Store, writer: Writer) -> None:
        self._writer = writer
        self._ticker = Ticker(store, parts.ruling, {venue.name: venue.normalise for venue in parts.venues})
        self._pump = Pump(self._ticker, writer, lambda _: None)
        self._venue = parts.venues[0]
        every = parts.ruling.venues[HELIO].every
        self._polling = VenuePolling(self._venue, every, 6 * every, self._pump.put)

    async def start(self) -> None:
        """As the daemon does."""
        await self._writer.call(lambda: self._ticker.start(clock.now()))

    async def cycle(self) -> None:
        """Poll every account, and commit all of it."""
        ticking = asyncio.create_task(self._pump.run())
        await self._polling.cycle()
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        await self._pump.drain()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._venue.aclose()


class _Bare:
    """httpx and nothing else."""

    def __init__(self, url: str, accounts: list[str]) -> None:
        self._lanes = [
            httpx.AsyncClient(
                base_url=url,
                limits=httpx.Limits(max_connections=PER_LANE, max_keepalive_connections=PER_LANE),
                headers={"Authorization": "Bearer benchmark"},
                trust_env=False,
            )
            for _ in range(CONCURRENCY // PER_LANE)
        ]
        self._accounts = accounts
        self.size = 0

    async def cycle(self) -> None:
        """Fetch and decode both bodies of every account."""
        accounts = iter(self._accounts)
        await asyncio.gather(*(self._work(self._lanes[number // PER_LANE], accounts) for number in range(CONCURRENCY)))

    async def _work(self, lane: httpx.AsyncClient, accounts: Iterator[str]) -> None:
        for account in accounts:
            for call in ("portfolio", "metrics"):
                answer = await lane.get(f"/accounts/{account}/{call}")
                json.loads(answer.content, parse_float=Decimal)
                self.size += len(answer.content)

    async def aclose(self) -> None:
        """Close the connections."""
        for lane in self._lanes:
            await lane.aclose()


if __name__ == "__main__":
    publish(measure, __doc__)
