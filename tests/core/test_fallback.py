"""Who hears in place of a receiver that cannot be reached: of what it missed once, and of all that follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason
from marginwatch.core.health import Missed, ReceiverState, ReloadState
from marginwatch.core.hours import EVERY_DAY, Span, WeekHours
from marginwatch.core.model import Severity
from marginwatch.core.quiet import Quiet
from marginwatch.core.route import Receiver, Why
from marginwatch.core.routing import Route, Routes
from marginwatch.core.seen import left_by
from support.desk import VENUE, Desk, after, call_rule, permissions_rule, ruling, steps, usage_rule

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.rule import Rule
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import Message

FIVE = timedelta(minutes=5)
CRITICAL = Severity.CRITICAL
CHAIN = (
    Receiver("slack", Severity.INFO, ("phone",), FIVE),
    Receiver("phone", CRITICAL, ("mail",), FIVE),
    Receiver("mail", CRITICAL),
    Receiver("log", Severity.INFO),
)


def rules(*receivers: Receiver, usage: Rule | None = None, patience: timedelta = timedelta(hours=1)) -> Ruling:
    """All to slack, with what stands in for it; that a receiver fails goes to the log."""
    made = ruling(usage or usage_rule(), call_rule(), permissions_rule(), receivers=receivers or CHAIN)
    asked = Route("all", ("slack",), rules=("usage", "call", "permissions"))
    ways = Routes([asked, Route("us", ("log",), rules=("venue-*", "account-*", "receiver-failing"))])
    return replace(made, routes=ways, venues={VENUE: replace(made.venues[VENUE], stale_after=patience)})


class Outage:
    """Slack fails; what it did not get is what the store would say."""

    def __init__(self, *receivers: Receiver) -> None:
        self.desk = Desk(rules(*receivers))
        self.desk.see(0)

    def failing(self, second: int, *missed: Missed, name: str = "slack", since: int | None = 10) -> list[Transition]:
        """A look at how deliveries go."""
        began = None if since is None else after(since)
        return self.desk.tick(
            second, ReceiverState(name, failures=5, error="no route to host", since=began, missed=missed)
        )

    def works(self, second: int, name: str = "slack") -> None:
        """A message was delivered."""
        self.desk.tick(second, ReceiverState(name))

    def restart(self, second: int) -> None:
        """Another process goes on with what was stored."""
        self.desk.ledger.prior = left_by(self.desk.ticker.memory)  # type: ignore[attr-defined]  # the ledger of a desk is a Paper
        self.desk.start(second)

    def open(self, rule: str) -> Alert:
        """The open alert of a rule."""
        return next(alert for alert in self.desk.ticker.memory.alerts() if alert.key.rule == rule)

    def ended(self, rule: str) -> Missed:
        """The latest end of an alert of the rule, as the store keeps it."""
        step = next(each for each in reversed(self.desk.transitions) if each.key.rule == rule and each.state)
        found = (commit.alerts for commit in self.desk.ledger.commits)  # type: ignore[attr-defined]  # the ledger of a desk is a Paper
        alerts = [alert for each in found for alert in each if alert.alert_id == step.alert_id]
        return Missed(step.alert_id, (alerts[-1], step))

    def messages(self, receiver: str) -> list[Message]:
        """All that it was told."""
        return [message for message in self.desk.messages if message.receiver == receiver]


def test_others_stand_in_once_it_has_failed_for_long_enough() -> None:
    """Not before: five minutes from the first attempt that failed, by a timer of its own."""
    outage = Outage()
    outage.desk.see(10, "0.85")
    missed = Missed(outage.open("usage").alert_id)
    outage.failing(40, missed)
    assert outage.desk.ticker.next_timer() is not None
    outage.failing(309, missed)
    assert outage.desk.told("phone") == []

    brought = outage.desk.tick(310)
    assert steps(brought) == ["receiver-failing:firing>firing:fallback"]
    assert brought[0].state is None
    assert brought[0].detail == "slack cannot be reached since 2026-03-02 14:00:10 UTC; told in its place: phone"
    assert outage.desk.told("phone") == ["usage:firing:warning"]
    (message,) = outage.messages("phone")
    assert message.payload["reason"] == Reason.FALLBACK
    assert (message.payload["value"], message.payload["limit"]) == ("0.85", "0.8")
    assert outage.desk.told("mail") == []


def test_what_it_missed_is_passed_on_once() -> None:
    """Open alerts as they stand, events and ends as they were; what it got is not told again."""
    outage = Outage()
    outage.desk.see(5, "0.5", in_margin_call=True)
    outage.desk.see(10, "0.85", in_margin_call=True)
    outage.desk.see(20, "0.95", in_margin_call=False, permissions=frozenset({"view"}))
    event, end = outage.ended("permissions"), outage.ended("call")
    told = (Missed(outage.open("usage").alert_id), event, end, Missed("long gone"))
    outage.failing(40, *told)
    outage.failing(311, *told)
    outage.failing(313, *told)
    outage.desk.tick(400)

    assert outage.desk.told("phone") == ["usage:firing:critical", "permissions:event:warning", "call:resolved:critical"]
    assert outage.desk.told("slack").count("usage:firing:warning") == 1


def test_all_that_follows_is_told_to_both_until_it_works_again() -> None:
    """Whatever the others' own severity is; afterwards only how that goes on which they were told of."""
    outage = Outage()
    outage.failing(40)
    outage.failing(311)
    outage.desk.see(320, "0.85")
    assert outage.desk.told("phone") == outage.desk.told("slack") == ["usage:firing:warning"]

    outage.works(330)
    outage.desk.see(340, "0.85", in_margin_call=True)
    outage.desk.see(350, "0.5", in_margin_call=True)
    assert outage.desk.told("slack")[1:] == ["call:firing:critical", "usage:resolved:warning"]
    assert outage.desk.told("phone")[1:] == ["usage:resolved:warning"]


