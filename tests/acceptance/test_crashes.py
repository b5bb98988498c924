"""Killed at random instants while accounts flip: nothing is lost, and hardly anything is said twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest
import sqlalchemy as sa

from support.postgres import Postgres, postgres
from support.process import started
from support.sinks import Behaviour, HttpSink, Post
from support.sites import KINDS, NAMES, Sites, receiver, write_config
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    Ask: TypeAlias = Callable[[str], list[tuple[Any, ...]]]

__all__ = ["postgres"]

pytestmark = pytest.mark.acceptance

LIVES: Final = 25
ACCOUNTS: Final = tuple(f"acc-{number}" for number in range(6))
TESTS: Final = Path(__file__).parents[1]
FLIP_EVERY: Final = 0.02
RULES: Final = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { critical = "> 90%" }
flapping = false
"""
HEALTHY, BREACH = Decimal(10_000), Decimal(95_000)


class SlowSink(HttpSink):
    """Takes its time to answer, so that a crash often falls between a send and its answer."""

    def take(self, post: Post) -> Behaviour:
        """Keep it; answer well, but not at once."""
        behaviour = super().take(post)
        time.sleep(0.03)
        return behaviour


@dataclass(frozen=True)
class Sent:
    """One message as it came in."""

    alert: str
    number: int
    life: str
    """Of the process that sent it: the path it was posted to."""
    state: str


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A database on a server."""
    with postgres.database() as url:
        yield url


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    """Nothing is lost on SQLite, and the file is sound."""
    url = f"sqlite:///{tmp_path}/marginwatch.db"
    await live_and_die(tmp_path, url, seed)

    with asking(url) as ask:
        assert ask("PRAGMA integrity_check") == [("ok",)]


async def test_killed_again_and_again_on_a_server(tmp_path: Path, postgres_url: str) -> None:
    """Nothing is lost on PostgreSQL."""
    await live_and_die(tmp_path, postgres_url, seed=3)


async def live_and_die(folder: Path, url: str, seed: int) -> None:
    """Every transition on record was told, in order; a message is repeated only if it was on its way at a crash."""
    async with Sites(accounts=ACCOUNTS) as sites:
        with SlowSink() as sink:
            hook = receiver("hook", sink.url("/${env:LIFE}"))
            config = write_config(folder, sites.tables(), hook, rules=RULES, store=url)
            async with flipping(sites, seed):
                await die(config, seed)
            in_breach = settle_accounts(sites)
            await finish(config, url, in_breach)
            sent = [as_sent(post) for post in sink.posts]

    with asking(url) as ask:
        told = on_record(ask)
        alerts_take_turns(ask)
    assert len(told) > LIVES
    assert {(each.alert, each.number): each.state for each in sent} == told
    repeats_are_of_what_was_on_its_way(sent)
    everything_is_in_order(sent)


def repeats_are_of_what_was_on_its_way(sent: list[Sent]) -> None:
    """No process says anything twice, and of one alert it repeats at most the one message its predecessor left."""
    by_life: dict[str, list[Sent]] = defaultdict(list)
    for each in sent:
        by_life[each.life].append(each)
    said: set[tuple[str, int]] = set()
    for life in sorted(by_life, key=lambda path: int(path.strip("/"))):
        keys = [(each.alert, each.number) for each in by_life[life]]
        assert len(keys) == len(set(keys))
        repeated = Counter(alert for alert, number in keys if (alert, number) in said)
        assert set(repeated.values()) <= {1}
        said.update(keys)


def everything_is_in_order(sent: list[Sent]) -> None:
    """The first time they come, messages of an alert count up, and it fires before it resolves."""
    first: dict[tuple[str, int], Sent] = {}
    for each in sent:
        first.setdefault((each.alert, each.number), each)
    by_alert: dict[str, list[Sent]] = defaultdict(list)
    for each in first.values():
        by_alert[each.alert].append(each)
    for told in by_alert.values():
        assert [each.number for each in told] == list(range(1, len(told) + 1))
        assert [each.state for each in told] == ["firing", "resolved"][: len(told)]


def alerts_take_turns(ask: Ask) -> None:
    """On every account firing and resolved follow one another: no episode is begun twice, none is ended twice."""
    states: dict[tuple[str, str], list[str]] = defaultdict(list)
    for venue, account, state in ask(
        "SELECT venue, account, state FROM transitions WHERE state IS NOT NULL ORDER BY id"
    ):
        states[venue, account].append(state)
    for told in states.values():
        assert told == [("firing", "resolved")[place % 2] for place in range(len(told))]


@contextmanager
def asking(url: str) -> Iterator[Ask]:
    """Ask a database for rows."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))

    def ask(question: str) -> list[tuple[Any, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(question))]

    try:
        yield ask
    finally:
        engine.dispose()


