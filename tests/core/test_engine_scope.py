"""What the config covers and what an answer leaves open: nothing is told of the one, nothing resolved by the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.core.fields import Unit
from marginwatch.core.health import ReceiverState
from marginwatch.core.model import AccountKey, Severity
from marginwatch.core.rule import Level, RuleKind
from marginwatch.core.state import Prior
from support.desk import (
    ONE,
    RECEIVERS,
    TWO,
    VENUE,
    Desk,
    Paper,
    after,
    answer,
    cycle_end,
    fields,
    ruling,
    seen,
    steps,
    usage_rule,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.model import Value
    from marginwatch.core.ruling import Ruling

BOTH = (ONE, TWO)
THREE = AccountKey(VENUE, "three")


def again(desk: Desk, seconds: float, rules: Ruling) -> Desk:
    """A new process on what the desk has learnt."""
    memory = desk.ticker.memory
    prior = Prior(accounts=dict(memory.accounts), venues=dict(memory.venues), alerts=tuple(memory.alerts()))
    restarted = Desk(rules)
    restarted.ledger = Paper(prior=prior)
    restarted.start(seconds)
    return restarted


def two_accounts() -> Desk:
    """A desk that has seen two healthy accounts."""
    desk = Desk(ruling(usage_rule()))
    desk.tick(0, answer(seen(0, fields()), seen(0, fields(), TWO), listing=BOTH), cycle_end(0))
    return desk


def test_an_account_taken_out_of_the_config_has_not_vanished() -> None:
    """The venue lists it still; that the config wants it no longer is the operator's own doing."""
    desk = again(two_accounts(), 5, ruling(usage_rule(), accounts=["one"]))
    for second in range(10, 100, 10):
        desk.tick(second, answer(seen(second, fields()), listing=BOTH), cycle_end(second))

    assert desk.told() == []


def test_nobody_waits_for_the_data_of_an_account_taken_out_of_the_config() -> None:
    """Nor are its data stale, whether the venue lists accounts or not."""
    desk = again(two_accounts(), 5, ruling(usage_rule(), accounts=["one"]))
    for second in range(10, 200, 10):
        desk.tick(second, answer(seen(second, fields())), cycle_end(second))

    assert desk.told() == []


def test_an_account_back_in_the_config_is_no_news() -> None:
    """It was known before, so it has neither appeared nor returned."""
    narrowed = again(two_accounts(), 5, ruling(usage_rule(), accounts=["one"]))
    narrowed.tick(10, answer(seen(10, fields()), listing=BOTH), cycle_end(10))
    desk = again(narrowed, 15, ruling(usage_rule()))
    desk.tick(20, answer(seen(20, fields()), seen(20, fields(), TWO), listing=BOTH), cycle_end(20))

    assert desk.told() == []


def test_an_account_new_to_the_config_has_not_appeared() -> None:
    """With another selection the first listing is a baseline; whoever is new in a later one is told of."""
    desk = Desk(ruling(usage_rule(), accounts=["one"]))
    desk.tick(0, answer(seen(0, fields()), listing=[ONE]), cycle_end(0))
    widened = again(desk, 5, ruling(usage_rule(), accounts=["one", "two", "three"]))
    for second in (10, 20):
        widened.tick(second, answer(seen(second, fields()), listing=BOTH), cycle_end(second))
    assert widened.told() == []

    widened.tick(30, answer(listing=[*BOTH, THREE]), cycle_end(30))
    assert widened.told() == ["account-appeared:event:warning"]


def test_the_selection_that_was_in_force_outlives_failures_and_restarts() -> None:
    """The baseline is the first listing that comes, be it long after the config changed."""
    desk = Desk(ruling(usage_rule(), accounts=["one"]))
    desk.tick(0, answer(listing=[ONE]), cycle_end(0))
    widened = ruling(usage_rule(), accounts=["one", "two"])
    desk = again(desk, 5, widened)
    desk.lose(10)
    desk = again(desk, 15, widened)
    desk.tick(20, answer(listing=BOTH), cycle_end(20))

    assert desk.told() == []


def test_an_account_that_appeared_while_nobody_looked_is_told_of() -> None:
    """The config selects as it did before, so it is the venue that has a new account."""
    desk = again(two_accounts(), 5, ruling(usage_rule()))
    desk.tick(10, answer(listing=[*BOTH, THREE]), cycle_end(10))

    assert desk.told() == ["account-appeared:event:warning"]