def test_a_notice_says_for_whom_it_stands_in() -> None:
    """With the time since when."""
    outage = Outage()
    outage.failing(40)
    outage.failing(311)
    outage.desk.see(320, "0.85")

    assert [message.receiver for message in outage.desk.messages if message.payload["rule"] == "usage"] == [
        "slack",
        "phone",
    ]
    alert = outage.open("usage")
    assert alert.told == {"slack": 1, "phone": 1}
    assert alert.roused == ("phone",)
    assert Why.FALLBACK.tells


def test_chains_go_on_where_the_next_one_fails_too() -> None:
    """What the phone missed goes to mail when that has failed for long enough; from then on all of it does."""
    outage = Outage()
    outage.desk.see(10, "0.85")
    missed = Missed(outage.open("usage").alert_id)
    outage.failing(40, missed)
    outage.failing(311, missed)
    outage.failing(400, missed, name="phone", since=315)
    outage.failing(616, missed, name="phone", since=315)
    assert outage.desk.told("mail") == ["usage:firing:warning"]

    outage.desk.see(620, "0.95")
    assert outage.desk.told("mail")[1:] == ["usage:worsened:critical"]
    assert outage.desk.told("log") == ["receiver-failing:firing:critical"] * 2


def test_a_restart_changes_nothing() -> None:
    """Who stands in still does; who did not yet, does when it is known what was missed."""
    outage = Outage()
    outage.desk.see(10, "0.85")
    missed = Missed(outage.open("usage").alert_id)
    outage.failing(40, missed)
    outage.restart(200)
    assert outage.desk.tick(320) == []
    outage.failing(322, missed)
    assert outage.desk.told("phone") == ["usage:firing:warning"]

    outage.restart(330)
    outage.failing(332, missed)
    outage.desk.see(340, "0.95")
    assert outage.desk.told("phone") == ["usage:firing:warning", "usage:worsened:critical"]


def test_its_own_failure_is_not_passed_to_who_fails_itself() -> None:
    """That the phone fails is told to the log, and to slack's stand-in only if that is not the phone."""
    outage = Outage(replace(CHAIN[0], fallback=("phone", "mail")), CHAIN[1], CHAIN[2])
    outage.failing(40)
    outage.failing(311)
    outage.failing(400, name="phone", since=None)

    assert [m.payload["subject"] for m in outage.messages("phone") if m.payload["rule"] == "receiver-failing"] == [
        "slack"
    ]
    assert "phone" in [m.payload["subject"] for m in outage.messages("mail")]


def test_a_receiver_without_fallback_is_only_told_of() -> None:
    """And one that is not configured any more."""
    outage = Outage(CHAIN[3], Receiver("slack", Severity.INFO))
    outage.failing(40)
    outage.failing(900)
    outage.failing(901, name="gone")

    assert [step for step in outage.desk.transitions if step.reason is Reason.FALLBACK] == []


def test_a_fallback_added_by_a_reload_counts_at_once() -> None:
    """The time it has been failing counts from before."""
    outage = Outage(replace(CHAIN[0], fallback=()), *CHAIN[1:])
    outage.desk.see(10, "0.85")
    missed = Missed(outage.open("usage").alert_id)
    outage.failing(40, missed)
    outage.desk.reload(600, rules())
    outage.desk.tick(601)

    assert outage.desk.told("phone") == ["usage:firing:warning"]


