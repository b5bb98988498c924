"""Who hears of an end or an event when holds are over one after another, some of them in another's place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.core.health import Missed, ReceiverState
from marginwatch.core.hours import EVERY_DAY, Span, WeekHours
from marginwatch.core.model import Severity
from marginwatch.core.quiet import Quiet
from marginwatch.core.route import Receiver
from marginwatch.core.routing import Route, Routes, Rung
from marginwatch.core.rule import Flapping
from marginwatch.core.seen import left_by
from support.desk import VENUE, Desk, Paper, after, permissions_rule, ruling, usage_rule

if TYPE_CHECKING:
    from marginwatch.core.ruling import Ruling

DAY, NIGHT, PHONE = "day", "night", "phone"
BOTH = tuple(Receiver(name, Severity.INFO, (PHONE,)) for name in (DAY, NIGHT))
GRANTED = frozenset({"view"})


def quiet(begins: int, ends: int) -> Quiet:
    """Quiet from and until these seconds: nothing but critical."""
    spans = [after(second) - after(0).replace(hour=0) for second in (begins, ends)]
    return Quiet(WeekHours(UTC, (Span(EVERY_DAY, *spans),)))


def rules(least: Severity = Severity.CRITICAL, **nights: Quiet) -> Ruling:
    """Day and night desk hear everything, the phone from `least` on and in place of either."""
    made = ruling(usage_rule(), permissions_rule(), receivers=(*BOTH, Receiver(PHONE, least), Receiver("log", least)))
    ways = (Route("all", (DAY, NIGHT, PHONE), rules=("usage", "permissions")), Route("us", ("log",)))
    watch = replace(made.venues[VENUE], stale_after=timedelta(hours=1))
    return replace(made, routes=Routes(ways), quiet=nights, venues={VENUE: watch})


def desk_of(made: Ruling, *failing: str) -> Desk:
    """All is well, but that these receivers cannot be reached."""
    desk = Desk(made)
    desk.see(0)
    desk.tick(5, *(ReceiverState(name, failures=5, since=after(1)) for name in failing))
    return desk


def numbers(desk: Desk, receiver: str, rule: str) -> list[tuple[str, int]]:
    """What it was told of the rule, counted."""
    found = (each for each in desk.messages if each.receiver == receiver and each.payload["rule"] == rule)
    return [(each.state.value, each.number) for each in found]


def test_an_event_told_late_for_two_is_told_once_to_who_stands_in_for_both() -> None:
    """The nights of both end one after the other, and neither can be reached; who was told is on record."""
    desk = desk_of(rules(day=quiet(10, 100), night=quiet(10, 200)), DAY, NIGHT)
    desk.see(20, permissions=GRANTED)
    assert numbers(desk, PHONE, "permissions") == []
    for second in (100, 200):
        desk.tick(second)

    assert [numbers(desk, name, "permissions") for name in (DAY, NIGHT, PHONE)] == [[("event", 1)]] * 3
    assert isinstance(desk.ledger, Paper)
    kept = [alert for commit in desk.ledger.commits for alert in commit.alerts if alert.key.rule == "permissions"]
    assert kept[-1].told == {DAY: 1, NIGHT: 1, PHONE: 1}


def test_who_heard_of_an_end_for_one_does_not_hear_it_for_the_other_as_well() -> None:
    """The night desk's message of it is lost, and the phone told; the day desk was to hear of it later, and cannot."""
    desk = desk_of(rules(day=quiet(10, 100)), DAY)
    desk.see(20, permissions=GRANTED)
    (event,) = (each for each in desk.transitions if each.key.rule == "permissions")
    assert isinstance(desk.ledger, Paper)
    (alert,) = (each for each in desk.ledger.commits[-1].alerts if each.alert_id == event.alert_id)
    desk.tick(50, ReceiverState(NIGHT, failures=5, since=after(21), missed=(Missed(alert.alert_id, (alert, event)),)))
    assert numbers(desk, PHONE, "permissions") == [("event", 1)]
    desk.tick(100)

    assert [numbers(desk, name, "permissions") for name in (DAY, NIGHT, PHONE)] == [[("event", 1)]] * 3


def test_who_stands_in_hears_of_an_end_though_it_once_waited_for_itself() -> None:
    """It waited for a level that was left again; a restart in between, which forgets that it did, changes nothing."""
    nights = rules(Severity.WARNING, day=replace(quiet(30, 200), below=Severity.CRITICAL), phone=quiet(10, 200))
    told = []
    for restarts in (False, True):
        desk = desk_of(nights)
        desk.see(20, "0.85")
        desk.see(40, "0.5")
        desk.tick(45, ReceiverState(DAY, failures=5, since=after(41)))
        if restarts:
            assert isinstance(desk.ledger, Paper)
            desk.ledger.prior = left_by(desk.ticker.memory)
            desk.start(50)
            desk.tick(51, ReceiverState(DAY, failures=5, since=after(41)))
        desk.tick(200)
        told.append([numbers(desk, name, "usage") for name in (DAY, NIGHT, PHONE)])

    ended = [("firing", 1), ("resolved", 2)]
    assert told == [[ended, ended, [("resolved", 1)]]] * 2


def test_an_end_told_late_is_not_the_latest_end() -> None:
    """Of a key that fired and ended again meanwhile, the later end is remembered, and what it says of firings."""
    flaps = usage_rule(flapping=Flapping(4, timedelta(hours=1)))
    desk = Desk(replace(ruling(flaps, receivers=BOTH), quiet={DAY: quiet(30, 300)}))
    desk.see(0)
    for second, usage in ((20, "0.85"), (40, "0.5"), (60, "0.85"), (80, "0.5")):
        desk.see(second, usage)
    (before,) = desk.ticker.memory.lately.values()
    desk.tick(300)

    assert numbers(desk, DAY, "usage") == [("firing", 1), ("resolved", 2)]
    assert list(desk.ticker.memory.lately.values()) == [before]


def test_who_knows_of_an_alert_does_not_hear_it_again_when_anothers_hold_ends() -> None:
    """The phone heard for itself that it fires and got worse; the day desk, which cannot be reached, did not."""
    made = rules(Severity.INFO, day=quiet(10, 200))
    worse = usage_rule(worsens_by=Decimal("0.02"))
    desk = desk_of(replace(made, rules={**made.rules, "usage": worse}), DAY)
    desk.see(20, "0.82")
    desk.see(30, "0.86")
    heard = numbers(desk, PHONE, "usage")
    desk.tick(200)

    assert [state for state, _ in heard] == [state for state, _ in numbers(desk, NIGHT, "usage")]
    assert numbers(desk, DAY, "usage") == [("firing", 1)]
    assert numbers(desk, PHONE, "usage") == heard


def test_who_stands_in_for_one_who_is_called_is_reminded_of_what_it_knows() -> None:
    """The day desk waits for its hours and hears by the call that it fires; the phone heard that long ago."""
    later = quiet(100, 200).hours
    ways = (
        Route("all", (PHONE,), rules=("usage",), escalate=(Rung(timedelta(seconds=10), (DAY,)),)),
        Route("later", (DAY,), rules=("usage",), hours=later),
        Route("us", ("log",)),
    )
    desk = desk_of(replace(rules(Severity.INFO), routes=Routes(ways)), DAY)
    desk.see(20, "0.82")
    desk.tick(30)

    assert numbers(desk, DAY, "usage") == [("firing", 1)]
    assert numbers(desk, PHONE, "usage") == [("firing", 1), ("reminder", 2)]