def test_the_failing_of_a_receiver_that_is_gone_is_closed() -> None:
    """Nobody will see it end: the receiver left the config."""
    desk = Desk(ruling(usage_rule()))
    desk.tick(0, ReceiverState("pager", failures=3, waiting=1))
    restarted = again(desk, 5, ruling(usage_rule(), receivers=RECEIVERS[:1]))

    assert restarted.told() == ["receiver-failing:closed:critical"]
    assert steps(restarted.transitions) == ["receiver-failing:firing>closed:receiver_removed"]


def test_a_cycle_in_which_nothing_came_says_nothing_of_its_venue() -> None:
    """When all that was asked is lost on the way, an unreachable venue stays so."""
    desk = Desk()
    desk.see(0)
    for second in range(10, 50, 10):
        desk.lose(second)
    desk.tick(50, cycle_end(50))

    assert desk.told() == ["venue-unreachable:firing:critical"]
    assert desk.ticker.memory.venues["desk"].failed_cycles == 4


def test_a_position_without_a_name_ends_no_alert() -> None:
    """It may be the very one the alert is about: unknown, until every position says which it is."""
    level = (Level(Severity.WARNING),)
    rule = usage_rule(kind=RuleKind.CONDITION, levels=level, each="position", unit=Unit.FLAG)
    desk = Desk(ruling(replace(rule, expression="position.unrealized_pnl < -100")))
    _positions(desk, 0, {"symbol": "ES", "unrealized_pnl": Decimal(-500)})
    _positions(desk, 10, {"symbol": None, "unrealized_pnl": Decimal(0)})
    _positions(desk, 20, {"unrealized_pnl": Decimal(0)})
    assert desk.told() == ["usage:firing:warning"]
    (alert,) = desk.ticker.memory.alerts()
    assert alert.because == "a position in the answer has no name"

    _positions(desk, 30, {"symbol": "CL", "unrealized_pnl": Decimal(0)})
    assert desk.told() == ["usage:firing:warning", "usage:resolved:warning"]


def test_the_words_about_a_position_are_those_of_that_position() -> None:
    """In every message about it: those that time alone brings, and the last, when it is closed."""
    rule = usage_rule(
        kind=RuleKind.CONDITION,
        levels=(Level(Severity.WARNING),),
        each="position",
        unit=Unit.FLAG,
        expression="position.unrealized_pnl < -100",
        summary="{position.symbol}: {position.unrealized_pnl}",
        remind_every=timedelta(seconds=15),
    )
    desk = Desk(ruling(rule))
    one: dict[str, Value] = {"symbol": "ES", "unrealized_pnl": Decimal(-500)}
    other: dict[str, Value] = {"symbol": "CL", "unrealized_pnl": Decimal(-200)}
    _positions(desk, 0, one, other)
    desk.tick(20)
    _positions(desk, 30, other)
    _positions(desk, 40)

    lost = {"ES": "-500", "CL": "-200"}
    told = [(message.payload["subject"], message.body) for message in desk.messages]
    assert [subject for subject, _ in told] == ["ES", "CL", "ES", "CL", "ES", "CL"]
    assert all(f"position.unrealized_pnl {lost[subject]}." in body for subject, body in told)
    assert [body.partition("\n")[0] for _, body in told[:4]] == ["ES: -500", "CL: -200"] * 2
    assert desk.ticker.memory.positions == {}


def _positions(desk: Desk, second: float, *positions: Mapping[str, Value]) -> None:
    observation = replace(seen(second, fields()), positions=positions)
    desk.tick(second, answer(observation, listing=[ONE]), cycle_end(second))


def test_for_goes_on_after_our_clock_was_set_back() -> None:
    """An hour back, and a breach that begins then fires when it has held."""
    desk = Desk(ruling(usage_rule(hold=timedelta(seconds=15))))
    desk.see(0)
    desk.see(10)
    for second in range(-3590, -3560, 10):
        desk.see(second, "0.95")

    assert desk.told() == ["usage:firing:critical"]
    assert desk.ticker.memory.accounts[ONE].observed_at == after(-3570)
