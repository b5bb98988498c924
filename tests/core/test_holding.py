"""What a silence holds back and what its end brings: nothing that matters is lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, Silence, State, Status
from marginwatch.core.audience import Audience
from marginwatch.core.desk import Desk
from marginwatch.core.hold import Holds
from marginwatch.core.holding import route, settle
from marginwatch.core.machine import Policy, advance
from marginwatch.core.model import Severity
from marginwatch.core.result import Difference, Occurred, Result
from marginwatch.core.route import Receiver, Routed, Why
from marginwatch.core.rule import Level, Rule, RuleKind
from marginwatch.core.withheld import Rows, Waiting
from support.alerting import KEY, STALE_AFTER, Timeline, after, ladder

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.state import Withheld

HOUR = timedelta(hours=1)
DESK, PAGER = Receiver("desk", Severity.WARNING), Receiver("pager", Severity.CRITICAL)


def silence(number: int, start: float, end: float, rule: str = "*") -> Silence:
    """A silence of everything between two times."""
    return Silence(number, "me", "", after(start), after(end), rule=rule)


class Night:
    """One alert, its receivers and the silences around it."""

    def __init__(self, rule: Rule, *silences: Silence) -> None:
        self.timeline = Timeline(rule)
        self.silences = silences
        self.receivers = (DESK, PAGER)
        self.waiting = Waiting()
        self.heard: list[tuple[str, str, int]] = []
        self.why: list[Why] = []

    def value(self, seconds: float, value: str) -> None:
        """A value comes."""
        before = self.timeline.alert
        self.route(seconds, self.timeline.value(seconds, value), before)

    def unknown(self, seconds: float) -> None:
        """Data are missing."""
        before = self.timeline.alert
        self.route(seconds, self.timeline.unknown(seconds), before)

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.route(seconds, self.timeline.wait(seconds), self.timeline.alert)

    def route(self, seconds: float, transitions: list[Transition], before: Alert | None) -> None:
        """Route what the machine made."""
        alert = self.timeline.alert or before
        alerts = {} if alert is None else {alert.alert_id: alert}
        rows, now = Rows(self.waiting), after(seconds)
        routed = route(transitions, alerts, audience=Audience(self.receivers, now), holds=self.holds(now), rows=rows)
        self.keep(routed, rows)

    def settle(self, seconds: float, *, anew: bool = False) -> Routed:
        """Time passes for what is held back; or all of it is looked at `anew`."""
        alert, now = self.timeline.alert, after(seconds)
        alerts = {} if alert is None else {alert.alert_id: alert}
        rows = Rows(self.waiting)
        desk = Desk(alerts, Audience(self.receivers, now), self.holds(now), rows)
        rules = {self.timeline.rule.id: self.timeline.rule}
        due = self.waiting.alerts if anew else self.waiting.due(now)
        routed = settle(due, alerts, rules, desk=desk, revision="rules-2")
        self.keep(routed, rows)
        return routed

    def holds(self, now: datetime) -> Holds:
        """What holds back at that time."""
        return Holds(now, silences=self.silences)

    def keep(self, routed: Routed, rows: Rows) -> None:
        """Note what was decided."""
        self.waiting.take(rows.released, rows.withheld)
        self.heard += [(each.receiver, str(each.transition.state), each.number) for each in routed.notices]
        self.why += [each.why for each in routed.notices]
        if self.timeline.alert is not None:
            self.timeline.alert = routed.alerts.get(self.timeline.alert.alert_id, self.timeline.alert)

    @property
    def withheld(self) -> list[Withheld]:
        """What is held back."""
        return list(self.waiting.rows)


def test_what_still_fires_at_the_end_goes_out_once() -> None:
    """Told to nobody during the silence, and once, as it stands, at its end."""
    night = Night(ladder(), silence(1, 0, 100))
    night.value(10, "85")
    night.value(20, "95")
    assert night.heard == []

    (standing,) = night.settle(100).transitions
    assert night.heard == [("desk", "firing", 1), ("pager", "firing", 1)]
    assert set(night.why) == {Why.SILENCE_ENDED}
    assert (standing.reason, standing.before, standing.after) == (Reason.SILENCE_ENDED, Status.FIRING, Status.FIRING)
    assert (standing.severity, standing.limit, standing.operator) == (Severity.CRITICAL, Decimal(90), ">")
    assert (standing.value, standing.revision, standing.at) == (Decimal(95), "rules-2", after(100))
    assert night.withheld == []


def test_what_began_and_ended_within_is_never_told() -> None:
    """An alert nobody heard of needs no end either."""
    night = Night(ladder(), silence(1, 0, 100))
    night.value(10, "85")
    night.value(20, "50")

    assert night.settle(100) == Routed()


def test_what_was_told_before_gets_its_end_after() -> None:
    """The resolve withheld is sent as it was, to who had been told only, with the next number."""
    night = Night(ladder(), silence(1, 10, 100))
    night.value(0, "85")
    night.value(20, "95")
    night.value(30, "50")
    routed = night.settle(100)

    assert night.heard == [("desk", "firing", 1), ("desk", "resolved", 2)]
    assert routed.notices[0].transition.at == after(30)
    assert routed.transitions == ()
    assert [alert.told for alert in routed.alerts.values()] == [{"desk": 2}]


def test_each_receiver_catches_up_on_what_it_missed() -> None:
    """Who had heard the warning hears that it worsened; who hears for the first time hears that it fires."""
    night = Night(ladder(), silence(1, 10, 100))
    night.value(0, "85")
    night.value(20, "95")
    routed = night.settle(100)

    assert night.heard == [("desk", "firing", 1), ("desk", "worsened", 2), ("pager", "firing", 1)]
    assert [transition.state for transition in routed.transitions] == [State.WORSENED, State.FIRING]


def test_ups_and_downs_end_in_one_message() -> None:
    """The last change of level names the message, whatever reminders came around it."""
    night = Night(ladder(remind_every=timedelta(seconds=30)), silence(1, 10, 100))
    night.value(0, "85")
    night.value(20, "95")
    night.value(30, "85")
    night.wait(60)
    night.settle(100)

    assert night.heard == [("desk", "firing", 1), ("desk", "eased", 2)]


def test_who_asked_for_critical_only_hears_of_no_warning() -> None:
    """What was critical within the silence and is a warning at its end goes to those who ask for warnings."""
    night = Night(ladder(), silence(1, 0, 100))
    night.value(20, "95")
    night.value(30, "85")
    night.settle(100)
    assert night.heard == [("desk", "firing", 1)]

    night.silences = ()
    night.value(110, "95")
    assert night.heard[1:] == [("desk", "worsened", 2), ("pager", "worsened", 1)]


def test_who_heard_of_the_critical_hears_that_it_eased() -> None:
    """What was told before the silence is closed at its end, however mild it is by then."""
    night = Night(ladder(), silence(1, 10, 100))
    night.value(0, "95")
    night.value(30, "85")
    night.settle(100)

    assert night.heard == [("desk", "firing", 1), ("pager", "firing", 1), ("desk", "eased", 2), ("pager", "eased", 2)]


def test_a_withheld_reminder_is_made_up_for() -> None:
    """Where only a reminder was held back, one reminder follows, and the next one keeps its distance from it."""
    night = Night(ladder(remind_every=timedelta(seconds=30)), silence(1, 10, 100))
    night.timeline.stale_after = HOUR
    night.value(0, "85")
    night.wait(30)
    night.silences = (silence(1, 10, 55),)
    night.settle(55, anew=True)
    night.wait(84)
    assert night.heard == [("desk", "firing", 1), ("desk", "reminder", 2)]

    night.wait(85)
    assert night.heard[2:] == [("desk", "reminder", 3)]


def test_nothing_missed_is_nothing_told() -> None:
    """A silence under which nothing happened ends without a word."""
    night = Night(ladder(), silence(1, 10, 100))
    night.value(0, "85")

    assert night.settle(100) == Routed()


def test_another_silence_takes_over() -> None:
    """What a second silence covers waits on for that one, and is settled with it."""
    night = Night(ladder(), silence(1, 0, 100), silence(2, 50, 90))
    night.value(10, "85")
    night.silences = (silence(1, 0, 100), silence(2, 50, 300))
    night.settle(100)
    assert night.heard == []
    assert [row.hold for row in night.withheld] == ["silence:2"]

    night.value(150, "95")
    night.settle(300)
    assert night.heard == [("desk", "firing", 1), ("pager", "firing", 1)]


def test_what_was_taken_over_keeps_its_place_in_time() -> None:
    """The latest change counts, even when an earlier one joined its silence later."""
    night = Night(ladder(), silence(1, 5, 100))
    night.value(0, "85")
    night.value(10, "95")
    night.silences = (silence(1, 5, 100), silence(2, 15, 300))
    night.value(20, "85")
    night.settle(100)
    night.settle(300)

    assert night.heard == [("desk", "firing", 1), ("desk", "eased", 2)]


def test_only_the_ended_silence_is_settled() -> None:
    """What waits for another silence stays there."""
    night = Night(ladder(), silence(1, 0, 300), silence(2, 0, 100, rule="pnl"))
    night.value(10, "85")

    assert night.settle(100) == Routed()
    assert len(night.withheld) == 1


def test_an_event_is_sent_late_rather_than_never() -> None:
    """Events withheld go out at the end, to who would have heard."""
    rule = Rule("permissions", "Permissions", RuleKind.EVENT, (Level(Severity.WARNING),))
    night = Night(rule, silence(1, 0, 100))
    result = Result(KEY, Occurred((Difference("trading_enabled", True, False),)), after(5), after(5))
    step = advance(rule, None, result, after(5), Policy(STALE_AFTER, acknowledged=False, revision=""))
    night.route(5, list(step.transitions), step.alert)
    assert night.heard == []

    night.settle(100)
    assert night.heard == [("desk", "event", 1)]


def test_a_pending_alert_is_told_only_while_its_data_are_unknown() -> None:
    """At the end of a silence lost data of a pending alert are told if they are still lost."""
    lost, back = Night(ladder(hold=HOUR), silence(1, 0, 100)), Night(ladder(hold=HOUR), silence(1, 0, 100))
    for night in (lost, back):
        night.value(0, "85")
        night.unknown(60)
    back.value(70, "85")
    lost.settle(100)
    back.settle(100)

    assert lost.heard == [("desk", "unknown", 1)]
    assert back.heard == []


def test_who_heard_of_lost_data_hears_that_they_are_back() -> None:
    """A pending alert's data that were lost before the silence and came back within it are told at its end."""
    night = Night(ladder(hold=HOUR), silence(1, 65, 100))
    night.value(0, "85")
    night.unknown(60)
    night.value(70, "85")
    night.settle(100)

    assert night.heard == [("desk", "unknown", 1), ("desk", "reminder", 2)]


