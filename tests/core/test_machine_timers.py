"""The clocks of `for` and `clear_for`: which time counts, which does not, and what a level needs to be left."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marginwatch.core.alert import Reason, Status
from marginwatch.core.model import Severity
from marginwatch.core.result import Known, Result
from support.alerting import KEY, STALE_AFTER, Timeline, after, condition, ladder

MINUTE = timedelta(minutes=1)


def test_for_fires_exactly_when_it_has_been_held() -> None:
    """A second short of `for` is pending; `for` itself fires."""
    timeline = Timeline(condition(hold=MINUTE))
    timeline.holds(0)

    assert timeline.holds(59) == []
    assert [fired.reason for fired in timeline.holds(60)] == [Reason.HELD]


def test_equal_timestamps_add_nothing_and_suppress_nothing() -> None:
    """Answers with the venue's same snapshot time are taken, and no time passes between them."""
    timeline = Timeline(condition(hold=timedelta(seconds=1)))
    timeline.holds(0)

    assert timeline.holds(0) == []
    assert timeline.open().timers[0].held == timedelta(0)
    assert timeline.open().count == 2


def test_observation_time_never_runs_back() -> None:
    """An answer that claims to be older than the one before leaves the clock where it was."""
    timeline = Timeline(condition(hold=MINUTE))
    timeline.holds(50)
    timeline.take(Result(KEY, Known((True,), (True,)), after(10), after(60)), after(60))

    assert timeline.open().observed_at == after(50)
    assert timeline.holds(109) == []
    assert timeline.holds(110) != []


def test_for_runs_on_observation_time_and_not_on_ours() -> None:
    """Old news delivered late counts for the time it spans, not for when it came."""
    timeline = Timeline(condition(hold=MINUTE))
    for seen, came in ((0, 0), (10, 600), (59, 1200)):
        timeline.take(Result(KEY, Known((True,), (True,)), after(seen), after(came)), after(came))

    assert timeline.open().status is Status.PENDING
    assert timeline.open().timers[0].held == timedelta(seconds=59)


@pytest.mark.parametrize("gap", [61, 3600], ids=["just over stale_after", "an hour"])
def test_a_gap_longer_than_stale_after_pauses_for(gap: int) -> None:
    """Time nobody saw does not count, and what was held before it is kept."""
    timeline = Timeline(condition(hold=MINUTE))
    timeline.holds(0)
    timeline.holds(40)

    assert timeline.holds(40 + gap) == []
    assert timeline.open().timers[0].held == timedelta(seconds=40)
    assert timeline.holds(40 + gap + 20) != []


def test_a_gap_of_stale_after_itself_counts() -> None:
    """Known results exactly `stale_after` apart are consecutive."""
    timeline = Timeline(condition(hold=MINUTE))
    timeline.holds(0)

    assert timeline.holds(STALE_AFTER.total_seconds()) != []


def test_unknown_pauses_for() -> None:
    """The time around an unknown result does not count, however short, and the total is kept."""
    timeline = Timeline(condition(hold=MINUTE))
    timeline.holds(0)
    timeline.holds(50)
    timeline.unknown(51)

    assert timeline.holds(70) == []
    assert timeline.holds(79) == []
    assert timeline.holds(80) != []


def test_unknown_restarts_clear_for() -> None:
    """A level must be seen clear all the while: an unknown in between begins the wait again."""
    timeline = Timeline(ladder(clear_for=MINUTE))
    timeline.value(0, "85")
    timeline.value(10, "50")
    timeline.value(69, "50")
    timeline.unknown(70)

    assert timeline.value(71, "50") == []
    assert timeline.value(130, "50") == []
    assert [resolved.reason for resolved in timeline.value(131, "50")] == [Reason.CLEARED]


def test_a_long_gap_restarts_clear_for() -> None:
    """Two good answers an hour apart do not prove the hour good."""
    timeline = Timeline(ladder(clear_for=MINUTE))
    timeline.value(0, "85")
    timeline.value(10, "50")

    assert timeline.value(3610, "50") == []
    assert timeline.value(3670, "50") != []


