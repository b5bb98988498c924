"""The pace of a venue: always within its bounds, faster at once, slower only after a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.pace import CALM, HOLD, Mood, Pace, Pacing, Sight, limited, next_pace
from support.alerting import after

SECOND = timedelta(seconds=1)
PACING = Pacing(every=10 * SECOND, fastest=2 * SECOND, slowest=60 * SECOND)
NEAR = Sight(hurry="futures/A-1 is near margin-usage warning")
IDLE = Sight(idle="every account is flat")
QUIET = Sight()


def spans(low: timedelta, high: timedelta) -> st.SearchStrategy[timedelta]:
    """Durations from `low` to `high`."""
    return st.timedeltas(min_value=low, max_value=high)


@st.composite
def pacings(draw: st.DrawFn) -> Pacing:
    """Paces a config may allow."""
    every = draw(spans(SECOND, 600 * SECOND))
    return Pacing(every, draw(spans(SECOND, every)), draw(spans(every, 4 * every)))


def sights() -> st.SearchStrategy[Sight]:
    """What cycles may show."""
    return st.builds(
        Sight,
        hurry=st.sampled_from(["", "it is near"]),
        idle=st.sampled_from(["", "it is flat"]),
        took=spans(timedelta(0), 700 * SECOND),
        limited_at=st.none() | st.integers(0, 2_000).map(after),
    )


@given(pacings(), st.lists(st.tuples(sights(), st.integers(0, 900)), min_size=1))
def test_the_pace_keeps_its_bounds(pacing: Pacing, course: list[tuple[Sight, int]]) -> None:
    """Between fastest and slowest, with room for the cycle up to `every`, and no faster where calls are to be fewer."""
    pace, seconds = None, 0
    for sight, passed in course:
        seconds += passed
        now = after(seconds)
        pace = next_pace(pacing, pace, sight, now)
        assert pacing.fastest <= pace.every <= pacing.slowest
        assert pace.every >= min(2 * sight.took, pacing.every)
        if limited(sight.limited_at, now):
            assert pace.every >= pacing.every
        if pace.mood is Mood.SLOW:
            assert pace.every == pacing.slowest
        assert pace.asked_at <= now
        assert pace.since <= now


@given(st.lists(st.tuples(sights(), st.integers(1, 30)), min_size=2))
def test_a_pace_slows_down_only_after_a_while(course: list[tuple[Sight, int]]) -> None:
    """Whoever asked for a pace keeps it for a minute, unless the venue asks for fewer calls."""
    pace, seconds = next_pace(PACING, None, QUIET, after(0)), 0
    order = list(Mood)
    asked = {mood: after(-1_000) for mood in Mood}
    for sight, passed in course:
        seconds += passed
        now = after(seconds)
        unlimited = replace(sight, limited_at=None)
        asked[Mood.FAST if sight.hurry else Mood.SLOW if sight.idle else Mood.USUAL] = now
        before, pace = pace, next_pace(PACING, pace, unlimited, now)
        if order.index(pace.mood) > order.index(before.mood):
            assert all(now - asked[mood] >= HOLD for mood in order[: order.index(before.mood) + 1])


def test_faster_at_once_slower_later() -> None:
    """A level is near, is no longer, and after a minute the pace is the usual one; the reason goes with it."""
    usual = next_pace(PACING, None, QUIET, after(0))
    fast = next_pace(PACING, usual, NEAR, after(10))
    kept = next_pace(PACING, fast, QUIET, after(12))
    later = next_pace(PACING, kept, QUIET, after(10) + HOLD)

    assert [(each.mood, each.every.total_seconds(), each.why) for each in (usual, fast, kept, later)] == [
        (Mood.USUAL, 10, ""),
        (Mood.FAST, 2, NEAR.hurry),
        (Mood.FAST, 2, NEAR.hurry),
        (Mood.USUAL, 10, ""),
    ]
    assert (fast.since, kept.since, later.since) == (after(10), after(10), after(10) + HOLD)


def test_idle_slows_down_and_a_hurry_ends_it() -> None:
    """From the usual pace only after a minute, back at once."""
    usual = next_pace(PACING, None, QUIET, after(0))
    slow = next_pace(PACING, usual, IDLE, after(0) + HOLD)

    assert next_pace(PACING, usual, IDLE, after(10)).mood is Mood.USUAL
    assert (slow.every, slow.why) == (PACING.slowest, IDLE.idle)
    assert next_pace(PACING, slow, QUIET, after(100)).every == PACING.every
    assert next_pace(PACING, slow, NEAR, after(100)).every == PACING.fastest


def test_a_venue_that_asks_for_fewer_calls_is_spared() -> None:
    """For ten minutes it is asked no faster than usual, and says why; then as before."""
    spared = next_pace(PACING, None, replace(NEAR, limited_at=after(0)), after(5))
    again = next_pace(PACING, spared, replace(NEAR, limited_at=after(0)), after(0) + CALM)

    assert (spared.every, spared.why) == (
        PACING.every,
        f"the venue asked for fewer calls at {after(0):%Y-%m-%d %H:%M:%S} UTC",
    )
    assert again.every == PACING.fastest


@pytest.mark.parametrize(("took", "every"), [(0, 2), (1, 2), (1.5, 4), (3.9, 8), (4.1, 10), (30, 10)])
def test_long_cycles_get_room(took: float, every: int) -> None:
    """The pace is doubled until twice the cycle fits."""
    assert next_pace(PACING, None, replace(NEAR, took=took * SECOND), after(0)).every == every * SECOND


def test_cycles_at_the_brink_do_not_move_the_pace() -> None:
    """Slowed down for a long cycle, it becomes faster only when there is room to spare."""
    slowed = Pace(Mood.FAST, 4 * SECOND, "near", after(0), after(0))

    assert next_pace(PACING, slowed, replace(NEAR, took=0.9 * SECOND), after(4)).every == 4 * SECOND
    assert next_pace(PACING, slowed, replace(NEAR, took=0.6 * SECOND), after(4)).every == 2 * SECOND


def test_a_clock_set_back_holds_no_pace_for_long() -> None:
    """What was asked for an hour ahead is over, the same as what was asked for long ago."""
    fast = Pace(Mood.FAST, 2 * SECOND, "near", after(3_600), after(3_600))

    assert next_pace(PACING, fast, QUIET, after(0)).mood is Mood.USUAL
    assert not limited(after(3_600), after(0))
