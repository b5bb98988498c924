"""Quiet hours, maintenance, hours of routes and outages, as a whole engine goes through them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.alert import Reason, Silence, State
from marginwatch.core.hours import EVERY_DAY, Span, WeekHours
from marginwatch.core.maintenance import Maintenance, Maintenances, Once
from marginwatch.core.model import FailureKind, Severity
from marginwatch.core.quiet import Quiet
from marginwatch.core.route import Receiver
from marginwatch.core.routing import Route, Routes
from marginwatch.core.rule import Selector
from marginwatch.store.types import OperatorInput
from support.desk import (
    ALL_RULES,
    ONE,
    TWO,
    Desk,
    Paper,
    after,
    answer,
    cycle_end,
    failed,
    fields,
    ruling,
    seen,
    usage_rule,
)
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.core.ruling import Ruling
    from marginwatch.store.store import Store

RECEIVERS = (Receiver("night", Severity.INFO), Receiver("all", Severity.INFO))
PLAIN = ruling(*ALL_RULES, receivers=RECEIVERS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A real one."""
    with owned(tmp_path) as found:
        yield found


def hours(begin: float, end: float) -> WeekHours:
    """So many seconds into the tests, which begin at 14:00 UTC."""
    clock = timedelta(hours=14)
    return WeekHours(UTC, (Span(EVERY_DAY, clock + timedelta(seconds=begin), clock + timedelta(seconds=end)),))


def quiet(end: float = 60, begin: float = 5) -> Ruling:
    """Quiet hours of one receiver."""
    return replace(PLAIN, quiet={"night": Quiet(hours(begin, end))})


def maintenance(begin: float, end: float, **choices: tuple[str, ...]) -> Ruling:
    """One window for both."""
    rules = choices.pop("rules", ())
    window = Maintenance("patch", Once(after(begin), after(end)), Selector(**choices), rules)  # type: ignore[arg-type]  # choices are the selector's own fields
    return replace(PLAIN, maintenance=Maintenances([window]))


def test_what_is_mild_waits_for_the_end_of_quiet_hours() -> None:
    """One receiver hears at once, the other at the end and once, why it did not before included."""
    desk = Desk(quiet())
    desk.see(0)
    desk.see(10, "0.82")
    desk.see(20, "0.84")
    assert (desk.told(), desk.told("night")) == (["usage:firing:warning"], [])

    (late,) = desk.tick(60)
    assert desk.told("night") == ["usage:firing:warning"]
    assert desk.told() == ["usage:firing:warning"]
    assert (late.reason, late.at, late.limit) == (Reason.QUIET_ENDED, after(60), ALL_RULES[0].levels[0].limit)
    desk.see(70, "0.5")
    assert desk.told("night")[1:] == desk.told()[1:] == ["usage:resolved:warning"]


def test_what_becomes_critical_in_quiet_hours_is_told_at_once_as_a_whole() -> None:
    """As firing to who never heard of it; that it eases waits, and goes out at the end."""
    desk = Desk(quiet())
    desk.see(0)
    desk.see(10, "0.82")
    desk.see(20, "0.95")
    assert desk.told("night") == ["usage:firing:critical"]
    assert desk.told() == ["usage:firing:warning", "usage:worsened:critical"]

    desk.see(30, "0.82")
    desk.tick(60)
    assert desk.told("night") == ["usage:firing:critical", "usage:eased:warning"]
    assert not desk.ticker.memory.waiting


def test_what_begins_and_ends_in_quiet_hours_is_not_told() -> None:
    """And what was told before gets its end after them."""
    desk = Desk(quiet(begin=15))
    desk.see(0)
    desk.see(10, "0.82")
    desk.see(20, "0.5")
    desk.see(30, "0.82")
    desk.see(40, "0.5")
    assert desk.told("night") == ["usage:firing:warning"]

    desk.tick(60)
    assert desk.told("night") == ["usage:firing:warning", "usage:resolved:warning"]


def test_events_of_quiet_hours_are_told_at_their_end() -> None:
    """Each by itself."""
    desk = Desk(quiet())
    desk.see(0)
    desk.see(10, permissions=frozenset({"view"}))
    desk.see(20, permissions=frozenset({"view", "trade"}))
    assert desk.told("night") == []

    desk.tick(60)
    assert desk.told("night") == desk.told() == ["permissions:event:warning", "permissions:event:warning"]


