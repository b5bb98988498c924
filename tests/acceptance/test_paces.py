"""Venues are asked faster near a level, again at once at a breach, and slower while nothing can happen."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.core.calendar import WEEKDAYS
from support.living import living
from support.shell import Shell
from support.sites import Sites, receiver, table, write_config
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from marginwatch.app.daemon import Daemon

RULE = '[[rule]]\nid = "usage"\ntitle = "Margin usage"\nvalue = "margin_usage"\nlevels = { critical = "> 90%" }\n'
NEVER = "10m"
"""A pace at which no second cycle begins while a test runs."""


def config_of(folder: Path, sites: Sites, more: str = "", **keys: object) -> Path:
    """A config for a Helio venue; `keys` are of its table."""
    return write_config(folder, sites.table("helio", **keys), receiver("hook", "json://127.0.0.1:9/"), more, rules=RULE)


def asked(sites: Sites, times: int) -> Callable[[], bool]:
    """Whether the venue was asked so often for an account."""
    calls = sites.faults["helio"]
    return lambda: len([each for each in calls.asked("metrics") if each.account == "acc-1"]) >= times


def paced(daemon: Daemon, seconds: int) -> Callable[[], bool]:
    """Whether the venue is asked at that pace."""
    return lambda: daemon.pollings[0].pace == timedelta(seconds=seconds)


def venue_line(folder: Path, patch: pytest.MonkeyPatch) -> dict[str, object]:
    """What `status` says of the venue."""
    said = Shell(folder, patch)("status", "--json")
    (line,) = json.loads(said.out)["venues"]
    return {key: line[key] for key in ("every", "pace_because")}


async def test_near_a_level_a_venue_is_asked_more_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account drifts near a level: the pace follows, and the next process knows it."""
    async with Sites("helio") as sites:
        sites.world.change("helio", "acc-1", margin_used=Decimal(50_000))
        config = config_of(tmp_path, sites, every="2s", fastest="1s")
        async with living(config) as daemon:
            await until(asked(sites, 2))
            assert paced(daemon, 2)()
            sites.world.change("helio", "acc-1", margin_used=Decimal(88_000))
            await until(paced(daemon, 1))
        assert venue_line(tmp_path, monkeypatch) == {"every": "1s", "pace_because": "fx/acc-1 is near usage critical"}


async def test_the_fast_pace_is_kept(tmp_path: Path) -> None:
    """One cycle shows that an account is near a level, and others follow though the usual pace has no second one."""
    async with Sites("helio") as sites:
        sites.world.change("helio", "acc-1", margin_used=Decimal(88_000))
        async with living(config_of(tmp_path, sites, every=NEVER, fastest="1s")):
            await until(asked(sites, 4))


async def test_a_first_breach_is_confirmed_at_once(tmp_path: Path) -> None:
    """A second cycle follows, where the pace has none."""
    async with Sites("helio") as sites:
        sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
        async with living(config_of(tmp_path, sites, every=NEVER)):
            await until(asked(sites, 2))


async def test_while_the_session_is_closed_a_venue_is_asked_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says until when."""
    far = WEEKDAYS[(clock.now() + timedelta(days=3)).weekday()]
    hours = {"name": "mine", "zone": "UTC", "open": "09:00", "close": "17:00", "days": [far]}
    async with Sites("helio") as sites:
        for account in sites.accounts:
            sites.world.change("helio", account, margin_used=Decimal(50_000))
        keys = {"every": "1s", "slowest": "20s", "calendar": "mine"}
        config = config_of(tmp_path, sites, table("[calendars]", hours), **keys)
        async with living(config) as daemon:
            await until(paced(daemon, 20))
        said = venue_line(tmp_path, monkeypatch)
        assert said["every"] == "20s"
        assert str(said["pace_because"]).startswith("the session is closed until ")


async def test_while_every_account_is_flat_a_venue_is_asked_slowly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No positions, no margin in use."""
    async with Sites("helio") as sites:
        config = config_of(tmp_path, sites, every="1s", slowest="20s", calendar="always")
        async with living(config) as daemon:
            await until(paced(daemon, 20))
        assert venue_line(tmp_path, monkeypatch) == {"every": "20s", "pace_because": "every account is flat"}
