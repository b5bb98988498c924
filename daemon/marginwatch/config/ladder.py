"""The levels of a ladder with its `clear_by` and `worsens_by`: from text to limits, or to what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from marginwatch.core.condition import Amount, Fault, Limit, parse, parse_amount, parse_level, unit_fault
from marginwatch.core.condition.nodes import Call, Name, Windowed
from marginwatch.core.rule import Level
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from marginwatch.config.document import Node
    from marginwatch.config.rulemodel import Draft
    from marginwatch.core.condition import Node as Condition
    from marginwatch.core.fields import Unit
    from marginwatch.core.model import Severity

NEVER_NEGATIVE = frozenset(
    {
        "margin_used",
        "margin_usage",
        "call_amount",
        "fed_call",
        "maintenance_call",
        "day_trade_call",
        "used_margin",
        "total_margin",
        "position_margin",
        "fedCallAmount",
        "accumFedAmount",
        "age",
    }
)
"""Fields a venue never reports below zero, so that a limit to clear at below zero is never reached."""

_LIKELY_TENFOLD = 5
"""A limit of margin usage beyond five times the equity was most likely typed with a digit too many."""
_LARGEST_EXPONENT = 30
"""A number beyond it is no amount of anything; writing its zeros out could fill the memory."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """What the levels of a rule say."""

    levels: tuple[Level, ...]
    worsens_by: Decimal | None


def read_ladder(draft: Draft, units: Collection[Unit | None], problems: list[Problem]) -> Ladder:
    """The levels, held against the unit the value has at each venue. What is wrong is added to the problems."""
    limits = [(severity, node, _limit(node, units, problems)) for severity, node in draft.levels]
    good = [(severity, node, limit) for severity, node, limit in limits if limit is not None]
    _check_order(good, problems)
    problems.extend(_never(draft, good))
    clear_by = _amount("clear_by", draft.clear_by, units, problems)
    worsens_by = _amount("worsens_by", draft.worsens_by, units, problems)
    levels = tuple(_level(severity, limit, clear_by) for severity, _, limit in good)
    if draft.clear_by is not None:
        _check_clear(draft, levels, problems)
    return Ladder(levels, worsens_by)


def hardly_meant(draft: Draft, levels: Iterable[Level]) -> Iterator[Problem]:
    """Levels that are possible and most likely a mistake: told, not refused."""
    name = str(draft.expression.value).strip()
    nodes = dict(draft.levels)
    for level in levels:
        node, limit = nodes[level.severity], level.limit
        assert limit is not None  # a ladder's level
        always = level.operator[0] == ">" and (limit < 0 or (limit == 0 and level.operator == ">="))
        if always and _never_negative(parse(name)):
            yield Problem(node.place, f"this level is always so: {name} is never below zero")
        elif name == "margin_usage" and limit >= _LIKELY_TENFOLD:
            meant = limit < 10 * _LIKELY_TENFOLD
            hint = f"did you mean {level.operator} {(limit * 10).normalize():f}%?" if meant else ""
            yield Problem(node.place, f"margin usage hardly reaches {(limit * 100).normalize():f}%", hint)


def _never(draft: Draft, levels: Iterable[tuple[Severity, Node, Limit]]) -> Iterator[Problem]:
    """Levels that no value can reach."""
    name = str(draft.expression.value).strip()
    for severity, node, limit in levels:
        below = limit.value < 0 or (limit.value == 0 and limit.operator == "<")
        if limit.operator[0] == "<" and below and _never_negative(parse(name)):
            yield Problem(node.place, f"{severity.label} could never be so: {name} is never below zero")


def _limit(node: Node, units: Collection[Unit | None], problems: list[Problem]) -> Limit | None:
    limit = parse_level(str(node.value))
    if isinstance(limit, Fault):
        problems.append(Problem(node.place_within(limit.offset, limit.length), limit.what, limit.hint))
        return None
    return limit if _suits(limit, node, units, problems) else None


def _suits(amount: Amount | Limit, node: Node, units: Collection[Unit | None], problems: list[Problem]) -> bool:
    for unit in units:
        fault = unit_fault(amount, unit)
        if fault is not None:
            problems.append(Problem(node.place, fault.what, fault.hint))
            return False
    return True


def _check_order(levels: list[tuple[Severity, Node, Limit]], problems: list[Problem]) -> None:
    """Each level must lie further out than the milder one before it."""
    for (milder, _, inner), (worse, node, outer) in pairwise(levels):
        if inner.operator[0] != outer.operator[0]:
            what = f"{worse.label} begins with {outer.operator} and {milder.label} with {inner.operator}"
            problems.append(Problem(node.place, what, "all levels of a rule point the same way"))
        elif inner.unit == outer.unit and not (
            outer.value > inner.value if outer.operator[0] == ">" else outer.value < inner.value
        ):
            what = f"{worse.label} must lie beyond {milder.label}, and does not"
            problems.append(Problem(node.place, what, "is one of the two limits mistyped?"))


def _amount(key: str, node: Node | None, units: Collection[Unit | None], problems: list[Problem]) -> Decimal | None:
    if node is None:
        return None
    amount = parse_amount(_written(node))
    if isinstance(amount, Fault):
        problems.append(Problem(node.place, f"`{key}`: {amount.what}", amount.hint))
        return None
    if amount.value == 0:
        problems.append(Problem(node.place, f"`{key}` must be more than zero", "leave it out to do without"))
        return None
    return amount.value if _suits(amount, node, units, problems) else None


def _written(node: Node) -> str:
    """The text of an amount that may stand in the file as text or as a number."""
    if isinstance(node.value, Decimal) and abs(node.value.adjusted()) <= _LARGEST_EXPONENT:
        return format(node.value, "f")
    return str(node.value)


def _level(severity: Severity, limit: Limit, clear_by: Decimal | None) -> Level:
    if clear_by is None:
        return Level(severity, limit.operator, limit.value)
    clear = limit.value - clear_by if limit.operator[0] == ">" else limit.value + clear_by
    return Level(severity, limit.operator, limit.value, clear)


def _check_clear(draft: Draft, levels: tuple[Level, ...], problems: list[Problem]) -> None:
    """A level must be possible to leave."""
    name = str(draft.expression.value).strip()
    for level in levels:
        below = level.operator[0] == ">" and level.clear is not None and level.clear < 0
        if below and _never_negative(parse(name)):
            what = f"{level.severity.label} could never clear: {name} is never below zero, and `clear_by` asks for that"
            place = draft.clear_by.place if draft.clear_by else draft.place
            problems.append(Problem(place, what, "make `clear_by` smaller than the lowest limit"))
            return


def _never_negative(node: Condition | Fault) -> bool:
    """Whether an expression comes to no amount below zero at any venue, as far as that can be told."""
    match node:
        case Name(name=name):
            return name in NEVER_NEGATIVE
        case Call(function="abs") | Windowed(function="drawdown"):
            return True
        case Windowed(function="max" | "min" | "mean" | "first" | "last", argument=argument):
            return _never_negative(argument)
        case _:
            return False
