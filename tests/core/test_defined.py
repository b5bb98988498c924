"""Names that a venue does not answer and that stand for a window over what it does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.condition import Fault, check, every_name, names, parse, written
from marginwatch.core.condition.trace import is_absent
from marginwatch.core.defined import defined_in, defined_names, worked_out
from marginwatch.core.engine import decide, remember
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.fields import DAY_PNL, Field, Unit, catalogue
from marginwatch.core.memory import Memory
from marginwatch.core.model import Severity
from marginwatch.core.rule import Level, Rule, RuleKind, Selector
from support.desk import ONE, TWO, VENUE, after, answer, ruling, seen
from support.zones import CALENDARS

if TYPE_CHECKING:
    from marginwatch.core.condition import Node
    from marginwatch.core.engine import Decision
    from marginwatch.core.model import Value
    from marginwatch.core.ruling import Ruling

EQUITY = Field("equity", Unit.MONEY, "call:equity", "Equity.")
CASH = Field("cash", Unit.MONEY, "call:cash", "Cash.")
BARE = catalogue("bare", [EQUITY, CASH], [Field("profit", Unit.MONEY, "call:profit", "Profit.")], [DAY_PNL])


def loss(expression: str = "day_pnl", **changes: object) -> Rule:
    """A rule about the loss of a day."""
    rule = Rule("loss", "Loss", RuleKind.LADDER, (Level(Severity.WARNING, "<", Decimal(-50)),), expression, Unit.MONEY)
    return replace(rule, **changes)  # type: ignore[arg-type]  # any of its fields


def left(expression: str) -> str:
    """What checking leaves of an expression, as text; empty where it is absent."""
    node = parse(expression)
    assert not isinstance(node, Fault)
    found = check(node, BARE, names(node), calendar="fx")
    assert not found.faults
    return "" if found.node is None else written(found.node)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("day_pnl < -5", 'delta(equity, "session of fx") < -5'),
        ("day_pnl / (equity - day_pnl) < 5%", None),
        ("any(position.profit < day_pnl)", 'any(position.profit < delta(equity, "session of fx"))'),
        ("changed(day_pnl)", ""),
        ("changed(day_pnl) or equity < 0", "equity < 0"),
        ("changed(day_pnl) and equity < 0", ""),
        ('max(day_pnl, "1d") > 5', ""),
        ("day_pnl < -5 or realized_pnl < -5", 'delta(equity, "session of fx") < -5'),
    ],
)
def test_the_name_stands_for_its_window(expression: str, expected: str | None) -> None:
    """The window takes its place with its unit; where no window can stand it is absent, as `explain` has it too."""
    text = left(expression)
    assert expected is None or text == expected
    node = parse(expression)
    assert not isinstance(node, Fault)
    assert is_absent(node, BARE) == (not text)


def test_what_is_wrong_with_it_is_told_at_the_name() -> None:
    """The place of a fault is that of the name, not one within its meaning."""
    node = parse("cash > 0 and 80% > day_pnl")
    assert not isinstance(node, Fault)
    (fault,) = check(node, BARE, names(node)).faults
    assert (fault.offset, fault.length) == (13, 3)
    assert "day_pnl" in every_name([BARE])


def test_a_definition_over_what_is_absent_is_absent() -> None:
    """A venue without equity has no change of it."""
    assert check(parse_("day_pnl"), catalogue("poor", [CASH], [], [DAY_PNL]), ("day_pnl", "equity")).absent


def parse_(text: str) -> Node:
    """The tree of a good expression."""
    node = parse(text)
    assert not isinstance(node, Fault)
    return node


def test_a_name_is_either_answered_or_defined() -> None:
    """A venue that has its own keeps it: to define it besides is a mistake of its plug-in."""
    with pytest.raises(ValueError, match="day_pnl is declared twice"):
        catalogue("own", [EQUITY, replace(DAY_PNL, path="call:day_pnl")], [], [DAY_PNL])


def test_a_summary_may_show_it() -> None:
    """A rule that does not read it shows it all the same; one whose summary cannot be read shows nothing."""
    assert defined_in(loss("cash", summary="{day_pnl:,.0f}"), parse_("cash"), BARE, "fx").keys() == {"day_pnl"}
    assert defined_in(loss("cash", summary="{day_pnl"), parse_("cash"), BARE, "fx") == {}
    assert defined_names(loss(), VENUE, BARE) == ("day_pnl",)
    assert defined_names(loss("realized_pnl"), VENUE, BARE) == ()
    assert defined_names(loss(selector=Selector(venues=("other",))), VENUE, BARE) == ()


def bare(rule: Rule) -> Ruling:
    """The rule at a venue that answers no result of the day."""
    made = ruling(rule)
    watch = replace(made.venues[VENUE], rules=VenueRules(VENUE, BARE, [rule], CALENDARS, "always"))
    return replace(made, venues={VENUE: watch})


def test_a_message_has_its_last_known_value() -> None:
    """Of the answers of the tick, or of those before; where the present one is null, of the last known one."""
    rules, memory = bare(loss()), Memory()
    decision = decide(memory, rules, [answer(seen(0, money(1000)), seen(10, money(900)))], after(10))
    assert values(decision, "loss") == {"day_pnl": -100}
    assert values(decision, "data-stale") == {}
    assert worked_out(decision.draft, TWO, "loss") == {}
    remember(memory, decision)
    assert values(decide(memory, rules, [], after(20)), "loss") == {"day_pnl": -100}
    assert values(decide(memory, rules, [answer(seen(20, money(None)))], after(20)), "loss") == {"day_pnl": -100}
    memory.windows = {}
    assert values(decide(memory, rules, [], after(30)), "loss") == {}


def money(equity: int | None) -> dict[str, Value]:
    """An answer of the bare venue."""
    return {"equity": None if equity is None else Decimal(equity), "cash": Decimal(5)}


def values(decision: Decision, rule: str) -> dict[str, Value]:
    """What a message about the rule shows of what the venue does not answer."""
    return {name: each.value for name, each in worked_out(decision.draft, ONE, rule).items()}
