"""Editing rules under a running daemon: a wrong edit changes nothing and is told, a good one is in force at once."""

from __future__ import annotations

import json
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from support.process import Process, run, started
from support.service_manager import Manager
from support.sinks import HttpSink
from support.sites import Sites, receiver, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.acceptance

USAGE = """\
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
"""
HELD = """
[[rule]]
id = "thin"
title = "Little left"
when = "margin_excess < 6_000"
for = "1h"
"""
WRONG = USAGE.replace('"> 80%"', '"> 80 USD"')
LOWER = USAGE.replace("> 80%", "> 70%").replace("Margin usage", "Margin in use")


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """A receiver."""
    with HttpSink() as running:
        yield running


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A service manager."""
    running = Manager(tmp_path, 60)
    yield running
    running.close()


def use(sites: Sites, account: str, margin: int) -> None:
    """The account uses so much of its 100,000."""
    sites.world.change("helio", account, margin_used=Decimal(margin))


async def alerts(config: Path) -> dict[str, dict[str, Any]]:
    """The open alerts, by rule and account."""
    code, process = await run("alerts", "--json", "--config", config)
    assert code == 0, process.errors
    return {f"{row['rule']} {row['account']}": row for row in json.loads("\n".join(process.output))}


def reload(process: Process, folder: Path, rules: str) -> None:
    """Write the rules and have them loaded."""
    (folder / "rules.toml").write_text(rules)
    process.signal(signal.SIGHUP)


def in_short(sink: HttpSink, first: int) -> list[str]:
    """What was told from that message on."""
    return [f"{each.json['rule']} {each.json['state']} {each.json['severity']}" for each in sink.posts[first:]]


async def test_an_edit_that_goes_wrong_and_is_mended(tmp_path: Path, sink: HttpSink, manager: Manager) -> None:
    """The old rules go on, everybody is told, and what is open stays as it was; mended, the edit counts at once."""
    async with Sites("helio") as sites:
        tables = (sites.tables(), receiver("hook", sink.url()))
        config = write_config(tmp_path, *tables, rules=USAGE + HELD)
        use(sites, "acc-1", 95_000)
        async with started("run", "--config", config, environ=manager.environ) as process:
            await sink.arrived(1)
            before = await alerts(config)
            fired = before["margin-usage acc-1"]
            code, _ = await run("ack", fired["alert_id"], "--note", "on it", "--config", config)
            assert code == 0

            reload(process, tmp_path, WRONG + HELD)
            rejected = await process.logged("reload rejected")
            await sink.arrived(2)
            assert rejected["problem"].startswith(f"{tmp_path}/rules.toml:5:25: ")
            assert rejected["problem"] in sink.posts[1].json["message"]
            code, status = await run("status", "--config", config)
            assert "the latest reload was rejected" in status.output[0]
            assert any(rejected["problem"] in line for line in status.output)

            use(sites, "acc-2", 85_000)
            await sink.arrived(3)

            reload(process, tmp_path, LOWER + HELD)
            await process.logged("reloaded")
            await sink.arrived(4)
            after = await alerts(config)
            use(sites, "acc-2", 96_000)
            await sink.arrived(5)

            process.signal(signal.SIGTERM)
            assert await process.ended() == 0

    assert in_short(sink, 0) == [
        "margin-usage firing critical",
        "reload-rejected firing critical",
        "margin-usage firing warning",
        "reload-rejected resolved critical",
        "margin-usage worsened critical",
    ]
    assert "Margin in use" in sink.posts[4].json["title"]
    assert "rule" in sink.posts[4].json["message"]
    kept = after["margin-usage acc-1"]
    assert (kept["alert_id"], kept["fired_at"]) == (fired["alert_id"], fired["fired_at"])
    assert kept["acknowledged_by"]
    held = "thin acc-1"
    assert (after[held]["alert_id"], after[held]["active_at"]) == (before[held]["alert_id"], before[held]["active_at"])
    told = [line for line in manager.pending() if "RELOADING=1" in line or "reload" in line]
    assert [line.split("\n")[0] for line in told] == ["RELOADING=1", "READY=1"] * 2
    assert "STATUS=watching by the rules of before; reload rejected: " in told[1]
    assert told[3].endswith("STATUS=watching; reloaded, rules: 2")


async def test_what_only_a_restart_can_change_is_refused(tmp_path: Path, sink: HttpSink) -> None:
    """With the keys by their names; the rules of the same edit wait for it, too."""
    async with Sites("helio") as sites:
        tables = (sites.tables(), receiver("hook", sink.url()))
        config = write_config(tmp_path, *tables, rules=USAGE)
        async with started("run", "--config", config) as process:
            await process.logged("ready")
            edited = config.read_text().replace('listen = ""', 'listen = "127.0.0.1:0"')
            config.write_text(edited.replace("marginwatch.db", "other.db"))
            reload(process, tmp_path, LOWER)
            rejected = await process.logged("reload rejected")
            (message,) = await sink.arrived(1)
            process.signal(signal.SIGTERM)
            assert await process.ended() == 0

    assert rejected["problem"] == (
        f"{config}: a reload cannot change [web] listen and [store] url; "
        "restart marginwatch to apply that, or take it back"
    )
    assert message.json["rule"] == "reload-rejected"


async def test_a_good_start_ends_what_a_rejected_reload_began(tmp_path: Path, sink: HttpSink) -> None:
    """Whoever restarts instead of reloading is told that all is well again."""
    async with Sites("helio") as sites:
        tables = (sites.tables(), receiver("hook", sink.url()))
        config = write_config(tmp_path, *tables, rules=USAGE)
        async with started("run", "--config", config) as process:
            await process.logged("ready")
            reload(process, tmp_path, "[[rule")
            await sink.arrived(1)
            process.signal(signal.SIGTERM)
            assert await process.ended() == 0
        (tmp_path / "rules.toml").write_text(LOWER)
        async with started("run", "--config", config) as process:
            await sink.arrived(2)
            process.signal(signal.SIGTERM)
            assert await process.ended() == 0

    assert in_short(sink, 0) == ["reload-rejected firing critical", "reload-rejected resolved critical"]
