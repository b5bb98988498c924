"""Clocks that go wrong: ours that is set, a venue's that lags behind, cycles that end far apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from marginwatch.core.alert import Status
from marginwatch.core.machine import OVERTAKEN
from marginwatch.core.result import Known, Result
from marginwatch.core.rule import RuleKind
from support.alerting import KEY, STALE_AFTER, Timeline, after, condition

TRUE, FALSE = Known((True,), (True,)), Known((False,), (False,))


def dated(outcome: Known, as_of: float, came: float) -> Result:
    """A result of an answer that says when it was taken, never later than our clock."""
    at = min(after(as_of), after(came))
    return Result(KEY, outcome, at, after(came), as_of=after(as_of))


def test_numbers_older_than_those_that_fired_resolve_nothing() -> None:
    """A server that lags behind answers with what was before the breach: unknown, and no end of it."""
    timeline = Timeline(condition())
    timeline.take(dated(TRUE, 10, 11), after(11))
    timeline.take(dated(FALSE, 5, 20), after(20))

    assert timeline.told() == ["firing"]
    assert (timeline.open().known, timeline.open().because) == (False, OVERTAKEN)
    timeline.take(dated(FALSE, 10, 30), after(30))
    assert timeline.told() == ["firing", "resolved"]


def test_a_lag_that_lasts_is_told_as_unknown() -> None:
    """A venue that only repeats older numbers for `stale_after` is told of once."""
    timeline = Timeline(condition())
    timeline.take(dated(TRUE, 10, 11), after(11))
    for seconds in (40, 71, 100):
        timeline.take(dated(FALSE, 5, seconds), after(seconds))

    assert timeline.told() == ["firing", "unknown"]


@pytest.mark.parametrize("ahead", [3600, 5], ids=["an hour", "seconds"])
def test_a_venue_whose_clock_was_ahead_is_believed_once_it_is_right(ahead: float) -> None:
    """A time that lay ahead of ours bars no later answer."""
    timeline = Timeline(condition())
    timeline.take(dated(TRUE, 10 + ahead, 10), after(10))
    timeline.take(dated(FALSE, 19, 20), after(20))

    assert timeline.told() == ["firing", "resolved"]


@pytest.mark.parametrize("told_by_venue", [True, False], ids=["dated", "undated"])
def test_for_goes_on_after_our_clock_was_set_back(told_by_venue: bool) -> None:
    """An hour back, and a breach still fires when it has held: the interval of the jump alone is lost."""
    timeline = Timeline(condition(hold=timedelta(seconds=30)))
    for came in (0, 10, -3590, -3580, -3570):
        result = dated(TRUE, came + 3600 if came < 0 else came, came)
        timeline.take(result if told_by_venue else replace(result, as_of=None), after(came))

    assert timeline.told() == ["firing"]


def test_clear_for_begins_again_after_our_clock_was_set_back() -> None:
    """What was clear before the jump proves nothing, and what is clear after it counts."""
    timeline = Timeline(condition(clear_for=timedelta(seconds=15)))
    timeline.holds(0)
    for seconds in (10, -3590, -3580):
        timeline.holds(seconds, False)

    assert timeline.open().status is Status.FIRING
    timeline.holds(-3575, False)
    assert timeline.told() == ["firing", "resolved"]


def test_trouble_with_the_data_is_told_however_long_its_cycles_take() -> None:
    """A venue whose every cycle runs into its deadline fires although the cycles end further apart than
    `stale_after`."""
    rule = replace(condition(hold=timedelta(seconds=30), count=3), kind=RuleKind.HEALTH)
    timeline = Timeline(rule)
    apart = STALE_AFTER.total_seconds() + 1
    for cycle in range(3):
        timeline.holds(cycle * apart)

    assert timeline.told() == ["firing"]