def test_reminders_keep_their_pace_for_who_hears_them() -> None:
    """The end of one receiver's quiet hours does not put off what the other is reminded of."""
    rule = usage_rule(remind_every=timedelta(seconds=60))
    desk = Desk(replace(ruling(rule, receivers=RECEIVERS), quiet={"night": Quiet(hours(5, 100))}))
    for second in range(0, 140, 10):
        desk.see(second, "0.5" if second == 0 else "0.82")

    assert desk.told() == ["usage:firing:warning", "usage:reminder:warning", "usage:reminder:warning"]
    assert desk.told("night") == ["usage:firing:warning", "usage:reminder:warning"]


def test_maintenance_holds_everything_back_and_ends_by_itself(store: Store) -> None:
    """Critical as well; a process that starts in the middle goes on waiting."""
    desk = Desk(maintenance(5, 60), store)
    desk.see(0)
    desk.see(10, "0.95")
    store._owner.release() if store._owner else None
    store.own()
    desk.start(50)
    desk.see(55, "0.95")
    assert desk.told() == desk.told("night") == []

    (late,) = desk.tick(60)
    assert desk.told() == desk.told("night") == ["usage:firing:critical"]
    assert late.reason is Reason.MAINTENANCE_ENDED


@pytest.mark.parametrize(
    "edited", [PLAIN, maintenance(5, 40), maintenance(5, 60, accounts=("two",)), maintenance(5, 60, rules=("x-*",))]
)
def test_an_edited_window_lets_go_at_once(edited: Ruling) -> None:
    """Removed, shortened or for others: the first tick under the edit tells, and nobody hears it twice."""
    desk = Desk(maintenance(5, 60))
    desk.see(0)
    desk.see(10, "0.95")
    desk.reload(50, edited)
    desk.tick(51)
    assert desk.told() == ["usage:firing:critical"]

    desk.tick(60)
    assert desk.told() == ["usage:firing:critical"]


def test_a_window_that_is_prolonged_holds_on() -> None:
    """And what waits under one name waits under another, whatever they are called."""
    desk = Desk(maintenance(5, 60))
    desk.see(0)
    desk.see(10, "0.95")
    desk.reload(50, maintenance(5, 68))
    desk.tick(65)
    assert desk.told() == []
    desk.tick(68)
    assert desk.told() == ["usage:firing:critical"]


def test_a_window_that_chooses_others_holds_nothing_back() -> None:
    """By venue, account and rule, each as a glob."""
    desk = Desk(maintenance(5, 60, venues=("other",)))
    desk.see(0)
    desk.see(10, "0.95")

    assert desk.told() == ["usage:firing:critical"]


def test_who_is_removed_in_a_window_hears_nothing_at_its_end() -> None:
    """The others do."""
    desk = Desk(maintenance(5, 60))
    desk.see(0)
    desk.see(10, "0.95")
    desk.reload(50, replace(maintenance(5, 60), receivers=RECEIVERS[:1]))
    desk.tick(60)

    assert (desk.told("night"), desk.told()) == (["usage:firing:critical"], [])


def test_who_left_before_an_end_is_told_hears_it_from_nobody() -> None:
    """Of an alert that is over by then."""
    desk = Desk(maintenance(15, 60))
    desk.see(0)
    desk.see(10, "0.95")
    desk.see(20, "0.5")
    desk.reload(50, replace(maintenance(15, 60), receivers=RECEIVERS[:1]))
    desk.tick(60)

    assert desk.told("night") == ["usage:firing:critical", "usage:resolved:critical"]
    assert desk.told() == ["usage:firing:critical"]


def test_out_of_the_hours_of_a_route_messages_wait_for_them() -> None:
    """What was mild at night is told when they begin."""
    route = Route("day", ("night",), hours=hours(60, 3000))
    desk = Desk(replace(PLAIN, routes=Routes([route, Route("rest", ("all",))])))
    desk.see(0)
    desk.see(10, "0.82")
    assert (desk.told("night"), desk.told()) == ([], ["usage:firing:warning"])

    (late,) = desk.tick(60)
    assert desk.told("night") == ["usage:firing:warning"]
    assert late.reason is Reason.HOURS_BEGAN