def test_firing_within_a_silence_is_told_as_firing_to_who_heard_of_lost_data() -> None:
    """Having heard only that a pending alert's data were lost, a receiver hears at the end that it fires."""
    night = Night(ladder(hold=timedelta(seconds=5)), silence(1, 65, 100))
    night.value(0, "85")
    night.unknown(60)
    night.value(70, "85")
    night.value(75, "85")
    night.value(76, "95")
    night.value(81, "95")
    night.settle(100)

    assert night.heard == [("desk", "unknown", 1), ("desk", "firing", 2), ("pager", "firing", 1)]


def test_an_end_that_was_told_already_is_not_told_again() -> None:
    """When the silence stopped matching before the alert ended, nothing is left to say."""
    night = Night(ladder(), silence(1, 10, 100))
    night.value(0, "85")
    night.value(20, "95")
    night.silences = ()
    night.value(30, "50")
    told = list(night.heard)

    assert night.settle(100) == Routed()
    assert told == [("desk", "firing", 1), ("desk", "resolved", 2)]


def test_without_its_rule_the_last_word_does_without_a_limit() -> None:
    """Where the rule is not at hand, how the alert stands is told all the same."""
    night = Night(ladder(), silence(1, 0, 100))
    night.value(20, "95")
    night.timeline.rule = ladder(id="another")
    (standing, *_) = night.settle(100).transitions

    assert (standing.severity, standing.limit) == (Severity.CRITICAL, None)
