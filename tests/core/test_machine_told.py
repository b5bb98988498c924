"""What the machine tells while an alert is open: worsening, reminders, lost data, and events."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.machine import NO_ANSWER, Policy, advance, due, elapse
from marginwatch.core.model import Severity
from marginwatch.core.result import Difference, Known, Occurred, Result, Unknown
from marginwatch.core.rule import Level, Rule, RuleKind
from support.alerting import KEY, STALE_AFTER, Timeline, after, compare, condition, ladder

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EVENT = Rule("permissions", "Permissions changed", RuleKind.EVENT, (Level(Severity.WARNING),))
HEALTH = Rule("venue-unreachable", "Venue unreachable", RuleKind.HEALTH, (Level(Severity.CRITICAL),))


def test_worse_by_the_step_is_told_at_once() -> None:
    """Two points worse than last told is told again; less is not, and neither is better."""
    timeline = Timeline(ladder(worsens_by=Decimal(2)))
    timeline.value(0, "82")

    assert timeline.value(1, "83.99") == []
    assert timeline.value(2, "81") == []
    (worse,) = timeline.value(3, "84")
    assert (worse.reason, worse.state) == (Reason.WORSENED_BY, State.WORSENED)
    assert (worse.previous_value, worse.value) == (Decimal(82), Decimal(84))
    assert timeline.value(4, "85.9") == []


def test_worse_is_downwards_where_the_limit_is_a_floor() -> None:
    """On a rule of `value < limit` a falling value worsens and a rising one does not."""
    floor = ladder(levels=(Level(Severity.CRITICAL, "<", Decimal(0), Decimal(0)),), worsens_by=Decimal(100))
    timeline = Timeline(floor)
    timeline.value(0, "-50")

    assert timeline.value(1, "-1") == []
    assert [told.reason for told in timeline.value(2, "-150")] == [Reason.WORSENED_BY]
    assert [told.reason for told in timeline.value(3, "0")] == [Reason.CLEARED]


def test_a_condition_has_nothing_to_worsen_by() -> None:
    """Without a value there is no step; with one and no direction there is none either."""
    rule = condition(worsens_by=Decimal(1))
    timeline = Timeline(rule)
    timeline.holds(0)

    assert timeline.holds(1) == []
    assert timeline.known(2, Known((True,), (True,), Decimal(1))) == []
    assert timeline.known(3, Known((True,), (True,), Decimal(9))) == []


def test_a_worsening_voids_the_acknowledgement() -> None:
    """A higher level, a worse value and a pending alert that fires void it; easing and resolving do not."""
    timeline = Timeline(ladder(worsens_by=Decimal(2)), acknowledged=True)
    timeline.value(0, "85")
    assert timeline.lapses == 1
    timeline.value(1, "88")
    assert timeline.lapses == 2
    timeline.value(2, "95")
    assert timeline.lapses == 3
    timeline.value(3, "85")
    timeline.value(4, "50")
    assert timeline.told() == ["firing", "worsened", "worsened", "eased", "resolved"]
    assert timeline.lapses == 3


def test_without_an_acknowledgement_nothing_lapses() -> None:
    """`lapsed` is said only of an acknowledgement that holds."""
    timeline = Timeline(ladder())
    timeline.value(0, "85")
    timeline.value(1, "95")

    assert timeline.lapses == 0


def test_reminders_come_at_their_pace_from_what_was_told_last() -> None:
    """A reminder is due `remind_every` after the last message, whatever that was."""
    timeline = Timeline(ladder(remind_every=HOUR))
    timeline.value(0, "85")
    timeline.value(1800, "95")

    assert due(timeline.rule, timeline.open(), Policy(HOUR * 9, acknowledged=False, revision="")) == after(5400)
    timeline.stale_after = HOUR * 9
    assert timeline.wait(5399) == []
    assert [told.reason for told in timeline.wait(5400)] == [Reason.REMIND]
    assert timeline.wait(8999) == []
    assert [told.state for told in timeline.wait(9000)] == [State.REMINDER]


def test_an_acknowledged_alert_is_not_reminded_of() -> None:
    """While somebody is on it no reminder is due."""
    timeline = Timeline(ladder(remind_every=HOUR), acknowledged=True, stale_after=HOUR * 9)
    timeline.value(0, "85")

    assert timeline.wait(7200) == []
    assert due(timeline.rule, timeline.open(), timeline.policy) == after(9 * 3600)


def test_a_reminder_in_the_dark_says_so() -> None:
    """While data are unknown reminders go on, with the time and the reason of the loss."""
    timeline = Timeline(ladder(remind_every=HOUR))
    timeline.value(0, "85")
    timeline.unknown(60, "no good answer came: timed out")
    (reminder,) = timeline.wait(60 + 3600)

    assert reminder.reason is Reason.REMIND
    assert (reminder.unknown_since, reminder.because) == (after(0), "no good answer came: timed out")
    assert reminder.value == 85


def test_lost_data_are_told_once_and_their_return_once() -> None:
    """After `stale_after` without a known result: one message, and one when data are back."""
    timeline = Timeline(ladder())
    timeline.value(0, "85")
    assert timeline.unknown(30, "equity is null") == []
    (lost,) = timeline.unknown(60, "timed out")
    timeline.unknown(90)
    timeline.unknown(600, "refused")
    (back,) = timeline.value(610, "85")

    assert (lost.state, lost.reason, lost.unknown_since) == (State.UNKNOWN, Reason.DATA_LOST, after(0))
    assert (lost.because, lost.value, lost.fetched_at) == ("timed out", Decimal(85), after(0))
    assert (back.state, back.reason, back.unknown_since) == (State.REMINDER, Reason.DATA_BACK, after(0))
    assert (back.because, back.fetched_at) == ("refused", after(610))
    assert timeline.open().known
    assert timeline.open().unknown_since is None
    assert timeline.told() == ["firing", "unknown", "reminder"]


def test_data_lost_again_are_told_again() -> None:
    """Once data were back, the next loss is news."""
    timeline = Timeline(ladder())
    timeline.value(0, "85")
    timeline.unknown(60)
    timeline.value(70, "85")
    timeline.unknown(130)

    assert timeline.told() == ["firing", "unknown", "reminder", "unknown"]


def test_data_that_come_back_with_news_are_told_as_the_news() -> None:
    """A result that worsens or resolves the alert needs no second message about the data."""
    worse, resolved = Timeline(ladder()), Timeline(ladder())
    for timeline in (worse, resolved):
        timeline.value(0, "85")
        timeline.unknown(60)
    worse.value(70, "95")
    resolved.value(70, "50")

    assert worse.told() == ["firing", "unknown", "worsened"]
    assert resolved.told() == ["firing", "unknown", "resolved"]


def test_silence_is_lost_data_too() -> None:
    """When not even a failure comes, time alone tells that data are unknown; a restart alone does not."""
    timeline = Timeline(ladder())
    timeline.value(0, "85")
    restarted = Policy(STALE_AFTER, acknowledged=False, revision="", watching_since=after(300))

    assert due(timeline.rule, timeline.open(), restarted) == after(360)
    assert elapse(timeline.rule, timeline.open(), after(359), restarted).transitions == ()
    assert timeline.wait(59) == []
    (lost,) = timeline.wait(60)
    assert (lost.state, lost.because) == (State.UNKNOWN, NO_ANSWER)
    assert due(timeline.rule, timeline.open(), timeline.policy) is None


def test_time_told_as_unknown_does_not_count_for_anything() -> None:
    """After silence was told as lost data, the time up to the next known result pauses `for`."""
    timeline = Timeline(ladder(hold=MINUTE))
    timeline.value(0, "85")
    timeline.wait(60)
    late = Result(KEY, compare(timeline.rule, Decimal(85)), after(50), after(61))

    assert [told.reason for told in timeline.take(late, after(61))] == [Reason.DATA_BACK]
    assert timeline.open().timers[0].held == timedelta(0)


def test_a_pending_alert_that_was_told_is_closed_when_it_clears() -> None:
    """Who heard that data of a pending alert were lost hears how it ended; otherwise nobody hears."""
    told, quiet = Timeline(ladder(hold=HOUR)), Timeline(ladder(hold=HOUR))
    for timeline in (told, quiet):
        timeline.value(0, "85")
    told.unknown(60)
    for timeline in (told, quiet):
        timeline.value(70, "50")

    assert told.told() == ["unknown", "resolved"]
    assert quiet.told() == []
    assert [step.reason for step in quiet.transitions] == [Reason.BECAME_TRUE, Reason.PENDING_CLEARED]
    assert quiet.transitions[-1].after is Status.INACTIVE


def test_a_data_health_alert_is_not_told_of_as_unknown() -> None:
    """An alert about lost data is marked unknown, and never told of for that."""
    timeline = Timeline(HEALTH)
    timeline.holds(0)
    timeline.unknown(3600, "the cycle says nothing of it")

    assert timeline.told() == ["firing"]
    assert timeline.open().unknown_since == after(0)
    assert timeline.wait(7200) == []
    assert due(HEALTH, timeline.open(), timeline.policy) is None


def test_already_true_is_remembered_through_pending() -> None:
    """A condition that held when the account was first seen fires with that reason, at once or after `for`."""
    at_once, later = Timeline(condition()), Timeline(condition(hold=MINUTE))
    for timeline in (at_once, later):
        timeline.holds(0, first=True)
        timeline.holds(60)

    assert [at_once.transitions[0].reason, later.transitions[1].reason] == [Reason.ALREADY_TRUE] * 2
    assert at_once.transitions[0].already_true
    assert later.transitions[1].already_true
    assert later.transitions[0].reason is Reason.BECAME_TRUE


def test_a_position_that_is_gone_says_so() -> None:
    """A resolve brought by the position's end names that as its reason."""
    timeline = Timeline(ladder())
    timeline.value(0, "85")

    assert [told.reason for told in timeline.value(1, "0", gone=True)] == [Reason.SUBJECT_GONE]


