"""Ends that no observation brings, edited rules, and alerts that are over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.machine import close, due, elapse, rebase
from marginwatch.core.model import Severity
from marginwatch.core.rule import Level, RuleKind
from support.alerting import KEY, Timeline, after, condition, ladder

HOUR = timedelta(hours=1)
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
REASONS = (Reason.RULE_REMOVED, Reason.SCOPE_CHANGED, Reason.ACCOUNT_REMOVED, Reason.FORGOTTEN)


@pytest.mark.parametrize("reason", REASONS)
def test_a_firing_alert_is_closed_and_told(reason: Reason) -> None:
    """Closing ends a firing alert with its reason, at the level left."""
    timeline = Timeline(ladder())
    timeline.value(0, "95")
    step = close(timeline.open(), reason, after(9), "rules-2")
    (closed,) = timeline.keep(step)

    assert (closed.before, closed.after, closed.state) == (Status.FIRING, Status.CLOSED, State.CLOSED)
    assert (closed.reason, closed.severity, closed.revision, closed.at) == (reason, CRITICAL, "rules-2", after(9))
    assert step.alert is not None
    assert (step.alert.status, step.alert.ended_at, step.alert.told_at) == (Status.CLOSED, after(9), after(9))


def test_a_pending_alert_is_closed_quietly_unless_it_was_told_of() -> None:
    """Nobody hears that a pending alert was closed, except those who heard that its data were lost."""
    told, quiet = Timeline(ladder(hold=HOUR)), Timeline(ladder(hold=HOUR))
    for timeline in (told, quiet):
        timeline.value(0, "85")
    told.unknown(60)
    for timeline in (told, quiet):
        timeline.keep(close(timeline.open(), Reason.RULE_REMOVED, after(70), ""))

    assert told.told() == ["unknown", "closed"]
    assert quiet.told() == []
    assert quiet.transitions[-1].after is Status.CLOSED


def test_what_is_over_stays_over() -> None:
    """An ended alert neither elapses nor closes, nothing of it is due, and a new breach is a new episode."""
    timeline = Timeline(ladder(remind_every=HOUR))
    timeline.value(0, "95")
    ended = close(timeline.open(), Reason.FORGOTTEN, after(1), "").alert
    assert ended is not None

    assert elapse(timeline.rule, ended, after(9999), timeline.policy).transitions == ()
    assert close(ended, Reason.RULE_REMOVED, after(2), "").transitions == ()
    assert due(timeline.rule, ended, timeline.policy) is None
    timeline.alert = ended
    (fired,) = timeline.value(3, "95")
    assert fired.alert_id != ended.alert_id


def test_an_edited_rule_says_so_with_the_next_message_only() -> None:
    """The first transition after an edit is marked, the ones after it are not."""
    timeline = Timeline(ladder(revision="a"))
    timeline.value(0, "85")
    timeline.rule = ladder(revision="b", title="Usage")
    timeline.value(1, "86")
    (worse,) = timeline.value(2, "95")
    (eased,) = timeline.value(3, "85")

    assert [step.rule_changed for step in (timeline.transitions[0], worse, eased)] == [False, True, False]
    assert worse.title == "Usage"


def test_a_pending_alert_that_ends_under_an_edited_rule_says_so() -> None:
    """Though nobody is told, the record names the rule by which it ended."""
    timeline = Timeline(ladder(revision="a", hold=timedelta(minutes=1)))
    timeline.value(0, "85")
    timeline.rule = ladder(revision="b", hold=timedelta(minutes=1))
    (cleared,) = timeline.value(1, "50")

    assert (cleared.reason, cleared.state, cleared.rule_changed) == (Reason.PENDING_CLEARED, None, True)


def test_an_edit_keeps_each_levels_clock() -> None:
    """A level added between others moves no clock: they are found again by severity."""
    timeline = Timeline(ladder(hold=timedelta(minutes=1)))
    timeline.value(0, "95")
    timeline.value(50, "95")
    timeline.rule = ladder({INFO: "70", WARNING: "80", CRITICAL: "90"}, hold=timedelta(minutes=1))
    (fired,) = timeline.value(60, "95")

    assert (fired.severity, fired.limit) == (CRITICAL, Decimal(90))
    assert [timer.held for timer in timeline.open().timers] == [timedelta(0), *[timedelta(minutes=1)] * 2]


def test_a_level_added_around_a_firing_one_changes_nothing_by_itself() -> None:
    """Neither a milder nor a stricter new level eases, raises or delays the end of what fires."""
    timeline = Timeline(ladder({WARNING: "80"}, clear_for=timedelta(minutes=1)))
    timeline.value(0, "85")
    timeline.rule = ladder({INFO: "70", WARNING: "80"}, clear_for=timedelta(minutes=1))
    assert timeline.value(1, "85") == []
    timeline.value(2, "50")
    timeline.rule = ladder({INFO: "70", WARNING: "80", CRITICAL: "90"}, clear_for=timedelta(minutes=1))

    (resolved,) = timeline.value(62, "50")
    assert (resolved.state, resolved.severity, resolved.limit) == (State.RESOLVED, WARNING, Decimal(80))


def test_an_alert_whose_level_was_removed_eases_to_the_next_milder_one() -> None:
    """What was told at a level that is gone is eased by the next known result."""
    timeline = Timeline(ladder())
    timeline.value(0, "95")
    timeline.rule = ladder({WARNING: "80"})
    (eased,) = timeline.value(1, "95")

    assert (eased.state, eased.severity, eased.limit) == (State.EASED, WARNING, Decimal(80))


def test_an_alert_whose_only_level_became_stricter_waits_for_that_level() -> None:
    """It is not raised to a level that does not hold, and it resolves once that level is clear."""
    timeline = Timeline(ladder({WARNING: "80"}, clear_for=timedelta(seconds=30)))
    timeline.value(0, "85")
    timeline.rule = ladder({CRITICAL: "90"}, clear_for=timedelta(seconds=30))
    assert timeline.value(1, "85") == []
    assert timeline.open().severity is WARNING
    (worse,) = timeline.value(2, "95")
    assert (worse.state, worse.severity) == (State.WORSENED, CRITICAL)

    other = Timeline(ladder({WARNING: "80"}, clear_for=timedelta(seconds=30)))
    other.value(0, "85")
    other.rule = ladder({CRITICAL: "90"}, clear_for=timedelta(seconds=30))
    other.value(1, "85")
    (resolved,) = other.value(31, "85")
    assert (resolved.state, resolved.severity) == (State.RESOLVED, WARNING)


def test_rebase_gives_up_what_the_rule_can_no_longer_hold() -> None:
    """A rule that became an event, or per position, cannot carry its account's alert on; another edit can."""
    timeline = Timeline(condition())
    timeline.holds(0)
    alert = timeline.open()

    assert rebase(alert, condition(kind=RuleKind.EVENT)) is None
    assert rebase(alert, condition(each="position")) is None
    assert rebase(alert, condition(title="Other")) is alert
    position = replace(alert, key=replace(KEY, subject="ESZ6"))
    assert rebase(position, condition(each="position")) is position
    assert rebase(position, condition()) is None


def test_rebase_knows_that_data_health_alerts_have_subjects_of_their_own() -> None:
    """A receiver or rule as subject is no position."""
    rule = condition(kind=RuleKind.HEALTH, levels=(Level(CRITICAL),))
    timeline = Timeline(rule, key=replace(KEY, rule="receiver-failing", subject="desk"))
    timeline.holds(0)

    assert rebase(timeline.open(), rule) is timeline.open()