def on_record(ask: Ask) -> dict[tuple[str, int], str]:
    """What was to be told, by alert and number: each told transition has its row in the outbox, and no row has none."""
    told: dict[str, list[str]] = defaultdict(list)
    for alert, state in ask("SELECT alert_id, state FROM transitions WHERE state IS NOT NULL ORDER BY id"):
        told[alert].append(state)
    rows = {(alert, number): state for alert, number, state in ask("SELECT alert_id, number, state FROM outbox")}
    assert rows == {(alert, place): state for alert, states in told.items() for place, state in enumerate(states, 1)}
    return rows


def as_sent(post: Post) -> Sent:
    """What the sink took."""
    alert, number, _ = post.headers["idempotency-key"].split(".")
    return Sent(alert, int(number), post.path, post.json["state"])


@asynccontextmanager
async def flipping(sites: Sites, seed: int) -> AsyncIterator[None]:
    """Meanwhile accounts go into breach and out of it all the time."""
    chance = random.Random(seed)

    async def flip() -> None:
        while True:
            kind, account = chance.choice(KINDS), chance.choice(ACCOUNTS)
            sites.world.change(kind, account, margin_used=chance.choice((HEALTHY, BREACH)))
            await asyncio.sleep(FLIP_EVERY)

    flips = asyncio.create_task(flip())
    try:
        yield
    finally:
        flips.cancel()
        await asyncio.gather(flips, return_exceptions=True)


async def die(config: Path, seed: int) -> None:
    """Live and die, as often as is asked."""
    killing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "support.dying", str(config), str(LIVES), str(seed)),
        cwd=TESTS,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, log = await killing.communicate()
    assert (said.decode(), killing.returncode) == ("", 0), log.decode()[-4_000:]
    assert "Traceback" not in log.decode()


def settle_accounts(sites: Sites) -> set[tuple[str, str]]:
    """Leave half of the accounts of each venue in breach: venue and account of each."""
    for kind in KINDS:
        for place, account in enumerate(ACCOUNTS):
            sites.world.change(kind, account, margin_used=BREACH if place % 2 else HEALTHY)
    return {(NAMES[kind], account) for kind in KINDS for account in ACCOUNTS[1::2]}


async def finish(config: Path, url: str, in_breach: set[tuple[str, str]]) -> None:
    """One more life, which tells all there is to tell and ends well."""
    async with started("run", "--config", config, environ={"LIFE": str(LIVES)}) as process:
        await process.logged("ready")
        with asking(url) as ask:
            await until(lambda: all_is_told(ask, in_breach), 0.1)
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0


def all_is_told(ask: Ask, in_breach: set[tuple[str, str]]) -> bool:
    """Whether the database holds exactly these breaches, and nothing that is not delivered."""
    firing = ask("SELECT venue, account FROM alerts WHERE status = 'firing'")
    waiting = ask("SELECT count(*) FROM outbox WHERE status <> 'delivered'")
    return set(firing) == in_breach and waiting == [(0,)]