def test_an_event_is_one_closed_alert_with_all_its_differences() -> None:
    """An event keeps no state: it is told once and is over."""
    differences = (Difference("trading_enabled", True, False), Difference("trading_status", "OPEN", "CLOSE_ONLY"))
    result = Result(KEY, Occurred(differences, already_true=True), after(0), after(1), detail="cut off")
    step = advance(EVENT, None, result, after(2), Policy(MINUTE, acknowledged=False, revision="r"))

    assert step.alert is not None
    (event,) = step.transitions
    assert (step.alert.status, event.before, event.after) == (Status.CLOSED, Status.INACTIVE, Status.CLOSED)
    assert (event.state, event.reason, event.differences) == (State.EVENT, Reason.OCCURRED, differences)
    assert (event.already_true, event.severity, event.detail) == (True, Severity.WARNING, "cut off")
    assert (step.alert.ended_at, event.observed_at, event.fetched_at) == (after(2), after(0), after(1))


def test_an_event_rule_says_nothing_without_its_event() -> None:
    """False and unknown are no news for an event rule."""
    timeline = Timeline(EVENT)
    timeline.holds(0, holds=False)
    timeline.unknown(1)

    assert timeline.transitions == []


def test_nothing_is_told_of_unknown_while_inactive() -> None:
    """Without an alert an unknown result makes none."""
    step = advance(ladder(), None, Result(KEY, Unknown("null"), after(0), after(0)), after(0), Timeline(HEALTH).policy)

    assert step.alert is None
    assert step.transitions == ()


def test_an_episode_has_one_id_and_the_next_another() -> None:
    """The id is short, stays through the episode, differs for the next one and comes out the same in a replay."""
    first, replay = Timeline(ladder()), Timeline(ladder())
    for timeline in (first, replay):
        for seconds, value in enumerate(("85", "95", "50", "85")):
            timeline.value(seconds, value)

    ids = [step.alert_id for step in first.transitions]
    assert ids == [step.alert_id for step in replay.transitions]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert len(set(ids)) == 2
    assert all(len(name) == 12 and not set(name) - set("0123456789abcdefghjkmnpqrstvwxyz") for name in ids)


def test_two_events_of_one_tick_have_two_ids() -> None:
    """When two answers of an account gathered, each event is an alert of its own."""
    policy = Policy(MINUTE, acknowledged=False, revision="r")
    steps = [
        advance(EVENT, None, Result(KEY, Occurred(()), after(0), after(fetched)), after(9), policy)
        for fetched in (1, 2)
    ]

    assert len({step.transitions[0].alert_id for step in steps}) == 2
