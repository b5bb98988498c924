"""Hours of the week: across midnight, over changes of the clocks, as people write them."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.hours import EVERY_DAY, HoursError, Span, WeekHours, parse_hours, words_of

LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)
WEEKEND = frozenset({5, 6})


def at(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(text: str, zone: ZoneInfo = LONDON) -> WeekHours:
    """Hours as written."""
    return WeekHours(zone, parse_hours(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("22:00-07:00", "22:00-07:00"),
        ("Mon-Fri 8:00 - 18:00", "Mon-Fri 08:00-18:00"),
        ("monday-friday 08:00-18:00,Sat,Sun 10:00-14:00", "Mon-Fri 08:00-18:00, Sat, Sun 10:00-14:00"),
        ("Fri-Mon 00:00-24:00", "Mon, Fri, Sat, Sun 00:00-24:00"),
        ("Wed 06:00-09:00, 12:00-13:00", "Wed 06:00-09:00, 12:00-13:00"),
    ],
)
def test_what_people_write_is_read(text: str, words: str) -> None:
    """Days and times in any usual way, several of them; written again they mean the same."""
    spans = parse_hours(text)

    assert words_of(spans) == words
    assert parse_hours(words) == spans


def test_days_given_beside_the_text_hold_where_it_names_none() -> None:
    """A table's own `days` are those of times without days."""
    first, second = parse_hours("22:00-07:00, Sun 10:00-11:00", WEEKEND)

    assert first == Span(WEEKEND, 22 * HOUR, 31 * HOUR)
    assert second.days == {6}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no hours are given"),
        ("Mon-Fri", '"Mon-Fri" gives days without a time of day'),
        ("Mon-Fri 08:00-18:00, Sat", '"Mon-Fri 08:00-18:00, Sat" gives days without a time of day'),
        ("Mox 08:00-18:00", '"Mox" is no day of the week'),
        ("Mon Fri 08:00-18:00", '"Mon Fri" is neither a day of the week nor hours of a day'),
        ("08:00-18:00 Mon", '"08:00-18:00 Mon" goes on behind its time of day'),
        ("08:00-08:00", "08:00-08:00 ends as it begins"),
        ("24:00-08:00", "24:00-08:00 begins at 24:00, which is 00:00"),
        ("08:00-25:00", "25:00 is no time of day"),
        ("08:60-09:00", "08:60 is no time of day"),
    ],
)
def test_what_says_no_hours_is_refused(text: str, what: str) -> None:
    """The sentence names what is wrong and shows how hours are written."""
    with pytest.raises(HoursError) as refused:
        parse_hours(text)

    assert str(refused.value).startswith(f"{what}; write them like ")


@pytest.mark.parametrize(
    ("text", "now", "ends", "begins"),
    [
        ("22:00-07:00", "2026-01-05T21:59", None, "2026-01-05T22:00"),
        ("22:00-07:00", "2026-01-05T22:00", "2026-01-06T07:00", "2026-01-06T22:00"),
        ("22:00-07:00", "2026-01-06T06:59", "2026-01-06T07:00", "2026-01-06T22:00"),
        ("22:00-07:00", "2026-01-06T07:00", None, "2026-01-06T22:00"),
        ("Fri 22:00-07:00", "2026-01-10T06:00", "2026-01-10T07:00", "2026-01-16T22:00"),
        ("Fri 22:00-07:00", "2026-01-09T06:00", None, "2026-01-09T22:00"),
        ("Sat-Sun 00:00-24:00", "2026-01-10T12:00", "2026-01-12T00:00", "2026-01-17T00:00"),
        ("08:00-12:00, 11:00-13:00", "2026-01-10T09:00", "2026-01-10T13:00", "2026-01-11T08:00"),
        ("00:00-24:00", "2026-01-10T09:00", "2026-01-17T09:00", None),
        ("22:00-07:00", "2026-03-28T23:00", "2026-03-29T06:00", "2026-03-29T21:00"),  # the clocks go forward
        ("22:00-07:00", "2026-10-24T23:00", "2026-10-25T07:00", "2026-10-25T22:00"),  # and back
        ("01:30-02:30", "2026-03-29T01:30", "2026-03-29T02:30", "2026-03-30T00:30"),  # there is no 01:30
        ("00:30-01:30", "2026-10-25T00:00", "2026-10-25T00:30", "2026-10-26T00:30"),  # 01:30 comes twice
    ],
)
def test_where_an_instant_is(text: str, now: str, ends: str | None, begins: str | None) -> None:
    """When the stretch it is in ends, and when the next begins, in summer and in winter."""
    found = hours(text)

    assert found.ends(at(now)) == (None if ends is None else at(ends))
    assert found.begins(at(now)) == (None if begins is None else at(begins))
    assert found.contains(at(now)) is (ends is not None)


