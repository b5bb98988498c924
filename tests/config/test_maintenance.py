"""Maintenance windows and quiet hours of the config: what is written counts, and every mistake has its place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from marginwatch.config.maintenance import MaintenanceSettings, maintenance_of
from marginwatch.config.quiet import quiet_of
from marginwatch.core.groups import Groups
from marginwatch.core.labels import Labels
from marginwatch.core.model import Account, AccountKey, Severity
from support import configs

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.config.load import Loaded

REST = configs.RULES + configs.venue("futures") + '[[accounts]]\nmatch = ["futures/*"]\nlabels = { desk = "rates" }\n'
PHONE = configs.receiver("phone")
GOOD = """[[maintenance]]
name = "move"
zone = "Europe/London"
begins = "2026-12-24 18:00"
ends = "2026-12-25T06:00:00"
venues = ["fut*"]
note = "new host"
[[maintenance]]
name = "weekly"
zone = "Europe/London"
days = ["Sat"]
at = "23:00"
until = "01:00"
accounts = ["A-*"]
[[maintenance]]
name = "nightly"
zone = "America/New_York"
at = "02:00"
lasts = "30m"
rules = ["margin-*"]
"""


def load(folder: Path, text: str) -> Loaded:
    """The config with these tables in front."""
    return configs.load(folder, text + REST)


def at(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_windows_are_when_they_are_written(tmp_path: Path) -> None:
    """Once by local times, or again and again, over midnight and by the clocks of the zone."""
    loaded = load(tmp_path, GOOD + PHONE)
    assert loaded.problems == ()
    assert loaded.settings is not None
    windows = maintenance_of(loaded.settings.maintenance, Labels(), Groups())
    move, weekly, nightly = windows.all

    assert move.when.ends(at("2026-12-24T18:00")) == at("2026-12-25T06:00")
    assert move.when.ends(at("2026-12-25T06:00")) is None
    assert (move.when.begins(at("2026-12-24T17:00")), move.when.begins(at("2026-12-24T19:00"))) == (
        at("2026-12-24T18:00"),
        None,
    )
    assert weekly.when.ends(at("2026-07-04T22:30")) == at("2026-07-05T00:00")
    assert nightly.when.ends(at("2026-07-04T06:10")) == at("2026-07-04T06:30")
    account = Account(AccountKey("futures", "A-1"), "Main")
    assert [each.name for each in windows.of(account, "margin-usage")] == ["move", "weekly", "nightly"]
    assert [each.name for each in windows.of(Account(AccountKey("futures", ""), ""), "venue-unreachable")] == ["move"]


def test_windows_choose_by_labels_and_groups(tmp_path: Path) -> None:
    """As routes do; without windows there is nothing to choose."""
    window = '[[maintenance]]\nname = "rates"\nzone = "UTC"\nat = "06:00"\nlasts = "1h"\nlabels = { desk = "rates" }\n'
    loaded = load(tmp_path, window + PHONE)
    assert loaded.problems == ()
    assert loaded.settings is not None
    windows = maintenance_of(loaded.settings.maintenance, Labels(), Groups())
    account = Account(AccountKey("futures", "A-1"), "Main")

    assert windows
    assert windows.of(account, "margin-usage") == ()
    assert not maintenance_of((), Labels(), Groups())


def test_quiet_hours_are_those_of_their_receiver(tmp_path: Path) -> None:
    """By the zone's clock, on the nights its days begin, below a severity."""
    quiet = 'quiet = { hours = "22:00-07:00", zone = "Europe/London", days = ["Mon"], below = "warning" }\n'
    loaded = load(tmp_path, PHONE + quiet + PHONE.replace("phone", "desk"))
    assert loaded.problems == ()
    assert loaded.settings is not None
    (hours,) = quiet_of(loaded.settings.receivers).items()

    assert hours[0] == "phone"
    assert hours[1].until(Severity.INFO, at("2026-07-07T05:00")) == at("2026-07-07T06:00")
    assert hours[1].until(Severity.WARNING, at("2026-07-07T05:00")) is None
    assert hours[1].until(Severity.INFO, at("2026-07-08T05:00")) is None


