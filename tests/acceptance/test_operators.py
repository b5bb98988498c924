"""What operators type while the daemon runs: acknowledgements, silences, and accounts given up."""

from __future__ import annotations

import asyncio
import json
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from support.logging_state import logging_restored
from support.process import run, started
from support.shell import Shell
from support.sinks import HttpSink
from support.sites import Sites, receiver, write_config
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from acceptance.conftest import Open
    from support.house import House

REMINDING: Final = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
worsens_by = "2%"
remind_every = "10m"
"""


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed beside the config."""
    return Shell(tmp_path, monkeypatch)


async def typed(shell: Shell, *words: str) -> str:
    """What a command prints; it must go well."""
    said = await asyncio.to_thread(shell, *words)
    assert (said.code, said.err) == (0, "")
    return said.out


async def passing(house: House, minutes: int) -> list[str]:
    """What is told while so many minutes pass: venue, account, state and severity."""
    await house.cycle(30, times=2 * minutes)
    return [line.replace("margin-usage ", "") for line in house.news()]


async def fired(house: House, kind: str = "helio", used: int = 85) -> str:
    """An account goes into breach; the alert's id."""
    house.change(kind, margin_used=Decimal(used * 1_000))
    await house.cycle(30)
    (message,) = house.heard()
    assert message["state"] == "firing"
    alert_id: str = message["alert_id"]
    return alert_id


async def test_an_acknowledgement_stops_reminders(open_house: Open, shell: Shell) -> None:
    """It lasts until its time is over, or until the alert ends."""
    async with open_house("helio", rules=REMINDING) as house:
        alert = await fired(house)
        assert await passing(house, 10) == ["fx/acc-1 reminder warning"]

        assert f"acknowledged {alert}" in await typed(shell, "ack", alert[:5], "--for", "30m", "--note", "on it")
        assert await passing(house, 29) == []
        assert await passing(house, 2) == ["fx/acc-1 reminder warning"]

        await typed(shell, "ack", alert)
        assert await passing(house, 60) == []
        house.change("helio", margin_used=Decimal(10_000))
        assert await passing(house, 1) == ["fx/acc-1 resolved warning"]

        await fired(house)
        assert await passing(house, 10) == ["fx/acc-1 reminder warning"]


async def test_what_gets_worse_voids_an_acknowledgement(open_house: Open, shell: Shell) -> None:
    """Worse by the step since last told, or at a higher level, is told at once, and reminders go on from then."""
    async with open_house("helio", rules=REMINDING) as house:
        for worse, told in ((87, "fx/acc-1 worsened warning"), (91, "fx/acc-1 worsened critical")):
            house.change("helio", margin_used=Decimal(10_000))
            await passing(house, 1)
            alert = await fired(house)
            await typed(shell, "ack", alert)
            house.change("helio", margin_used=Decimal(86_900))
            assert await passing(house, 15) == []
            house.change("helio", margin_used=Decimal(worse * 1_000))
            assert await passing(house, 1) == [told]
            assert await passing(house, 10) == [f"fx/acc-1 reminder {told.split()[-1]}"]


async def test_a_silence_holds_back_and_loses_nothing(open_house: Open, shell: Shell) -> None:
    """At its end what is still true is told once, what is over is told to whom its beginning was, the rest is nobody's.

    What it does not name is told as ever.
    """
    async with open_house("helio", "architect", rules=REMINDING) as house:
        await fired(house)
        await typed(shell, "silence", "add", "--venue", "fx", "--for", "1h")
        house.change("helio", margin_used=Decimal(10_000))  # told of before, ends now
        house.change("helio", "acc-2", margin_used=Decimal(95_000))  # begins now, lasts
        house.change("architect", margin_used=Decimal(85_000))
        assert await passing(house, 5) == ["futures/acc-1 firing warning"]
        house.change("architect", margin_used=Decimal(10_000))
        assert await passing(house, 50) == ["futures/acc-1 resolved warning"]
        assert await passing(house, 6) == ["fx/acc-1 resolved warning", "fx/acc-2 firing critical"]
        assert await passing(house, 8) == []
        assert await passing(house, 3) == ["fx/acc-2 reminder critical"]


async def test_a_breach_within_a_silence_is_told_to_nobody(open_house: Open, shell: Shell) -> None:
    """What begins and ends while it lasts needs no words at its end, which may come early."""
    async with open_house("helio", rules=REMINDING) as house:
        await house.cycle()
        number = (await typed(shell, "silence", "add", "--rule", "margin-*", "--for", "1d")).split()[1]
        house.change("helio", margin_used=Decimal(95_000))
        await passing(house, 5)
        house.change("helio", margin_used=Decimal(10_000))
        await passing(house, 5)
        house.change("helio", "acc-2", margin_used=Decimal(85_000))
        await passing(house, 5)
        assert house.sink.posts == []

        await typed(shell, "silence", "end", number)
        assert await passing(house, 1) == ["fx/acc-2 firing warning"]


