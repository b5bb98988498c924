"""A backup of a busy daemon, put back after a crash: it goes on as of then, and nothing that is true is left out."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from support.process import run, started
from support.sinks import HttpSink, Reply
from support.sites import Sites, receiver, write_config

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.acceptance

RULES = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { critical = "> 90%" }

[[rule]]
id = "thin"
title = "Little left"
when = "margin_excess < 6_000"
for = "1h"
"""
ACCOUNTS = tuple(f"acc-{number}" for number in range(6))


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A receiver that takes everything."""
    with HttpSink() as running:
        yield running


@pytest.fixture
def down() -> Iterator[HttpSink]:
    """A receiver that takes nothing for now."""
    with HttpSink() as running:
        running.always = Reply(503)
        yield running


def use(sites: Sites, account: str, margin: int) -> None:
    """The account uses so much of its 100,000."""
    sites.world.change("helio", account, margin_used=Decimal(margin))


async def ask(*words: str | Path) -> list[dict[str, Any]]:
    """What a listing says."""
    code, process = await run(*words, "--json")
    assert code == 0, process.errors
    found: list[dict[str, Any]] = json.loads("\n".join(process.output))
    return found


@asynccontextmanager
async def load(sites: Sites) -> AsyncIterator[None]:
    """Within, the other accounts are in trouble and out of it again and again."""

    async def flip() -> None:
        turn = 0
        while True:
            turn += 1
            for account in ACCOUNTS[2:]:
                use(sites, account, 95_000 if turn % 2 else 10_000)
            await asyncio.sleep(0.3)

    flipping = asyncio.create_task(flip())
    try:
        yield
    finally:
        flipping.cancel()


async def test_a_backup_under_load_is_gone_on_from(tmp_path: Path, sink: HttpSink, down: HttpSink) -> None:
    """Alerts, timers and what was on its way are those of the backup; what is true now and began later fires anew."""
    async with Sites("helio", accounts=ACCOUNTS) as sites:
        tables = (sites.tables(), receiver("hook", sink.url("/hook")), receiver("down", down.url("/down")))
        config = write_config(tmp_path, *tables, rules=RULES)
        (tmp_path / "then").mkdir()
        copy = tmp_path / "then" / "copy.db"
        then = write_config(tmp_path / "then", *tables, rules=RULES, store=f"sqlite:///{copy}")
        async with started("run", "--config", config) as process, load(sites):
            use(sites, "acc-0", 95_000)
            await sink.arrived(4)
            code, made = await run("backup", copy, "--config", config)
            assert code == 0, made.errors
            seen = len(sink.posts)
            await sink.arrived(seen + 4)
            use(sites, "acc-1", 99_000)
            await sink.arrived(seen + 12)
            process.signal(signal.SIGKILL)
            await process.ended()
        for account in ACCOUNTS[2:]:
            use(sites, account, 10_000)

        alerts, rows = [await ask("alerts", "--all", "--config", then), await ask("outbox", "--config", then)]
        code, put = await run("restore", copy, "--config", config)
        assert (code, put.errors[0].partition(";")[0].endswith("marginwatch.db already")) == (1, True)
        code, put = await run("restore", copy, "--force", "--config", config)
        assert code == 0, put.errors
        assert await ask("alerts", "--all", "--config", config) == alerts
        assert await ask("outbox", "--config", config) == rows

        waiting = {(row["alert_id"], row["state"]) for row in rows if row["status"] in {"pending", "sending"}}
        down.always, heard = Reply(200), len(down.posts)
        async with started("run", "--config", config) as process:
            await down.arrived(heard + len(waiting) + 1)
            process.signal(signal.SIGTERM)
            assert await process.ended() == 0
        now = await ask("alerts", "--config", config)

    before = {(row["rule"], row["account"]): row for row in alerts if row["state"] in {"firing", "pending"}}
    told = {(post.json["alert_id"], post.json["state"]) for post in down.posts[heard:]}
    assert waiting <= told
    after = {(row["rule"], row["account"]): row for row in now}
    for key in (("margin-usage", "acc-0"), ("thin", "acc-0")):
        assert (after[key]["alert_id"], after[key]["active_at"]) == (before[key]["alert_id"], before[key]["active_at"])
    assert ("margin-usage", "acc-1") not in before
    assert after["margin-usage", "acc-1"]["state"] == "firing"