def test_a_false_result_begins_for_again() -> None:
    """The plain comparison decides while pending: one answer inside the band ends the episode."""
    timeline = Timeline(ladder(hold=MINUTE))
    timeline.value(0, "81")
    first = timeline.open().alert_id
    timeline.value(50, "80")
    timeline.value(51, "81")

    assert timeline.open().alert_id != first
    assert timeline.value(110, "81") == []
    assert timeline.value(111, "81") != []


def test_a_value_inside_the_band_keeps_its_level() -> None:
    """Between the limit and its clear value nothing eases, however long it stays, and `clear_for` does not run."""
    timeline = Timeline(ladder(clear_for=MINUTE))
    timeline.value(0, "95")
    for seconds in range(30, 600, 30):
        timeline.value(seconds, "88")

    assert timeline.told() == ["firing"]
    assert timeline.open().severity is Severity.CRITICAL

    timeline.value(600, "87")
    timeline.value(630, "88")
    timeline.value(660, "87")
    assert timeline.told() == ["firing"]


def test_the_clear_value_itself_is_clear() -> None:
    """A level is left when its clear value is reached."""
    timeline = Timeline(ladder())
    timeline.value(0, "81")

    assert timeline.value(1, "77.01") == []
    assert timeline.value(2, "77") != []


def test_each_level_has_a_clock_of_its_own() -> None:
    """The warning fires on its own minute, the critical level on its own, later one."""
    timeline = Timeline(ladder(hold=MINUTE))
    timeline.value(0, "85")
    timeline.value(30, "95")

    assert [told.severity for told in timeline.value(60, "95")] == [Severity.WARNING]
    assert timeline.value(89, "95") == []
    assert [told.severity for told in timeline.value(90, "95")] == [Severity.CRITICAL]


def test_a_dip_restarts_the_higher_levels_clock_only() -> None:
    """What goes on holding at the lower level keeps its time."""
    timeline = Timeline(ladder(hold=MINUTE))
    timeline.value(0, "95")
    timeline.value(30, "85")
    (fired,) = timeline.value(60, "95")

    assert fired.severity is Severity.WARNING
    assert timeline.value(119, "95") == []
    assert timeline.value(120, "95") != []


def test_levels_that_clear_together_make_one_message() -> None:
    """From critical to good in one step is one RESOLVED, after `clear_for`, with the level left."""
    timeline = Timeline(ladder(clear_for=MINUTE))
    timeline.value(0, "95")
    timeline.value(10, "50")
    timeline.value(40, "50")
    (resolved,) = timeline.value(70, "50")

    assert (resolved.after, resolved.severity) == (Status.RESOLVED, Severity.CRITICAL)
    assert resolved.limit == 90


def test_easing_skips_levels_that_are_clear_too() -> None:
    """Of three levels the top one gives way to the highest that is not clear, in one message."""
    rule = ladder({Severity.INFO: "70", Severity.WARNING: "80", Severity.CRITICAL: "90"})
    timeline = Timeline(rule)
    timeline.value(0, "95")
    (eased,) = timeline.value(10, "72")

    assert (eased.reason, eased.severity, eased.limit) == (Reason.LOWER_LEVEL, Severity.INFO, Decimal(70))


def test_a_count_asks_for_that_many_true_results_besides_for() -> None:
    """Three in a row and thirty seconds, whichever comes later; unknowns between them do not break the row."""
    rule = condition(count=3, hold=timedelta(seconds=30))
    quick = Timeline(rule)
    for seconds in (0, 5, 10, 29):
        assert [told for told in quick.holds(seconds) if told.state] == []
    assert quick.holds(30) != []

    slow = Timeline(rule)
    slow.holds(0)
    slow.unknown(20)
    assert slow.holds(50) == []
    assert slow.holds(80) != []


def test_a_false_result_begins_the_count_again() -> None:
    """Two, a good one, and two more are not three in a row."""
    timeline = Timeline(condition(count=3))
    for seconds, holds in enumerate((True, True, False, True, True)):
        timeline.holds(seconds, holds)

    assert timeline.told() == []
    assert timeline.holds(9) != []
