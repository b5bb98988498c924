"""Who is told of what, when no silence is in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.alert import Alert, Reason, Silence, State, Status
from marginwatch.core.audience import Audience
from marginwatch.core.fields import Catalogue
from marginwatch.core.groups import Group, Groups, Member
from marginwatch.core.health import OURSELVES, RECEIVER_FAILING
from marginwatch.core.hold import Holds, silence_of
from marginwatch.core.holding import route
from marginwatch.core.labels import Labelled, Labels
from marginwatch.core.machine import close
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.result import AlertKey
from marginwatch.core.route import Receiver, Routed, Why, decide
from marginwatch.core.selecting import Described, described, stranger
from marginwatch.core.withheld import Rows, Waiting
from support.alerting import KEY, Timeline, after, condition, ladder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marginwatch.core.alert import Transition

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
ALL, DESK, PAGER = Receiver("all", INFO), Receiver("desk", WARNING), Receiver("pager", CRITICAL)
RECEIVERS = (ALL, DESK, PAGER)


NOTHING = Catalogue("any", {}, {})


def openly(transitions: Iterable[Transition], alerts: Mapping[str, Alert], audience: Audience) -> Routed:
    """Routed while nothing holds anything back."""
    return route(transitions, alerts, audience=audience, holds=Holds(audience.now), rows=Rows(Waiting()))


class Desk:
    """A timeline whose every step is routed."""

    def __init__(self, timeline: Timeline, receivers: tuple[Receiver, ...] = RECEIVERS) -> None:
        self.timeline = timeline
        self.receivers = receivers

    def value(self, seconds: float, value: str) -> Routed:
        """Feed a value and route what comes of it."""
        before = self.timeline.alert
        transitions = self.timeline.value(seconds, value)
        alert = self.timeline.alert or before
        alerts = {} if alert is None else {alert.alert_id: alert}
        routed = openly(transitions, alerts, Audience(self.receivers, after(seconds)))
        if self.timeline.alert is not None:
            self.timeline.alert = routed.alerts.get(self.timeline.alert.alert_id, self.timeline.alert)
        return routed


def heard(routed: Routed) -> list[tuple[str, str, int]]:
    """Receiver, state and number of each notice."""
    return [(notice.receiver, str(notice.transition.state), notice.number) for notice in routed.notices]


def test_each_receiver_hears_from_its_own_severity_on() -> None:
    """A warning reaches who asked for warnings; who waits for critical hears when it gets there, and of the end."""
    desk = Desk(Timeline(ladder()))

    assert heard(desk.value(0, "85")) == [("all", "firing", 1), ("desk", "firing", 1)]
    assert heard(desk.value(1, "95")) == [("all", "worsened", 2), ("desk", "worsened", 2), ("pager", "worsened", 1)]
    assert heard(desk.value(2, "85")) == [("all", "eased", 3), ("desk", "eased", 3), ("pager", "eased", 2)]
    routed = desk.value(3, "50")
    assert heard(routed) == [("all", "resolved", 4), ("desk", "resolved", 4), ("pager", "resolved", 3)]
    assert routed.alerts[routed.notices[0].alert.alert_id].told == {"all": 4, "desk": 4, "pager": 3}


def test_nobody_hears_the_end_of_what_they_never_heard_of() -> None:
    """A warning that resolves says nothing to the pager."""
    desk = Desk(Timeline(ladder()), receivers=(PAGER,))
    desk.value(0, "85")

    assert heard(desk.value(1, "50")) == []


def test_a_recorded_step_is_told_to_nobody() -> None:
    """A pending alert makes no notice and changes no count."""
    desk = Desk(Timeline(ladder(hold=after(60) - after(0))))

    assert desk.value(0, "95") == Routed()


def test_notices_carry_their_number_and_the_alert_that_counted_it() -> None:
    """Each notice says why, and shows the counts up to itself."""
    first, second = Desk(Timeline(ladder())).value(0, "85").notices

    assert (first.why, first.alert.told) == (Why.SEVERE_ENOUGH, {"all": 1})
    assert second.alert.told == {"all": 1, "desk": 1}


def test_two_steps_of_one_alert_in_one_tick_are_numbered_in_turn() -> None:
    """When answers gathered, a firing and its end in the same tick are two notices in order."""
    timeline = Timeline(ladder())
    transitions = timeline.value(0, "85")
    alert = timeline.open()
    transitions += timeline.value(1, "50")
    ended = replace(alert, status=Status.RESOLVED)
    routed = openly(transitions, {alert.alert_id: ended}, Audience((DESK,), after(1)))

    assert heard(routed) == [("desk", "firing", 1), ("desk", "resolved", 2)]
    assert routed.alerts[alert.alert_id].told == {"desk": 2}


LIFE = Timeline(ladder())
FIRED = LIFE.value(0, "85")[0]
ALERT = LIFE.open()


@pytest.mark.parametrize(
    ("state", "severity", "told", "why"),
    [
        (State.FIRING, WARNING, 0, Why.SEVERE_ENOUGH),
        (State.FIRING, INFO, 0, Why.TOO_MILD),
        (State.FIRING, INFO, 3, Why.TOO_MILD),
        (State.WORSENED, CRITICAL, 0, Why.SEVERE_ENOUGH),
        (State.WORSENED, INFO, 3, Why.TOO_MILD),
        (State.EASED, INFO, 3, Why.WAS_TOLD),
        (State.EASED, WARNING, 0, Why.NOT_TOLD_BEFORE),
        (State.RESOLVED, INFO, 3, Why.WAS_TOLD),
        (State.RESOLVED, CRITICAL, 0, Why.NOT_TOLD_BEFORE),
        (State.CLOSED, INFO, 3, Why.WAS_TOLD),
        (State.CLOSED, CRITICAL, 0, Why.NOT_TOLD_BEFORE),
        (State.REMINDER, INFO, 3, Why.WAS_TOLD),
        (State.REMINDER, INFO, 0, Why.TOO_MILD),
        (State.REMINDER, WARNING, 0, Why.SEVERE_ENOUGH),
        (State.UNKNOWN, INFO, 3, Why.WAS_TOLD),
        (State.UNKNOWN, INFO, 0, Why.TOO_MILD),
        (State.UNKNOWN, WARNING, 0, Why.SEVERE_ENOUGH),
        (State.EVENT, WARNING, 0, Why.SEVERE_ENOUGH),
        (State.EVENT, INFO, 0, Why.TOO_MILD),
        (None, CRITICAL, 3, Why.NOTHING_TO_TELL),
    ],
)
def test_every_state_is_decided_with_a_reason(state: State | None, severity: Severity, told: int, why: Why) -> None:
    """Whether a receiver of warnings hears, by state, severity and whether it was told before."""
    alert = replace(ALERT, told={"desk": told} if told else {})
    assert decide(replace(FIRED, state=state, severity=severity), DESK, alert) is why
    assert why.tells == (why in {Why.SEVERE_ENOUGH, Why.WAS_TOLD})


def test_a_failing_receiver_is_told_of_through_the_others() -> None:
    """The alert about a receiver goes to everybody but itself."""
    key = AlertKey(RECEIVER_FAILING, OURSELVES, "desk")
    timeline = Timeline(condition(id=RECEIVER_FAILING), key=key)
    transitions = timeline.holds(0)
    routed = openly(transitions, {timeline.open().alert_id: timeline.open()}, Audience(RECEIVERS, after(0)))

    assert [notice.receiver for notice in routed.notices] == ["all", "pager"]
    assert decide(transitions[0], DESK, timeline.open()) is Why.ITS_OWN_FAILURE


def test_a_closed_alert_is_closed_for_who_was_told() -> None:
    """Removing a rule closes its alert for its receivers, whatever their severity is now."""
    timeline = Timeline(ladder())
    timeline.value(0, "95")
    alert = replace(timeline.open(), told={"pager": 2})
    step = close(alert, Reason.RULE_REMOVED, after(1), "")
    assert isinstance(step.alert, Alert)
    routed = openly(step.transitions, {alert.alert_id: step.alert}, Audience(RECEIVERS, after(1)))

    assert heard(routed) == [("pager", "closed", 3)]


ACCOUNT = AccountKey("futures", "STONEX:1/x")


@pytest.mark.parametrize(
    ("silence", "covers"),
    [
        ({}, True),
        ({"rule": "margin-*"}, True),
        ({"rule": "pnl-*"}, False),
        ({"venue": "fut*"}, True),
        ({"venue": "fx"}, False),
        ({"account": "STONEX:*"}, True),
        ({"account": "Main *"}, True),
        ({"account": "main *"}, False),
        ({"account": "Other"}, False),
        ({"rule": "margin-usage", "venue": "futures", "account": "Main desk"}, True),
        ({"rule": "margin-usage", "venue": "futures", "account": "Other"}, False),
        ({"groups": ("fund", "desk")}, True),
        ({"groups": ("fund",)}, False),
        ({"labels": {"book": "rates", "region": "eu"}}, True),
        ({"labels": {"book": "rates", "region": "us"}}, False),
        ({"labels": {"book": "rates"}, "groups": ("desk",), "rule": "margin-*"}, True),
        ({"labels": {"book": "rates"}, "groups": ("desk",), "rule": "pnl-*"}, False),
        ({"starts_at": after(6)}, False),
        ({"ends_at": after(5)}, False),
    ],
)
def test_a_silence_matches_by_rule_venue_account_and_time(silence: dict[str, object], covers: bool) -> None:
    """All that a silence names must fit, the account by its id or its name, while the silence lasts."""
    given = {"id": 1, "by": "me", "note": "", "starts_at": after(0), "ends_at": after(60), **silence}
    found = silence_of(
        KEY.rule,
        Described(Account(ACCOUNT, "Main desk"), {"book": "rates", "region": "eu"}, ("desk", "all")),
        [Silence(**given)],  # type: ignore[arg-type]  # the silence's own fields
        after(5),
    )

    assert (found is not None) == covers


@pytest.mark.parametrize(
    ("silence", "words"),
    [
        (Silence(1, "me", "", after(0), after(60)), ""),
        (Silence(1, "me", "", after(0), after(60), groups=("desk", "fund")), "group desk or fund"),
        (
            Silence(1, "me", "", after(0), after(60), groups=("desk",), labels={"book": "rates", "region": "eu"}),
            "group desk, label book=rates, label region=eu",
        ),
    ],
)
def test_a_silence_says_which_groups_and_labels_it_is_of(silence: Silence, words: str) -> None:
    """In words, and in none where it names neither."""
    assert silence.choice == words


def test_a_venue_itself_is_in_no_group() -> None:
    """Though a group of all its accounts: what holds those back does not hide that the venue is down."""
    groups = Groups(
        [Group("desk", (Member("fx", "fx/*", lambda _: True),), "USD", timedelta(minutes=1))], {"fx": NOTHING}
    )
    labels = Labels([Labelled("fx", lambda _: True, {"book": "rates"})])
    account, venue = (Account(AccountKey("fx", name), name) for name in ("A", ""))

    assert described(account, labels, groups) == Described(account, {"book": "rates"}, ("desk",))
    assert described(venue, labels, groups) == Described(venue)
    silence = Silence(1, "me", "", after(0), after(60), groups=("desk",))
    assert silence_of("venue-down", described(venue, labels, groups), [silence], after(1)) is None
    assert stranger(silence, labels, groups) is None
    assert stranger(replace(silence, groups=("dex",)), labels, groups) == ("group", "dex", ("desk",))
    assert stranger(replace(silence, labels={"book": "x"}), labels, groups) == ("label", "book=x", ("book=rates",))


def test_the_longest_of_several_silences_holds_it_back() -> None:
    """What two silences cover waits for the later end at once."""
    silences = [Silence(number, "me", "", after(0), after(end)) for number, end in ((1, 60), (2, 90), (3, 30))]

    found = silence_of(KEY.rule, Described(Account(KEY.account, "")), silences, after(1))
    assert found is not None
    assert found.id == 2
