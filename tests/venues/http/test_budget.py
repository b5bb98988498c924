"""A login's calls are spread as the config and the venue want."""

from __future__ import annotations

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
    """The bucket holds one second's calls; after that each waits its turn."""
    budget = RateBudget(2, Steady())
    assert [budget.reserve(10) for _ in range(4)] == [0, 0, 0.5, 1]


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


@given(st.floats(0.1, 1000), st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_no_window_holds_more_calls_than_allowed(per_second: float, gaps: list[float]) -> None:
    """Over any stretch of time, calls are at most the bucket and what has flowed into it since."""
    clock = Steady()
    budget = RateBudget(per_second, clock)
    made = []
    for gap in gaps:
        clock.now += gap
        wait = budget.reserve(100)
        if wait is not None:
            made.append(clock.now + wait)
    for first, begin in enumerate(made):
        for last in range(first, len(made)):
            allowed = max(per_second, 1) + per_second * (made[last] - begin)
            assert last - first + 1 <= allowed + 1 + 1e-6
