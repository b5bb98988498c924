"""Calendars of the config: what is written is what counts, and every mistake has its place."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from marginwatch.config.calendars import calendars_of
from marginwatch.core.calendar import BUILT_IN, Hours
from support import configs

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.config.load import Loaded
    from marginwatch.core.calendar import Calendar

REST = configs.RULES + configs.venue("futures") + configs.receiver("desk")


def load(folder: Path, text: str) -> Loaded:
    return configs.load(folder, text + REST)


def calendars(folder: Path, text: str) -> dict[str, Calendar]:
    loaded = load(folder, text)
    assert loaded.problems == ()
    assert loaded.settings is not None
    return calendars_of(loaded.settings.calendars)


def test_the_built_in_ones_need_no_config(tmp_path: Path) -> None:
    """They are there by name, with the hours they are known for and no holidays."""
    found = calendars(tmp_path, "")
    assert {name: calendar.hours for name, calendar in found.items()} == BUILT_IN
    assert all(not calendar.holidays and not calendar.early_closes for calendar in found.values())
    assert found["us-futures"].zone == ZoneInfo("America/Chicago")


def test_a_calendar_of_ones_own(tmp_path: Path) -> None:
    """Hours, days, holidays and early closes are those that are written."""
    text = """
        [[calendars]]
        name = "desk"
        zone = "Europe/Zurich"
        open = "8:00"
        close = "24:00"
        days = ["Mon", "tuesday", "SUN"]
        holidays = ["2026-12-25", "2027-01-01"]
        early_closes = { "2026-12-28" = "13:30" }
    """
    desk = calendars(tmp_path, text)["desk"]
    assert desk.hours == Hours("Europe/Zurich", timedelta(hours=8), timedelta(hours=24), frozenset({0, 1, 6}))
    assert desk.holidays == {date(2026, 12, 25), date(2027, 1, 1)}
    session = desk.at(datetime(2026, 12, 28, 20, tzinfo=UTC))
    assert session is not None
    assert session.closes == datetime(2026, 12, 28, 12, 30, tzinfo=UTC)


def test_holidays_of_a_built_in_calendar(tmp_path: Path) -> None:
    """A table of a built-in name adds to it, and what it says of the hours counts instead."""
    text = """
        [[calendars]]
        name = "us-equities"
        holidays = ["2026-11-26"]
        early_closes = { "2026-11-27" = "13:00" }
        [[calendars]]
        name = "us-futures"
        open = "00:00"
        days = ["Mon"]
    """
    found = calendars(tmp_path, text)
    assert found["us-equities"].hours == BUILT_IN["us-equities"]
    assert found["us-equities"].holidays == {date(2026, 11, 26)}
    assert found["us-equities"].early_closes == {date(2026, 11, 27): timedelta(hours=13)}
    hours = found["us-futures"].hours
    assert hours == Hours("America/Chicago", timedelta(0), timedelta(hours=16), frozenset({0}))


def test_a_venue_names_its_calendar(tmp_path: Path) -> None:
    """One of the config's or a built-in one; the rules may name all of them."""
    text = REST.replace('kind = "house"', 'kind = "house"\ncalendar = "desk"')
    own = '[[calendars]]\nname = "desk"\nzone = "UTC"\nopen = "08:00"\nclose = "17:00"\ndays = ["Mon"]\n'
    loaded = configs.load(tmp_path, own + text)
    assert loaded.settings is not None
    assert loaded.settings.venues[0].calendar == "desk"
    assert loaded.sketch is not None
    assert loaded.sketch.calendars == {*BUILT_IN, "desk"}


def test_what_is_written_can_be_written_again(tmp_path: Path) -> None:
    """As JSON, a calendar's keys are as in the file."""
    loaded = load(tmp_path, '[[calendars]]\nname = "fx"\nopen = "17:05"\ndays = ["Mon"]\nholidays = ["2026-12-25"]\n')
    assert loaded.settings is not None
    assert loaded.settings.calendars[0].model_dump(mode="json") == {
        "name": "fx",
        "zone": None,
        "open": "17:05",
        "close": None,
        "days": ["Mon"],
        "holidays": ["2026-12-25"],
        "early_closes": {},
    }


WRONG = {
    "incomplete": '[[calendars]]\nname = "desk"\nzone = "UTC"\n[[calendars]]\nzone = "UTC"\n',
    "zones": """[[calendars]]
name = "fx"
zone = "America/New_Yrok"
[[calendars]]
name = "always"
zone = "Europe"
[[calendars]]
name = "us-futures"
zone = "../etc/passwd"
[[calendars]]
name = "us-equities"
zone = 5
""",
    "hours": """[[calendars]]
name = "fx"
open = "25:00"
close = 17
[[calendars]]
name = "always"
open = "5pm"
close = "00:00"
""",
    "days": """[[calendars]]
name = "fx"
days = []
holidays = ["2026-02-30", 2026-12-25, "Christmas"]
[[calendars]]
name = "always"
days = ["Mon", "Funday", 2026-01-01]
[[calendars]]
name = "us-equities"
days = "Mon-Fri"
""",
    "early-closes": """[[calendars]]
name = "us-equities"
holidays = ["2026-12-25"]
early_closes = { "2026-12-25" = "13:00" }
[[calendars]]
name = "us-equities"
early_closes = { "2026-12-24" = "17:00", "2026-12-31" = "13:00" }
[[calendars]]
name = "fx"
early_closes = { "the 24th" = "13:00", "2026-12-31" = "noon" }
""",
    "keys": '[[calendars]]\nname = "fx"\nholiday = ["2026-12-25"]\n[[calendars]]\nname = "a b"\n',
    "unknown": """[[venues]]
name = "a"
kind = "house"
calendar = "us-future"
[[venues]]
name = "b"
kind = "house"
calendar = "nothing like it"
[[venues]]
name = "c"
kind = "house"
calendar = 5
""",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_calendar_is_explained(tmp_path: Path, name: str, snapshot: SnapshotAssertion) -> None:
    """Every mistake has its place, one sentence and what to do."""
    loaded = load(tmp_path, WRONG[name])
    assert loaded.settings is None
    assert "\n".join(str(problem) for problem in loaded.problems).replace(f"{tmp_path}/", "") == snapshot