def test_what_is_shown_of_a_window_can_be_read_again(tmp_path: Path) -> None:
    """In the spelling of the file."""
    quiet = 'quiet = { hours = "22:00-07:00", zone = "UTC" }\n'
    loaded = load(tmp_path, GOOD + PHONE + quiet)

    assert loaded.settings is not None
    move, weekly, nightly = (
        each.model_dump(mode="json", exclude_defaults=True) for each in loaded.settings.maintenance
    )
    assert move == {
        "name": "move",
        "zone": "Europe/London",
        "note": "new host",
        "begins": "2026-12-24 18:00",
        "ends": "2026-12-25 06:00",
        "venues": ["fut*"],
    }
    assert [MaintenanceSettings.model_validate(each.model_dump()) for each in loaded.settings.maintenance] == [
        *loaded.settings.maintenance
    ]
    assert (weekly["days"], weekly["at"], weekly["until"]) == (["Sat"], "23:00", "01:00")
    assert nightly["lasts"] == "30m"
    assert loaded.settings.receivers[0].model_dump(mode="json", exclude_defaults=True)["quiet"] == {
        "hours": "22:00-07:00",
        "zone": "UTC",
    }


def windows(*bodies: str) -> str:
    """Tables with these keys."""
    return "".join(f'[[maintenance]]\nname = "w{number}"\nzone = "UTC"\n{body}\n' for number, body in enumerate(bodies))


WRONG = {
    "once": windows(
        'begins = "2026-12-24 18:00"',
        'ends = "2026-12-24 18:00"',
        'begins = "2026-12-24 18:00"\nends = "2026-12-24 17:00"',
        'begins = "2026-12-24"\nends = "2026-12-24T17:00Z"',
        'begins = "2026-13-24 18:00"\nends = "2026-12-24 17:00"',
        'begins = 5\nends = "2026-12-24 17:00"',
        'begins = "2026-12-24 18:00"\nends = "2026-12-24 19:00"\nat = "06:00"',
        'begins = "2026-12-24 18:00"\nends = "2026-12-24 19:00"\ndays = ["Sat"]',
        'begins = "2026-12-24 18:00"\nends = "2026-12-24 19:00"\nlasts = "1h"',
        'begins = "2026-12-24 18:00"\nends = "2026-12-24 19:00"\nuntil = "20:00"',
    ),
    "again": windows(
        "",
        'at = "06:00"',
        'at = "06:00"\nlasts = "1h"\nuntil = "08:00"',
        'at = "06:00"\nlasts = "10s"',
        'at = "06:00"\nlasts = "7d"',
        'at = "06:00"\nuntil = "06:00"',
        'at = "06:00"\nlasts = "1d"',
        'at = "25:00"\nlasts = "1h"',
        'days = ["Sax"]\nat = "06:00"\nlasts = "1h"',
    ),
    "names": windows(
        'at = "06:00"\nlasts = "1h"\nvenues = ["futurs"]\ngroups = ["famly"]\nlabels = { desk = "rate", book = "x" }',
        'at = "06:00"\nlasts = "1h"\nacounts = ["x"]',
    )
    + '[[maintenance]]\nname = "w0"\nzone = "Europe/Londn"\nat = "06:00"\nlasts = "1h"\n'
    + '[[maintenance]]\nat = "06:00"\nlasts = "1h"\n',
    "quiet": "".join(
        PHONE.replace("phone", f"r{number}") + f"quiet = {quiet}\n"
        for number, quiet in enumerate(
            [
                '{ hours = "22:00-07:00" }',
                '{ hours = "22:00", zone = "UTC" }',
                '{ hours = "00:00-24:00", zone = "UTC" }',
                '{ hours = "22:00-07:00", zone = "UTC", below = "info" }',
                '{ hours = "22:00-07:00", zone = "UTC", days = ["Mox"] }',
                '"22:00-07:00"',
            ]
        )
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_every_mistake_is_told_at_its_place(tmp_path: Path, case: str, snapshot: SnapshotAssertion) -> None:
    """All at once, each with what to do."""
    loaded = load(tmp_path, WRONG[case] + ("" if case == "quiet" else PHONE))

    assert loaded.settings is None
    assert configs.told(loaded.problems, tmp_path) == snapshot
