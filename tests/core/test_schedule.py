"""Moments that come back, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.schedule import Schedule, ScheduleError, parse_schedule

NEW_YORK = ZoneInfo("America/New_York")


def at(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(text: str, zone: ZoneInfo = NEW_YORK) -> Schedule:
    """As the config has it."""
    weekday, clock = parse_schedule(text)
    return Schedule(clock, zone, weekday)


@pytest.mark.parametrize(
    ("text", "now", "latest", "following"),
    [
        ("08:00", "2026-01-05 13:00", "2026-01-05 13:00", "2026-01-06 13:00"),
        ("08:00", "2026-01-05 12:59", "2026-01-04 13:00", "2026-01-05 13:00"),
        ("Mon 08:00", "2026-01-07 00:00", "2026-01-05 13:00", "2026-01-12 13:00"),
        ("mon 08:00", "2026-01-05 12:00", "2025-12-29 13:00", "2026-01-05 13:00"),
        # clocks go forward on 8 March, and back on 1 November
        ("08:00", "2026-03-08 20:00", "2026-03-08 12:00", "2026-03-09 12:00"),
        ("02:30", "2026-03-08 12:00", "2026-03-08 07:30", "2026-03-09 06:30"),
        ("01:30", "2026-11-01 05:30", "2026-11-01 05:30", "2026-11-02 06:30"),
        ("01:30", "2026-11-01 06:45", "2026-11-01 05:30", "2026-11-02 06:30"),
    ],
)
def test_once_a_day_or_week(text: str, now: str, latest: str, following: str) -> None:
    """By the zone's wall clock; a time that is left out comes an hour later, one that comes twice counts once."""
    found = schedule(text)

    assert (found.latest(at(now)), found.following(at(now))) == (at(latest), at(following))


@pytest.mark.parametrize("text", ["", "8", "24:00", "08:60", "Monday 08:00", "Xyz 08:00", "08:00 Mon"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """Anything else is refused with how to write it."""
    with pytest.raises(ScheduleError, match='like "08:00", or a day and a time like "Mon 08:00"'):
        parse_schedule(text)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  (the zone is given beside)
    st.sampled_from(["02:30", "23:59", "00:00", "Sun 01:30"]),
    st.sampled_from([NEW_YORK, ZoneInfo("Europe/London"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")]),
)
def test_moments_follow_one_another(now: datetime, text: str, zone: ZoneInfo) -> None:
    """The next moment's latest is itself, the one before it is ours, and they are about a day or a week apart."""
    found = schedule(text, zone)
    latest, following = found.latest(now), found.following(now)
    apart = timedelta(days=7 if " " in text else 1)

    assert latest <= now < following
    assert found.latest(following) == following
    assert found.following(latest) == following
    assert abs(following - latest - apart) <= timedelta(hours=1)
