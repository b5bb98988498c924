"""How fast one receiver is sent to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.notify.lane import AT_ONCE, BURST, LONGEST_PAUSE, Lane


def test_a_working_receiver_takes_four_at_once() -> None:
    """There is room for four sends, and again for each that ends."""
    lane = Lane(gap=0, now=0)

    for _ in range(AT_ONCE):
        assert lane.room(0) > 0
        lane.start(0)

    assert lane.room(0) == 0
    assert lane.ready_in(0) is None
    lane.end()
    assert (lane.room(0), lane.ready_in(0)) == (1, 0)


def test_a_failing_receiver_is_probed_one_at_a_time_ever_more_seldom() -> None:
    """After each failure the pause doubles, up to half a minute; the first success opens the lane."""
    lane, now, pauses = Lane(gap=0, now=0), 0.0, []
    for _ in range(8):
        lane.start(now)
        lane.end()
        lane.failed(now)
        assert lane.room(now) == 0
        pauses.append(lane.ready_in(now))
        now += pauses[-1] or 0
        assert lane.room(now) == 1

    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    lane.taken()
    assert lane.room(now) == AT_ONCE


def test_one_probe_at_a_time() -> None:
    """While a failing receiver is being probed there is no room for another send."""
    lane = Lane(gap=0, now=0)
    lane.failed(0)
    lane.start(5)

    assert (lane.room(5), lane.ready_in(5)) == (0, None)


def test_a_service_that_wants_its_sends_spaced_gets_a_burst_and_then_the_spacing() -> None:
    """Ten go out at once; after that one each gap."""
    lane, sent = Lane(gap=2, now=100), 0
    while lane.room(100):
        lane.start(100)
        lane.end()
        sent += 1

    assert sent == BURST
    assert lane.ready_in(100) == pytest.approx(2)
    assert [lane.room(101.9), lane.room(102), lane.room(104)] == [0, 1, 2]


@given(
    gap=st.floats(0.001, 60),
    steps=st.lists(st.tuples(st.sampled_from(["start", "taken", "failed", "wait"]), st.floats(0, 100)), max_size=60),
)
def test_waiting_as_told_always_makes_room(gap: float, steps: list[tuple[str, float]]) -> None:
    """The time to wait is never an endless series of nothing: when it is over, there is room."""
    lane, now = Lane(gap, 0), 0.0
    for step, seconds in steps:
        now += seconds
        if step == "start" and lane.room(now):
            lane.start(now)
        elif step in {"taken", "failed"} and lane.in_flight:
            lane.end()
            lane.taken() if step == "taken" else lane.failed(now)
        wait = lane.ready_in(now)
        assert 0 <= lane.room(now) <= AT_ONCE
        assert (wait is None) == (lane.in_flight >= (1 if lane.failures else AT_ONCE))
        if wait is not None:
            assert lane.room(now + wait) > 0
            assert wait > 0 or lane.room(now) > 0
