"""A login's calls are spread as the config and the venue want."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.venues.http.budget import RateBudget


class Steady:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_seconds_calls_may_come_at_once_and_then_in_turn() -> None:
    """The bucket holds one second's calls; after that each waits its turn, and no second has more of them."""
    budget = RateBudget(2, Steady())
    assert [budget.reserve(10) for _ in range(5)] == [0, 0, 1, 1, 2]


def test_a_smaller_bucket_spreads_a_seconds_calls() -> None:
    """Two at once, the rest as they flow in, until the second has its four."""
    budget = RateBudget(4, Steady(), burst=2)
    assert [budget.reserve(10) for _ in range(7)] == [0, 0, 0.25, 0.5, 1, 1, 1.25]


def test_a_call_that_would_wait_too_long_is_not_reserved() -> None:
    """Refusing a call takes nothing from the others."""
    budget = RateBudget(1, Steady())
    assert budget.reserve(0) == 0
    assert budget.reserve(0.5) is None
    assert budget.reserve(1) == 1


def test_a_pause_holds_every_call_until_it_is_over() -> None:
    """What the venue asked for comes before our own pace; the longest pause counts."""
    clock = Steady()
    budget = RateBudget(100, clock)
    budget.pause(5)
    budget.pause(1)
    assert (budget.paused, budget.reserve(4), budget.reserve(10)) == (True, None, 5)
    clock.now += 5
    assert (budget.paused, budget.reserve(0)) == (False, 0)


@pytest.mark.parametrize("per_second", [99.5, 10.9, 2.9, 2.0, 1.5])
def test_after_a_pause_no_second_has_more_calls_than_a_whole_number_of_them(per_second: float) -> None:
    """Calls that waited for the end of a pause do not come twice within one second, whatever the rate."""
    budget = RateBudget(per_second, Steady(), burst=2)
    budget.pause(5)
    made = [wait for _ in range(250) if (wait := budget.reserve(1000)) is not None]
    at_most = max(2, ceil(per_second))

    assert all(later - first >= 1 - 1e-9 for first, later in zip(made, made[at_most:], strict=False))


@given(st.floats(0.1, 1000), st.floats(1, 100) | st.none(), st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_no_window_holds_more_calls_than_allowed(per_second: float, burst: float | None, gaps: list[float]) -> None:
    """Over any stretch of time, calls are at most what flows in, and never the bucket and that together."""
    clock = Steady()
    budget = RateBudget(per_second, clock, burst)
    made = []
    for gap in gaps:
        clock.now += gap
        wait = budget.reserve(100)
        if wait is not None:
            made.append(clock.now + wait)
    at_most = ceil(max(per_second, 1.0 if burst is None else burst))
    for first, begin in enumerate(made):
        for last in range(first, len(made)):
            allowed = max(per_second, 1, burst or 0) + per_second * (made[last] - begin)
            assert last - first + 1 <= allowed + 1 + 1e-6
    assert all(later - first >= at_most / per_second - 1e-6 for first, later in zip(made, made[at_most:], strict=False))