def test_one_hold_after_another_is_waited_for() -> None:
    """Maintenance, then quiet hours that began meanwhile: one message at the end of all."""
    desk = Desk(replace(maintenance(5, 40), quiet={"night": Quiet(hours(30, 60))}))
    desk.see(0)
    desk.see(10, "0.82")
    desk.tick(40)
    assert (desk.told("night"), desk.told()) == ([], ["usage:firing:warning"])

    desk.tick(60)
    assert desk.told("night") == ["usage:firing:warning"]


def test_the_end_of_an_alert_waits_for_all_that_hold_it_back() -> None:
    """Whoever was told of its beginning hears of it when the last of them is over."""
    desk = Desk(replace(maintenance(15, 40), quiet={"night": Quiet(hours(30, 60))}))
    desk.see(0)
    desk.see(10, "0.82")
    desk.see(20, "0.5")
    desk.tick(40)
    assert (desk.told("night")[1:], desk.told()[1:]) == ([], ["usage:resolved:warning"])

    desk.tick(60)
    assert desk.told("night")[1:] == ["usage:resolved:warning"]


def down(desk: Desk, begin: int, end: int) -> None:
    """A cycle every ten seconds in which nothing answers."""
    for second in range(begin, end, 10):
        desk.lose(second)


def test_the_alert_about_a_venue_says_how_many_alerts_it_blinds() -> None:
    """Those that fire on its accounts."""
    desk = Desk(PLAIN)
    desk.see(0)
    desk.see(10, "0.95", in_margin_call=True)
    down(desk, 20, 60)
    (outage,) = (step for step in desk.transitions if step.key.rule == "venue-unreachable" and step.state)

    assert outage.detail.endswith("; 2 firing alerts there cannot be checked meanwhile")


def test_an_account_that_stays_away_when_its_venue_is_back_is_told_then() -> None:
    """Once the venue has been back for as long as it is allowed; not at once, for accounts follow one by one."""
    desk = Desk(PLAIN)
    both = [ONE, TWO]
    desk.tick(0, answer(seen(0, fields("0.95")), seen(0, fields(), TWO), listing=both), cycle_end(0))
    down(desk, 10, 100)
    for second in range(100, 180, 10):
        desk.tick(second, answer(seen(second, fields(), TWO), listing=both), failed(second), cycle_end(second))
        assert ("usage:unknown:critical" in desk.told()) == (second >= 160)
    (late,) = (step for step in desk.transitions if step.reason is Reason.STILL_UNKNOWN)

    assert (late.state, late.at) == (State.UNKNOWN, after(160))
    desk.tick(180, answer(seen(180, fields("0.95")), seen(180, fields(), TWO), listing=both), cycle_end(180))
    assert "usage:reminder:critical" in desk.told()


def test_who_was_not_told_of_the_outage_hears_that_data_are_unknown() -> None:
    """A silence of the venue's alert is none of the others."""
    paper = Paper(wishes=OperatorInput(1, (Silence(1, "me", "", after(0), after(900), "venue-*"),), {}, ()))
    desk = Desk(PLAIN, paper)
    desk.see(0)
    desk.see(10, "0.95")
    down(desk, 20, 120)
    desk.see(120, "0.95")

    assert desk.told() == ["usage:firing:critical", "usage:unknown:critical", "usage:reminder:critical"]


def test_what_is_let_go_without_a_word_is_gone_from_the_store(store: Store) -> None:
    """An alert that began and ended within the window: no later process finds anything of it held back."""
    desk = Desk(maintenance(5, 60), store)
    desk.see(0)
    desk.see(10, "0.82")
    desk.see(20, "0.5")
    assert store.load_prior().withheld
    desk.tick(60)

    assert not desk.ticker.memory.waiting
    assert store.load_prior().withheld == ()