def test_what_is_pending_is_told_only_if_its_data_are_lost() -> None:
    """Nothing is true to tell of an alert that does not fire and is known."""
    slow = usage_rule(hold=timedelta(hours=1))
    outage = Outage()
    outage.desk.start(0, rules(usage=slow))
    outage.desk.see(10, "0.85")
    missed = Missed(outage.open("usage").alert_id)
    outage.failing(40, missed)
    outage.failing(311, missed)
    assert outage.desk.told("phone") == []

    blind = Outage()
    blind.desk.start(0, rules(usage=slow, patience=timedelta(minutes=1)))
    blind.desk.see(10, "0.95")
    blind.desk.tick(100)
    missed = Missed(blind.open("usage").alert_id)
    blind.failing(110, missed)
    blind.failing(311, missed)
    assert "usage:unknown:critical" in blind.desk.told("phone")


def test_two_ways_to_one_who_stands_in_are_one_message(tmp_path: Path) -> None:
    """Phone and mail stand in for slack, and mail for phone; alerts about anything else of ours change nothing."""
    outage = Outage(replace(CHAIN[0], fallback=("phone", "mail")), *CHAIN[1:])
    outage.desk.tick(5, ReloadState((f"{tmp_path}: wrong",)))
    outage.desk.see(10, "0.85")
    missed = Missed(outage.open("usage").alert_id)
    outage.failing(40, missed)
    outage.failing(41, name="phone")
    outage.failing(311, missed)
    outage.failing(312, name="phone")
    outage.desk.see(320, "0.95")

    told = [each for each in outage.desk.told("mail") if each.startswith("usage")]
    assert told == ["usage:firing:warning", "usage:worsened:critical"]


def test_who_was_told_before_is_not_told_again() -> None:
    """The phone hears of what is critical by itself."""
    outage = Outage()
    both = replace(rules().routes.all[0], receivers=("slack", "phone"))
    outage.desk.start(0, replace(rules(), routes=Routes([both])))
    outage.desk.see(10, "0.95")
    missed = Missed(outage.open("usage").alert_id)
    outage.failing(40, missed)
    outage.failing(311, missed)

    assert [each for each in outage.desk.told("phone") if each.startswith("usage")] == ["usage:firing:critical"]


def quiet(begin: int, end: int) -> Quiet:
    """From one second of the tests, which begin at 14:00 UTC, to another."""
    clock = timedelta(hours=14)
    return Quiet(WeekHours(UTC, (Span(EVERY_DAY, clock + timedelta(seconds=begin), clock + timedelta(seconds=end)),)))


def of_rules(outage: Outage, receiver: str) -> list[str]:
    """What it was told of rules that are written."""
    return [each for each in outage.desk.told(receiver) if not each.startswith("receiver-failing")]


def test_who_missed_the_same_itself_is_told_once() -> None:
    """Quiet hours of both end: the phone hears of the end and of the event for itself, and not for slack as well."""
    outage = Outage()
    both = replace(rules().routes.all[0], receivers=("slack", "phone"))
    receivers = (CHAIN[0], replace(CHAIN[1], min_severity=Severity.INFO), *CHAIN[2:])
    night = quiet(330, 400)
    outage.desk.start(
        0, replace(rules(*receivers), routes=Routes([both]), quiet={"slack": night, "phone": night, "mail": night})
    )
    outage.failing(40)
    outage.failing(311)
    outage.desk.see(320, "0.85")
    outage.desk.see(340, "0.5", permissions=frozenset({"view"}))
    outage.desk.see(350, "0.82", permissions=frozenset({"view"}))
    outage.desk.tick(400)

    told = ["usage:firing:warning", "usage:resolved:warning", "permissions:event:warning", "usage:firing:warning"]
    for name in ("slack", "phone"):
        assert sorted(of_rules(outage, name)) == sorted(told)


def test_who_hears_later_for_itself_hears_at_once_in_anothers_place_and_not_again() -> None:
    """Slack has no quiet hours, so the phone, in its own, is told for slack; at their end nothing is left to tell."""
    outage = Outage()
    both = replace(rules().routes.all[0], receivers=("slack", "phone"))
    receivers = (CHAIN[0], replace(CHAIN[1], min_severity=Severity.INFO), *CHAIN[2:])
    outage.desk.start(0, replace(rules(*receivers), routes=Routes([both]), quiet={"phone": quiet(20, 400)}))
    outage.desk.see(30, "0.85")
    missed = Missed(outage.open("usage").alert_id)
    outage.failing(40, missed)
    assert of_rules(outage, "phone") == []
    outage.failing(311, missed)
    assert of_rules(outage, "phone") == ["usage:firing:warning"]
    outage.desk.see(320, "0.5")
    outage.desk.see(330, "0.85")
    outage.desk.tick(400)

    assert of_rules(outage, "phone") == ["usage:firing:warning", "usage:resolved:warning", "usage:firing:warning"]
    assert not outage.desk.ticker.memory.waiting