async def test_a_restart_forgets_no_wish(open_house: Open, shell: Shell) -> None:
    """Acknowledgements and silences hold in the next process as they did in this one."""
    async with open_house("helio", "architect", rules=REMINDING) as house:
        alert = await fired(house)
        await typed(shell, "ack", alert)
        await typed(shell, "silence", "add", "--account", "DESK:acc-2", "--for", "20m")
        await house.cycle()
        await house.restart()
        house.change("architect", "acc-2", margin_used=Decimal(95_000))

        assert await passing(house, 15) == []
        await house.restart()
        assert await passing(house, 6) == ["futures/acc-2 firing critical"]


async def test_an_account_that_is_given_up(open_house: Open, shell: Shell) -> None:
    """What its venue lists no more keeps its alerts until an operator gives it up; then they are closed."""
    async with open_house("architect", rules=REMINDING, stale_after="1h") as house:
        alert = await fired(house, "architect")
        house.change("architect", listed=False)
        assert await passing(house, 5) == ["futures/acc-1 account-vanished firing critical"]

        await typed(shell, "forget", "futures/acc-1")
        await house.cycle()
        closed = sorted((message["rule"], message["state"], message["reason"]) for message in house.heard())
        assert closed == [("account-vanished", "closed", "forgotten"), ("margin-usage", "closed", "forgotten")]
        listed = json.loads(await typed(shell, "alerts", "--all", "--json"))
        assert {each["alert_id"]: each["state"] for each in listed}[alert] == "closed"


@pytest.mark.acceptance
async def test_commands_reach_a_running_daemon(tmp_path: Path) -> None:
    """Typed as real commands beside a real daemon, an acknowledgement and a silence do what they say, and end."""
    rules = REMINDING.replace("10m", "1s")
    async with Sites("helio", "stonex") as sites:
        for kind, account in (("helio", "acc-1"), ("helio", "acc-2"), ("stonex", "acc-1")):
            sites.world.change(kind, account, margin_used=Decimal(85_000))
        with HttpSink() as sink:
            config = write_config(tmp_path, sites.tables(), receiver("hook", sink.url()), rules=rules)
            told = counting(sink)
            async with started("run", "--config", config) as process:
                await until(lambda: told("fx/acc-1") > 2 and told("fx/acc-2") > 2)
                listed = await commanded(config, "alerts", "--json")
                (alert,) = [
                    each["alert_id"]
                    for each in json.loads(listed)
                    if (each["venue"], each["account"]) == ("fx", "acc-1")
                ]
                assert "no reminders until" in await commanded(config, "ack", alert, "--by", "ann")
                await reminders_of("clearing/acc-1", 2, told)
                before = told("fx/acc-1")
                await reminders_of("fx/acc-2", 3, told)
                assert told("fx/acc-1") == before

                assert "silence 1 until" in await commanded(config, "silence", "add", "--venue", "fx", "--for", "1h")
                await reminders_of("clearing/acc-1", 2, told)
                before = told("fx/acc-2")
                sites.world.change("helio", "acc-2", margin_used=Decimal(10_000))
                await reminders_of("clearing/acc-1", 3, told)
                assert told("fx/acc-2") == before

                assert "silence 1 ended" in await commanded(config, "silence", "end", "1")
                await until(lambda: told("fx/acc-2") == before + 1)
                process.signal(signal.SIGTERM)
                assert await process.ended() == 0

            ends = [post.json["state"] for post in sink.posts if post.json["account"] == "acc-2"]
            assert ends[-1] == "resolved"
            assert told("fx/acc-1") > 2


def counting(sink: HttpSink) -> Callable[[str], int]:
    """How many messages there were about an account."""
    return lambda where: sum(f"{post.json['venue']}/{post.json['account']}" == where for post in list(sink.posts))


async def reminders_of(where: str, count: int, told: Callable[[str], int]) -> None:
    """Wait for so many more messages about an account: a clock that ticks with the daemon's work."""
    before = told(where)
    await until(lambda: told(where) >= before + count)


async def commanded(config: Path, *words: str) -> str:
    """What a real command prints; it must go well."""
    code, process = await run(*words, "--config", config)
    assert (code, process.errors) == (0, [])
    return "\n".join(process.output)
