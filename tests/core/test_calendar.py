"""Sessions: across midnight, over changes of the clocks, without holidays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.calendar import LONGEST, Calendar, Hours, Sessions
from support.zones import CALENDARS

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

CHRISTMAS = Calendar(
    "desk",
    ZoneInfo("America/Chicago"),
    CALENDARS["us-futures"].hours,
    holidays=frozenset({date(2026, 12, 25)}),
    early_closes={date(2026, 12, 24): timedelta(hours=12, minutes=15)},
)
NIGHTS = Calendar(
    "nights", ZoneInfo("Europe/Zurich"), Hours("", timedelta(hours=2, minutes=30), timedelta(hours=2), frozenset({6}))
)
"""Opens on Saturday and closes on Sunday, in the hour in which the clocks are changed."""

WEEKS = {
    "us-futures": [
        ("the close of Friday", "2026-03-06T21:59"),
        ("behind it", "2026-03-06T22:00"),
        ("Saturday", "2026-03-07T12:00"),
        ("Sunday, after the clocks went forward, before the open", "2026-03-08T21:59"),
        ("the open on Sunday", "2026-03-08T22:00"),
        ("the break on Monday", "2026-03-09T21:30"),
        ("the open on Monday, of Tuesday's session", "2026-03-09T22:00"),
        ("Sunday, after the clocks went back, before the open", "2026-11-01T22:59"),
        ("the open on Sunday in winter", "2026-11-01T23:00"),
    ],
    "us-equities": [
        ("Friday before the open", "2026-03-06T14:29"),
        ("Friday's open in winter", "2026-03-06T14:30"),
        ("the weekend", "2026-03-08T12:00"),
        ("Monday's open in summer", "2026-03-09T13:30"),
        ("Monday after the close", "2026-03-09T23:00"),
    ],
    "fx": [
        ("Friday at 17:00", "2026-03-06T22:00"),
        ("Sunday before 17:00", "2026-03-08T20:59"),
        ("Sunday at 17:00", "2026-03-08T21:00"),
        ("a second before Monday's end", "2026-03-09T20:59"),
        ("Monday's end is Tuesday's open", "2026-03-09T21:00"),
    ],
    "always": [("noon", "2026-03-08T12:00"), ("midnight", "2026-03-09T00:00")],
    "desk": [
        ("the day of the early close", "2026-12-24T18:14"),
        ("behind the early close", "2026-12-24T18:15"),
        ("the evening before a holiday", "2026-12-25T01:00"),
        ("the holiday", "2026-12-25T18:00"),
        ("the weekend behind it", "2026-12-27T20:00"),
        ("Sunday's open", "2026-12-27T23:00"),
    ],
    "nights": [
        ("on the Sunday that has no half past two", "2026-03-29T00:45"),
        ("on the Sunday that has two o'clock twice", "2026-10-25T00:30"),
        ("in the second of them", "2026-10-25T01:30"),
    ],
}


@pytest.mark.parametrize("name", WEEKS)
def test_the_session_of_an_instant(name: str, snapshot: SnapshotAssertion) -> None:
    """Each instant belongs to the session it is in, or to the last one before."""
    calendar = {**CALENDARS, "desk": CHRISTMAS, "nights": NIGHTS}[name]
    lines = []
    for words, text in WEEKS[name]:
        now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        session = calendar.at(now)
        assert session is not None
        opened = (moment.astimezone(calendar.zone) for moment in (now, session.opens, session.closes))
        moments = (f"{moment:%a %d %b %H:%M %Z}" for moment in opened)
        state = "open" if now < session.closes else "closed"
        lines.append(f"{words}: {{}}\n    session of {session.day:%a %d %b}: {{}} to {{}}, {state}".format(*moments))
    assert "\n".join(lines) == snapshot


@given(
    st.sampled_from([*CALENDARS.values(), CHRISTMAS, NIGHTS]),
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  (Hypothesis wants bounds without a zone)
    st.lists(st.timedeltas(timedelta(0), timedelta(days=4)), max_size=8),
)
def test_a_session_opens_once(calendar: Calendar, now: datetime, steps: list[timedelta]) -> None:
    """What is remembered of a calendar is what it says anew, and time going on never leads to an earlier session."""
    remembering = Sessions(calendar)
    before = remembering.opened(now)
    for step in steps:
        now += step
        opened = remembering.opened(now)
        session, following = calendar.at(now), calendar.after(now)
        assert session is not None
        assert following is not None
        assert opened == session.opens <= now < following.opens
        assert before <= opened
        before = opened


def test_a_calendar_that_has_ended_reaches_back_as_far_as_a_window() -> None:
    """Without a session in a month, the window begins where the longest one would."""
    days = frozenset(date(2026, 1, 1) + timedelta(days=number) for number in range(365))
    closed = Calendar("closed", UTC, CALENDARS["always"].hours, holidays=days)
    now = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert (closed.at(now), closed.after(now)) == (None, None)
    assert Sessions(closed).opened(now) == now - LONGEST
    late = datetime(2026, 1, 20, 12, tzinfo=UTC)
    assert Sessions(closed).opened(late) == datetime(2025, 12, 31, tzinfo=UTC)