def test_a_length_is_a_length_whatever_the_clocks_do() -> None:
    """Four hours from midnight are four hours in the night that lacks one, and may go past midnight."""
    forward = WeekHours(LONDON, (Span(EVERY_DAY, 0 * HOUR, None, 4 * HOUR),))
    long = WeekHours(LONDON, (Span(frozenset({4}), 18 * HOUR, None, 60 * HOUR),))

    assert forward.ends(at("2026-03-29T01:30")) == at("2026-03-29T04:00")
    assert long.ends(at("2026-01-12T05:59")) == at("2026-01-12T06:00")
    assert words_of(long.spans) == "Fri 18:00 for 60 h"
    assert words_of((Span(EVERY_DAY, HOUR, None, timedelta(minutes=90)),)) == "01:00 for 90 min"


@given(
    st.lists(
        st.builds(
            lambda days, begins, length: Span(days, begins * HOUR / 2, (begins + length) * HOUR / 2),
            st.frozensets(st.integers(0, 6), min_size=1),
            st.integers(0, 47),
            st.integers(1, 48),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["Europe/London", "America/Chicago", "UTC", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001  (hypothesis wants naive bounds)
)
def test_ends_and_begins_are_where_inside_and_outside_meet(spans: list[Span], zone: str, naive: datetime) -> None:
    """Up to its end it is inside and from then on outside; what begins next begins from outside."""
    found, now = WeekHours(ZoneInfo(zone), tuple(spans)), naive.replace(tzinfo=UTC)
    ends, begins, tick = found.ends(now), found.begins(now), timedelta.resolution

    if ends is not None and ends - now < timedelta(days=7):
        assert found.contains(ends - tick)
        assert not found.contains(ends)
    if begins is not None:
        assert found.contains(begins)
        assert not found.contains(begins - tick)
        assert begins >= (ends or now)


CHANGES = [
    ("America/New_York", datetime(2026, 3, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 28, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 3, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 2, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(2026, 12, 30, tzinfo=UTC)),
    ("Pacific/Pago_Pago", datetime(2026, 12, 30, tzinfo=UTC)),
]
"""Zones, and days before their clocks change, at midnight as well, or the year does."""
STEP = timedelta(minutes=5)


@functools.cache
def shown(zone: str, first: datetime) -> dict[datetime, datetime]:
    """When the clock on the wall first shows each time, found by watching it for days.

    One that it leaves out is when it would have shown it, had it not been set.
    """
    found: dict[datetime, datetime] = {}
    now = first - timedelta(days=5)
    due = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    while now < first + timedelta(days=8):
        wall = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        for late in range((wall - due) // STEP):
            found.setdefault(due + late * STEP, now + late * STEP)
        found.setdefault(wall, now)
        now, due = now + STEP, wall + STEP
    return found


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change[0]} {change[1]:%m-%d}")
@given(
    days=st.frozensets(st.integers(0, 6), min_size=1),
    begins=st.integers(0, 287),
    length=st.integers(1, 287),
    later=st.integers(0, 3 * 288),
)
def test_hours_are_what_the_clock_on_the_wall_shows(
    change: tuple[str, datetime], days: frozenset[int], begins: int, length: int, later: int
) -> None:
    """From when it shows a day's begin until it shows its end; as long as written where that would be nothing."""
    (zone, first), walls = change, shown(*change)
    span = Span(days, begins * STEP, (begins + length) * STEP)
    found, stretches = WeekHours(ZoneInfo(zone), (span,)), []
    for number in range(-3, 6):
        day = datetime.combine(first.date() + timedelta(days=number), time())
        if day.weekday() in days:
            begin, end = walls[day + span.begins], walls[day + (begins + length) * STEP]
            stretches.append((begin, end if end > begin else begin + length * STEP))

    edges = {edge - back for stretch in stretches for edge in stretch for back in (timedelta(0), STEP)}
    for now in {first + later * STEP, *edges}:
        if first <= now < first + timedelta(days=3):
            assert found.contains(now) is any(begin <= now < end for begin, end in stretches)
