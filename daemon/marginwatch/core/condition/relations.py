"""What may be compared with what, and the words for it when it may not."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from marginwatch.core.condition.amounts import parse_duration
from marginwatch.core.condition.nodes import Choices, Constant, Fault, Node, Number, Text
from marginwatch.core.condition.units import (
    NUMBERS,
    ORDERED,
    PRODUCTS,
    QUOTIENTS,
    Measure,
    as_percent,
    described,
    meet,
)
from marginwatch.core.fields import Unit

if TYPE_CHECKING:
    from collections.abc import Collection

_EQUALITIES: Final = frozenset({"==", "!="})
_FLAGS: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}
"""What other files write for a flag."""
_VERBS: Final = {"+": "added to", "-": "reduced by", "*": "multiplied by", "/": "divided by"}


@dataclass(frozen=True, slots=True)
class Typed:
    """A checked part of an expression."""

    node: Node
    unit: Measure
    values: tuple[str, ...] = ()
    """For a text or set of a documented closed list: the list."""


def constant(node: Constant) -> Typed:
    """A literal with its unit."""
    match node:
        case Number(unit=unit):
            return Typed(node, unit)
        case Text():
            return Typed(node, Unit.TEXT)
        case _:
            return Typed(node, Unit.FLAG)


def as_duration(found: Typed) -> Typed:
    """A quoted duration as its seconds; anything else as it is."""
    if not isinstance(found.node, Text):
        return found
    seconds = parse_duration(found.node.value)
    return found if seconds is None else Typed(Number(seconds, Unit.DURATION, found.node.at), Unit.DURATION)


def compared(operator: str, left: Typed, right: Typed) -> tuple[Typed, Typed] | Fault:
    """Both sides of a comparison, quoted durations read as such, or why they cannot be compared."""
    if right.unit is Unit.DURATION:
        left = as_duration(left)
    if left.unit is Unit.DURATION:
        right = as_duration(right)
    if operator not in _EQUALITIES:
        for side, other in ((left, right), (right, left)):
            if side.unit not in ORDERED:
                hint = _instead(side, other) or "compare it with == or !="
                return _fault(side.node, f"{described(side.unit)} cannot be less or more", hint)
    return _mismatch(left, right, "compared with") or _misspelt(left, right) or (left, right)


def chosen(item: Typed, among: Choices) -> Choices | Fault:
    """A list of literals that `item` may equal, quoted durations read as such, or why it cannot."""
    items: list[Constant] = []
    for choice in among.items:
        pair = compared("==", item, constant(choice))
        if isinstance(pair, Fault):
            return pair
        member = pair[1].node
        assert isinstance(member, Constant)
        items.append(member)
    return Choices(tuple(items), among.at)


def contained(item: Typed, among: Typed) -> Node | Fault:
    """What `item` may be in, not being a list, or why it cannot."""
    if among.unit is not Unit.SET:
        return _fault(
            among.node, f"in needs a list or a set, and this is {described(among.unit)}", 'write in ("…", "…")'
        )
    if item.unit is not Unit.TEXT:
        return _fault(item.node, f"a set holds texts, and this is {described(item.unit)}")
    return _misspelt(item, among) or among.node


def reckoned(operator: str, left: Typed, right: Typed) -> tuple[Measure] | Fault:
    """The unit (in a tuple) of a sum, difference, product or quotient of two numbers, or why there is none."""
    if Unit.TIME in (left.unit, right.unit):
        return _between(operator, left, right)
    if operator in ("+", "-"):
        fault = _mismatch(left, right, _VERBS[operator])
        return fault or (right.unit if left.unit is None else left.unit,)
    table = PRODUCTS if operator == "*" else QUOTIENTS
    if (left.unit, right.unit) in table:
        return (table[left.unit, right.unit],)
    return _fault(right.node, f"{described(left.unit)} cannot be {_VERBS[operator]} {described(right.unit)}")


def did_you_mean(word: str, words: Collection[str]) -> str:
    """A hint towards the closest of some words; empty when none is close."""
    if word.lower() in _FLAGS:
        return f"did you mean {_FLAGS[word.lower()]}?"
    lower = {known.lower(): known for known in sorted(words, reverse=True)}
    close = get_close_matches(word.lower(), lower, n=1) or [known for known in lower if word.lower() in known]
    return f"did you mean {lower[close[0]]}?" if close else ""


def _fault(node: Node, what: str, hint: str = "") -> Fault:
    return Fault(node.at.offset, node.at.length, what, hint)


def _between(operator: str, left: Typed, right: Typed) -> tuple[Measure] | Fault:
    """From one time to another it is a duration; nothing else can be reckoned with times."""
    if operator == "-" and left.unit is right.unit:
        return (Unit.DURATION,)
    what = f"{described(left.unit)} cannot be {_VERBS[operator]} {described(right.unit)}"
    return _fault(right.node, what, 'a time less another is a duration, as in due_date - timestamp < "1d"')


def _mismatch(left: Typed, right: Typed, verb: str) -> Fault | None:
    if left.unit in NUMBERS and right.unit in NUMBERS and (_is_zero(left) or _is_zero(right)):
        return None
    if meet(left.unit, right.unit) is not None:
        return None
    written = left if isinstance(left.node, Number) else right
    other = right if written is left else left
    what = f"{described(left.unit)} cannot be {verb} {described(right.unit)}"
    return _fault(written.node, what, _instead(written, other))


def _is_zero(found: Typed) -> bool:
    return found.unit is None and isinstance(found.node, Number) and found.node.value == 0


def _instead(written: Typed, other: Typed) -> str:
    plain = isinstance(written.node, Number) and written.unit is None
    if other.unit is Unit.DURATION and (plain or written.unit is Unit.TEXT):
        return 'write a duration, as in "15m"'
    if other.unit is Unit.RATIO and isinstance(written.node, Number) and plain:
        return f"write {as_percent(written.node.value)}"
    return ""


def _misspelt(left: Typed, right: Typed) -> Fault | None:
    written, values = (left, right.values) if isinstance(left.node, Text) else (right, left.values)
    if not isinstance(written.node, Text) or not values or written.node.value in values:
        return None
    hint = did_you_mean(written.node.value, values) or f"it is one of {', '.join(values)}"
    return _fault(written.node, f'"{written.node.value}" is not one of its values', hint)
