"""What an expression means, said as plainly as possible: the oracle that the compiled code is tested against."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from marginwatch.core.condition.arithmetic import OPERATIONS, absolute, negative
from marginwatch.core.condition.check import POSITION
from marginwatch.core.condition.functions import TEMPORAL
from marginwatch.core.condition.nodes import (
    Arithmetic,
    Call,
    Choices,
    Comparison,
    Logic,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
    Truth,
    Windowed,
)
from marginwatch.core.condition.window import length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.model import Value

Truthful: TypeAlias = bool | None
"""True, false, or None for unknown."""

_RELATIONS: Final = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "increased": operator.gt,
    "decreased": operator.lt,
    "changed": operator.ne,
}


_HOUR: Final = timedelta(hours=1)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Past:
    """One observation of the account."""

    at: datetime
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything an expression can see."""

    fields: Mapping[str, Value]
    prior: Mapping[str, Value] = field(default_factory=dict)
    """The last known values."""
    positions: Sequence[Mapping[str, Value]] | None = None
    position: Mapping[str, Value] = field(default_factory=dict)
    """The one position looked at: in `any`, in `all`, and in a rule with `each = "position"`."""
    past: Sequence[Past] = ()
    """Every observation so far, times not falling, the present one last; what windows look at."""
    stale_after: timedelta = timedelta(0)
    """How long a value holds after it was seen, when no other known one follows."""
    opened: Mapping[str, datetime] = field(default_factory=dict)
    """When the session of each calendar opened that is on, or the last one."""


def interpret(node: Node, scene: Scene) -> Value:
    """The value of a checked expression; None when it is unknown."""
    found: Value = _MEANINGS[type(node)](node, scene)
    return found


def _literal(node: Number | Text | Truth, _: Scene) -> Any:  # noqa: ANN401  (any literal)
    return node.value


def _name(node: Name, scene: Scene) -> Any:  # noqa: ANN401  (any field)
    if node.name.startswith(POSITION):
        return scene.position.get(node.name.removeprefix(POSITION))
    return scene.fields.get(node.name)


def _negative(node: Negative, scene: Scene) -> Any:  # noqa: ANN401  (a number the checker vouches for)
    return negative(_value(node.operand, scene))


def _arithmetic(node: Arithmetic, scene: Scene) -> Any:  # noqa: ANN401  (a number the checker vouches for)
    total = _value(node.first, scene)
    for sign, operand in node.rest:
        total = OPERATIONS[sign](total, _value(operand, scene))
    return total


def _comparison(node: Comparison, scene: Scene) -> Truthful:
    left, right = _value(node.left, scene), _value(node.right, scene)
    return None if left is None or right is None else _RELATIONS[node.operator](left, right)


def _membership(node: Membership, scene: Scene) -> Truthful:
    item = _value(node.item, scene)
    if isinstance(node.among, Choices):
        among: Any = [choice.value for choice in node.among.items]
    else:
        among = _value(node.among, scene)
    return None if item is None or among is None else (item in among) != node.negated


def _not(node: Not, scene: Scene) -> Truthful:
    return _opposite(_truth(node.operand, scene))


def _logic(node: Logic, scene: Scene) -> Truthful:
    truths = [_truth(operand, scene) for operand in node.operands]
    return _either(truths) if node.operator == "or" else _both(truths)


def _call(node: Call, scene: Scene) -> Any:  # noqa: ANN401  (`prior` gives any field)
    if node.function == "abs":
        return absolute(_value(node.argument, scene))
    if node.function in TEMPORAL:
        return _temporal(node, scene)
    if scene.positions is None:
        return None
    truths = [_truth(node.argument, replace(scene, position=position)) for position in scene.positions]
    return _either(truths) if node.function == "any" else _both(truths)


def _temporal(node: Call, scene: Scene) -> Any:  # noqa: ANN401  (`prior` gives any field)
    before = _value(node.argument, replace(scene, fields=scene.prior))
    if node.function == "prior":
        return before
    now = _value(node.argument, scene)
    if now is None:
        return None
    return before is not None and _RELATIONS[node.function](now, before)


def _windowed(node: Windowed, scene: Scene) -> Decimal | None:
    if not scene.past:
        return None
    values = [(past.at, _value(node.argument, replace(scene, fields=past.fields))) for past in scene.past]
    now, current = values[-1]
    if current is None:
        return None
    span = length(node)
    low = scene.opened[node.calendar] if span is None else now - span
    held = list(_held([(at, value) for at, value in values if value is not None], scene.stale_after, low))
    if node.function == "mean":
        return _mean(held, current)
    if node.function == "rate":
        assert span is not None, "the checker refuses the rate of a session"
        hourly = OPERATIONS["*"](_delta([value for _, _, value in held]), Decimal(_HOUR // _MICROSECOND))
        return OPERATIONS["/"](hourly, Decimal(span // _MICROSECOND))
    return _OF_VALUES[node.function]([value for _, _, value in held])


def _delta(values: Sequence[Decimal]) -> Decimal | None:
    return OPERATIONS["-"](values[-1], values[0])


_OF_VALUES: Final[Mapping[str, Callable[[Sequence[Decimal]], Decimal | None]]] = {
    "max": max,
    "min": min,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "delta": _delta,
    "drawdown": lambda values: OPERATIONS["-"](max(values), values[-1]),
}


def _held(
    known: Sequence[tuple[datetime, Decimal]], stale_after: timedelta, low: datetime
) -> Iterator[tuple[datetime, datetime, Decimal]]:
    """From when, until when and which values held after `low`; the present one always does, and has only begun to."""
    for place, (at, value) in enumerate(known):
        last = place + 1 == len(known)
        until = at if last else min(at + stale_after, known[place + 1][0])
        if until > low or last:
            yield max(at, low), until, value


def _mean(held: Iterable[tuple[datetime, datetime, Decimal]], current: Decimal) -> Decimal | None:
    """Each value by the time it held; the present one when none held for any time."""
    total, lasted = Fraction(0), 0
    for start, until, value in held:
        micros = (until - start) // _MICROSECOND
        total, lasted = total + Fraction(value) * micros, lasted + micros
    if not lasted:
        return current
    return OPERATIONS["/"](Decimal(total.numerator), Decimal(total.denominator * lasted))


def _value(node: Node, scene: Scene) -> Any:  # noqa: ANN401  (the checker vouches for the type)
    return interpret(node, scene)


def _truth(node: Node, scene: Scene) -> Truthful:
    found = interpret(node, scene)
    return found if isinstance(found, bool) else None


def _opposite(truth: Truthful) -> Truthful:
    return None if truth is None else not truth


def _either(truths: Iterable[Truthful]) -> Truthful:
    found = set(truths)
    return True if True in found else None if None in found else False


def _both(truths: Iterable[Truthful]) -> Truthful:
    return _opposite(_either(map(_opposite, truths)))


_MEANINGS: Final[Mapping[type, Callable[[Any, Scene], Any]]] = {
    Number: _literal,
    Text: _literal,
    Truth: _literal,
    Name: _name,
    Negative: _negative,
    Arithmetic: _arithmetic,
    Comparison: _comparison,
    Membership: _membership,
    Not: _not,
    Logic: _logic,
    Call: _call,
    Windowed: _windowed,
}
