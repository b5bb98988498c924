"""A storm of 2,000 alerts delivered to a server on this machine, with digests and without.

Timed from the moment at which the answers of 2,000 accounts, all of them in breach, are given to the tick, to the last
message that the receiver read: decided, worded, committed to SQLite (`synchronous=FULL`), claimed, sent by Apprise over
HTTP and recorded. With digests the receiver is a plain form webhook, as a person's service is; without, it is a
`json://` one, which machines read. Beside it as many bare posts by requests, four at a time, to the same server.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from figures import Figure, publish
from fleet import HELIO, Login, account, account_ids, breached, parts_of, write_config
from marginwatch import clock
from marginwatch.deliver import Delivery
from marginwatch.ops.logs import configure_logging
from marginwatch.store.store import Store
from marginwatch.tick import MOST, Ticker
from processes import Beside
from sites import site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marginwatch.app.build import Parts
    from marginwatch.venues.protocol import Fetched

RULES = 25
AT_ONCE = 4
WANTED_TOGETHER, WANTED_ALONE = 5.0, 15.0
LOOK_EVERY = 0.02


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """Seconds of both, and of bare posts."""
    accounts = 60 if quick else 2_000
    with Path(os.devnull).open("w") as nowhere, Beside("sink.py") as sink:
        configure_logging(stream=nowhere, as_json=True)
        bare = _bare(accounts, f"http://127.0.0.1:{sink.port}/")
        found = []
        for scheme, what, wanted in (("form", "with digests", WANTED_TOGETHER), ("json", "one by one", WANTED_ALONE)):
            seconds, messages = _storm(accounts, f"{scheme}://127.0.0.1:{sink.port}/")
            name = f"{accounts:,} alerts told, {what}: {messages:,} messages"
            found.append(Figure(name, seconds, "s", most=wanted, baseline=bare, baseline_name="bare posts"))
    return found


def _storm(accounts: int, url: str) -> tuple[float, int]:
    """Seconds, and how many messages were sent."""
    login = Login(HELIO, account_ids(accounts))
    with tempfile.TemporaryDirectory() as folder:
        config = write_config(Path(folder), [login], rules=RULES, receivers=[url])
        with closing(Store.open(f"sqlite:///{folder}/bench.db")) as store:
            store.own()
            return asyncio.run(_deliver(parts_of(config), store, login))


async def _deliver(parts: Parts, store: Store, login: Login) -> tuple[float, int]:
    with ThreadPoolExecutor(1) as writer:
        loop = asyncio.get_running_loop()
        ticker = Ticker(store, parts.ruling, {venue.name: venue.normalise for venue in parts.venues})
        delivery = Delivery(store, parts.receivers, lambda work: loop.run_in_executor(writer, work))
        running = asyncio.create_task(delivery.run())
        ticker.start(clock.now())
        _tick(ticker, _answers(login, is_breached=False))
        answers = _answers(login, is_breached=True)
        began = time.perf_counter()
        await loop.run_in_executor(writer, _tick, ticker, answers)
        delivery.wake()
        while any(health.waiting for health in store.outbox.receivers().values()):  # noqa: ASYNC110  (a store tells nobody)
            await asyncio.sleep(LOOK_EVERY)
        seconds = time.perf_counter() - began
        await delivery.stop(1.0)
        await running
    told = [row for row in store.outbox.rows(limit=100_000) if not row.message.digest]
    return seconds, len(told)


def _answers(login: Login, *, is_breached: bool) -> list[Fetched]:
    accounts = [account(login.kind, each) for each in login.accounts]
    moved = [breached(each) for each in accounts] if is_breached else accounts
    return [answer for batch in site(login.kind).cycle(moved, clock.now()) for answer in batch]


def _tick(ticker: Ticker, answers: Sequence[Fetched]) -> None:
    for start in range(0, len(answers), MOST):
        ticker.tick(answers[start : start + MOST], clock.now())


def _bare(number: int, url: str) -> float:
    """Seconds for so many posts of a message's size, each by a connection of its own, as Apprise makes them."""
    body = {"title": "x" * 60, "message": "x" * 400}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        began = time.perf_counter()
        list(pool.map(lambda _: requests.post(url, json=body, timeout=10), range(number)))
        return time.perf_counter() - began


if __name__ == "__main__":
    publish(measure, __doc__)
