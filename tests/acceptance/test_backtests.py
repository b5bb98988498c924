"""A backtest of what a daemon recorded says what the daemon did."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from marginwatch.simulator.faults import Fault, FaultKind
from support.logging_state import logging_restored
from support.process import started
from support.shell import Shell
from support.sinks import HttpSink
from support.sites import Sites, receiver, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.conftest import Open

RULES: Final = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
for = "15s"
clear_for = "15s"
worsens_by = "2%"
remind_every = "1m"

[[rule]]
id = "fall"
title = "Fall"
value = 'drawdown(equity, "1h")'
levels = { warning = "> 5_000" }

[[rule]]
id = "changes"
title = "Something changed"
on = "changed(trading_status) or increased(call_amount)"
severity = "warning"
"""


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed beside the config."""
    return Shell(tmp_path, monkeypatch)


async def typed(shell: Shell, *words: str) -> Any:  # noqa: ANN401  (whatever the JSON holds)
    """The JSON a command prints."""
    said = await asyncio.to_thread(shell, *words, "--json")
    assert (said.code, said.err) == (0, "")
    return json.loads(said.out)


async def agreed(shell: Shell) -> list[dict[str, Any]]:
    """The steps that a backtest and the daemon both took; those about marginwatch itself are in no recorded data."""
    found = await typed(shell, "backtest")
    lived = await typed(shell, "history", "--limit", "10000")
    assert found["exact"]
    assert found["transitions"] == [step for step in reversed(lived) if step["venue"]]
    return list(found["transitions"])


@pytest.mark.usefixtures("no_pauses")
async def test_a_backtest_repeats_a_troubled_hour(open_house: Open, shell: Shell) -> None:
    """Breaches, an outage, a restart, an acknowledgement and a silence at three venues: each step, as it was."""
    async with open_house(rules=RULES) as house:
        await house.good_cycle()
        house.change("helio", margin_used=Decimal(85_000))
        house.change("stonex", equity=Decimal(80_000))
        await house.cycle(times=3)
        (alert, *_) = house.store.history.alerts(rule="margin-usage")
        assert (await asyncio.to_thread(shell, "ack", alert.alert_id, "--for", "2m")).code == 0
        await house.cycle(times=4)
        await house.restart()
        house.sites.faults["helio"].fail("*", Fault(FaultKind.STATUS))
        await house.cycle(times=10)
        await asyncio.to_thread(shell, "silence", "add", "--for", "1m", "--rule", "margin-*")
        house.sites.faults["helio"].clear()
        house.change("architect", margin_used=Decimal(97_000))
        await house.cycle(times=12)
        house.change("helio", margin_used=Decimal(20_000))
        await house.cycle(times=5)

        steps = await agreed(shell)

    assert {step["rule"] for step in steps} > {"margin-usage", "fall"}
    assert {"firing", "resolved", "reminder"} < {step["told_as"] for step in steps}


@pytest.mark.acceptance
async def test_a_backtest_repeats_a_real_process(tmp_path: Path, shell: Shell) -> None:
    """A daemon by itself, with its own clock, against venues that answer every second."""
    with HttpSink() as sink:
        async with Sites() as sites:
            rules = RULES.replace('"15s"', '"1s"').replace('"1m"', '"2s"')
            config = write_config(tmp_path, sites.tables(), receiver("hook", sink.url()), rules=rules)
            async with started("run", "--config", config) as process:
                await process.logged("ready")
                sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
                sites.world.change("architect", "acc-2", margin_used=Decimal(85_000))
                await sink.arrived(4)
                sites.world.change("helio", "acc-1", margin_used=Decimal(20_000))
                await sink.arrived(8)

            steps = await agreed(shell)

    assert {"remind", "cleared"} <= {step["reason"] for step in steps}