def test_who_is_gone_has_no_part_in_when_the_others_were_told() -> None:
    """A receiver that heard of the alert and left the config: the others were told last at the end of the window."""
    guest = Receiver("guest", Severity.INFO)
    window = maintenance(15, 60)
    desk = Desk(replace(window, receivers=(*RECEIVERS, guest)))
    desk.see(0)
    desk.see(10, "0.82")
    desk.reload(12, window)
    desk.see(20, "0.95")
    desk.tick(60)

    (alert,) = desk.ticker.memory.alerts()
    assert alert.told == {"night": 2, "all": 2, "guest": 1}
    assert alert.told_at == after(60)


def test_that_a_venue_answers_again_is_not_said_while_it_does_not() -> None:
    """What waited for an outage to be told, and is told itself because it was not, says that no answer came."""
    paper = Paper(wishes=OperatorInput(1, (Silence(1, "me", "", after(0), after(900), "venue-*"),), {}, ()))
    desk = Desk(PLAIN, paper)
    desk.see(0)
    desk.see(10, "0.95")
    down(desk, 60, 120)

    told = [message for message in desk.messages if message.receiver == "all" and message.state is State.UNKNOWN]
    assert [message.payload["reason"] for message in told] == ["data_lost"]
    assert not any(step.reason is Reason.STILL_UNKNOWN for step in desk.transitions)


def test_an_outage_that_is_not_told_yet_explains_what_it_will() -> None:
    """Where a venue is asked so seldom that data are unknown before three cycles failed, one message is enough."""
    desk = Desk(PLAIN)
    desk.see(0, "0.95")
    desk.lose(20)
    desk.lose(40)
    desk.tick(60)
    assert desk.told() == ["usage:firing:critical"]
    desk.lose(61)
    desk.tick(70)

    assert desk.told() == ["usage:firing:critical", "venue-unreachable:firing:critical"]
    assert [str(step.state) for step in desk.transitions if step.at == after(60)] == ["unknown"]


def test_an_outage_that_never_comes_to_be_told_explains_nothing() -> None:
    """A cycle that failed once is no outage: what was unknown meanwhile and still is, is told after all."""
    desk = Desk(PLAIN)
    both = [ONE, TWO]
    desk.tick(0, answer(seen(0, fields("0.95")), seen(0, fields(), TWO), listing=both), cycle_end(0))
    for second in (15, 30, 45):
        desk.tick(second, answer(seen(second, fields(), TWO), listing=both), failed(second), cycle_end(second))
    desk.lose(60)
    assert desk.told()[1:] == []
    for second in (70, 80, 125):
        desk.tick(second, answer(seen(second, fields(), TWO), listing=both), failed(second), cycle_end(second))

    desk.tick(131)
    assert "usage:unknown:critical" in desk.told()


def test_what_is_wrong_with_a_part_of_a_venue_explains_nothing() -> None:
    """An answer for all accounts that cannot be read is a warning: which data are unknown is told by account."""
    desk = Desk(PLAIN)
    desk.see(0, "0.95")
    for second in range(10, 90, 10):
        shared = failed(second, None, FailureKind.BAD_ANSWER)
        partly = replace(seen(second, fields(None)), failures=(shared,))
        desk.tick(second, answer(partly, listing=[ONE]), cycle_end(second))

    assert {"answer-malformed:firing:warning", "usage:unknown:critical"} <= set(desk.told())


def test_a_reminder_while_the_outage_lasts_is_told() -> None:
    """It says that data are unknown; that they are back is still no news, for that they were lost was none."""
    desk = Desk(ruling(usage_rule(remind_every=timedelta(seconds=80)), receivers=RECEIVERS))
    desk.see(0)
    desk.see(10, "0.95")
    down(desk, 20, 180)
    desk.see(180, "0.95")

    assert [told for told in desk.told() if told.startswith("usage")] == [
        "usage:firing:critical",
        "usage:reminder:critical",
    ]


def test_what_worsens_when_the_venue_is_back_is_told_as_ever() -> None:
    """Nothing but what the outage explains is spared."""
    desk = Desk(PLAIN)
    desk.see(0)
    desk.see(10, "0.82")
    down(desk, 20, 120)
    desk.see(120, "0.95")

    assert "usage:worsened:critical" in desk.told()
    assert not desk.ticker.memory.waiting
