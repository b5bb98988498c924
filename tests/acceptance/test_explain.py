"""Explaining beside a daemon: over real venues' answers, at every moment of the past, and as a real command."""

from __future__ import annotations

import asyncio
import json
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from marginwatch.simulator.faults import Fault, FaultKind
from support.logging_state import logging_restored
from support.process import run, started
from support.shell import Shell
from support.sinks import HttpSink
from support.sites import KINDS, NAMES, Sites, receiver, write_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from acceptance.conftest import Open
    from support.house import House

RULES: Final = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
clear_by = "3%"
for = "30s"
clear_for = "20s"
remind_every = "2m"

[[rule]]
id = "peak"
title = "Far from the peak"
when = 'drawdown(equity, "5m") > 50_000 or in_stop_out'
severity = "critical"
"""


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed beside the config."""
    return Shell(tmp_path, monkeypatch)


async def explained(shell: Shell, *words: str) -> dict[str, Any]:
    """What explaining says to a program; it must go well."""
    said = await asyncio.to_thread(shell, "explain", *words, "--json")
    assert (said.code, said.err) == (0, "")
    found: dict[str, Any] = json.loads(said.out)
    return found


@pytest.mark.parametrize("kind", KINDS)
async def test_every_venues_answer_is_explained(open_house: Open, shell: Shell, kind: str) -> None:
    """The value, where it comes from, who was told and what the receiver answered, as things stand now."""
    async with open_house(kind, rules=RULES) as house:
        house.change(kind, margin_used=Decimal(85_000))
        await house.good_cycle()
        await house.cycle(10, times=4)
        found = await explained(shell, "margin-usage", f"{NAMES[kind]}/acc-1")
        peak = await explained(shell, "peak", f"{NAMES[kind]}/DESK:acc-1" if kind == "architect" else "acc-1")
        words = await asyncio.to_thread(shell, "explain", "margin-usage", "acc-1")

    answer = found["answer"]
    (read,) = answer["inputs"]
    assert (found["state"], found["alert"]["severity"], answer["level"]) == ("firing", "warning", "warning")
    assert (read["field"], read["value"], read["gap"]) == ("margin_usage", "0.85", "")
    assert ":" in read["source"]
    (message,) = found["messages"]
    assert [attempt["outcome"] for attempt in message["attempts"]] == ["delivered"]
    assert found["receivers"][0]["hears_of"] == ["warning", "critical"]
    (window,) = peak["answer"]["windows"]
    assert (window["value"], peak["state"]) == ("0", "inactive")
    assert window["seen_seconds"] > 0
    assert words.code == 0
    assert "85% is 5 points above warning (> 80%), which holds" in words.out


@pytest.mark.usefixtures("no_pauses")
async def test_the_past_is_decided_again_as_it_was(open_house: Open, shell: Shell) -> None:
    """Through a breach, an outage, a restart and the end, each moment is as it was recorded and as it stood."""
    async with open_house("helio", rules=RULES) as house:
        stood: list[tuple[datetime, str, str | None]] = []
        for used, cycles in ((50, 2), (85, 5), (95, 5), (None, 4), (95, 2), (60, 4)):
            if used is None:
                house.sites.faults["helio"].fail("*", Fault(FaultKind.STATUS))
            else:
                house.sites.faults["helio"].clear()
                house.change("helio", margin_used=Decimal(used * 1_000))
            for _ in range(cycles):
                await house.cycle(10)
                stood.append((house.clock.now(), *state(house)))
            if used == 85:
                await house.restart()
        house.clock.push(60)
        for moment, status, severity in stood:
            found = await explained(shell, "margin-usage", "acc-1", "--at", moment.isoformat())
            alert = found["alert"]
            assert found["agrees"], moment
            assert (found["state"], alert and alert["severity"]) == (status, severity), moment
        assert {status for _, status, _ in stood} == {"inactive", "pending", "firing"}


def state(house: House) -> tuple[str, str | None]:
    """How the alert of the account stands."""
    found = [alert for alert in house.store.history.alerts(rule="margin-usage") if alert.key.account.id == "acc-1"]
    return (found[0].status.value, found[0].severity.label) if found else ("inactive", None)


@pytest.mark.acceptance
async def test_beside_a_running_daemon_and_after_it(tmp_path: Path) -> None:
    """As a real command, while the daemon runs and when it is gone, and without a secret in what it prints."""
    async with Sites("architect", "stonex", "helio") as sites:
        for kind in KINDS:
            sites.world.change(kind, "acc-1", margin_used=Decimal(95_000))
        with HttpSink() as sink:
            rules = RULES.replace('for = "30s"', 'for = "1s"')
            config = write_config(tmp_path, sites.tables(), receiver("hook", sink.url()), rules=rules)
            async with started("run", "--config", config) as process:
                await sink.arrived(3)
                live = [await printed(config, "margin-usage", f"{venue}/acc-1") for venue in NAMES.values()]
                process.signal(signal.SIGTERM)
                assert await process.ended() == 0
            later = await printed(config, "margin-usage", "fx/acc-1", "--json")

    for venue, text in zip(NAMES.values(), live, strict=True):
        assert text.splitlines()[0].endswith("; 95% is 5 points above critical (> 90%)"), text
        assert f"({venue}): critical, firing since " in text
        assert "hook" in text
    assert json.loads(later)["messages"][0]["status"] == "delivered"
    everything = later + "".join(live)
    lines = (line.partition(" = ") for line in config.read_text().splitlines())
    secrets = [json.loads(value) for key, _, value in lines if "secret" in key or key == "password"]
    assert len(secrets) == len(KINDS)
    assert not [secret for secret in secrets if secret in everything]


async def printed(config: Path, *words: str) -> str:
    """What the command prints; it must go well."""
    code, process = await run("explain", *words, "--config", config)
    assert (code, process.errors) == (0, [])
    return "\n".join(process.output)
