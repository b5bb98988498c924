"""How near accounts are to levels: within a tenth or 5 points, of plain fields, never of a limit of zero."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.fields import Unit
from marginwatch.core.model import Account, Severity
from marginwatch.core.nearness import Reach
from marginwatch.core.rule import Level
from marginwatch.core.state import AccountState
from support.alerting import START
from support.desk import ONE, TWO, call_rule, usage_rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.model import AccountKey, Value
    from marginwatch.core.rule import Rule

USAGE = usage_rule()


def pnl_rule(limit: int, **changes: object) -> Rule:
    """Profit and loss below the limit is critical."""
    levels = (Level(Severity.CRITICAL, "<", Decimal(limit)),)
    return usage_rule(id="loss", expression="day_pnl", unit=Unit.MONEY, levels=levels, **changes)


def state(known: Mapping[str, Value], account: AccountKey = ONE) -> AccountState:
    """An account with these values."""
    return AccountState(Account(account, account.id), START, known)


def near(known: Mapping[str, Value], *rules: Rule, wide: bool = False) -> str:
    """What is said of one account with these values; empty when it is near nothing."""
    found = Reach(rules).nearest([state(known)], lambda _: True, wide=wide)
    return "" if found is None else found.in_words


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        ("0.749", ""),
        ("0.75", "desk/one is near usage warning"),
        ("0.84", "desk/one is near usage warning"),
        ("0.86", "desk/one is near usage critical"),
        ("0.95", "desk/one is near usage critical"),
        ("0.951", ""),
    ],
)
def test_a_ratio_is_near_within_five_points(usage: str, said: str) -> None:
    """On either side of each level; of two levels the nearer one is named."""
    assert near({"margin_usage": Decimal(usage)}, USAGE) == said


@pytest.mark.parametrize(
    ("pnl", "said"), [("-44999", ""), ("-45000", "desk/one is near loss critical"), ("-55001", ""), ("0", "")]
)
def test_an_amount_is_near_within_a_tenth(pnl: str, said: str) -> None:
    """Of the limit, whatever its sign."""
    assert near({"day_pnl": Decimal(pnl)}, pnl_rule(-50_000)) == said


def test_small_ratios_have_small_surroundings() -> None:
    """A tenth of the limit where that is less than 5 points."""
    rule = usage_rule(levels=(Level(Severity.WARNING, ">", Decimal("0.01")),))
    assert not near({"margin_usage": Decimal("0.02")}, rule)
    assert near({"margin_usage": Decimal("0.0105")}, rule)


def test_what_is_near_stays_so_a_little_further_off() -> None:
    """Half as far again, for a venue that is asked fast already."""
    known: dict[str, Value] = {"margin_usage": Decimal("0.73")}
    assert (near(known, USAGE), near(known, USAGE, wide=True)) == ("", "desk/one is near usage warning")


@pytest.mark.parametrize(
    "rule",
    [
        pnl_rule(0),
        pnl_rule(-50_000, each="position"),
        call_rule(),
        usage_rule(expression="day_pnl / equity"),
    ],
    ids=["zero", "position", "condition", "expression"],
)
def test_some_rules_have_no_surroundings(rule: Rule) -> None:
    """A limit of zero, positions, conditions and worked-out values."""
    known: dict[str, Value] = {"day_pnl": Decimal(0), "equity": Decimal(1), "in_margin_call": True}
    assert not near(known, rule)
    assert not near({"day_pnl": Decimal(-50_000)}, rule)


@pytest.mark.parametrize("known", [{}, {"margin_usage": None}])
def test_what_is_not_known_is_not_near(known: dict[str, Value]) -> None:
    """Missing or null."""
    assert not near(known, USAGE)


def test_the_nearest_of_all_accounts_is_named() -> None:
    """Of equals always the same one, whatever their order; those that do not count are passed over."""
    reach = Reach([USAGE])
    known: dict[str, Value] = {"margin_usage": Decimal("0.79")}
    both = [state(known), state(known, TWO)]
    found = [reach.nearest(order, lambda _: True, wide=False) for order in (both, both[::-1])]
    assert [near and near.account for near in found] == [ONE, ONE]

    closer = [*both, state({"margin_usage": Decimal("0.799")}, TWO)]
    nearest = reach.nearest(closer, lambda _: True, wide=False)
    assert nearest is not None
    assert (nearest.account, nearest.distance) == (TWO, Decimal("0.02"))
    other = reach.nearest(closer, lambda each: each.account.key == ONE, wide=False)
    assert other is not None
    assert other.account == ONE
