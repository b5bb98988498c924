"""Which units may meet, and what comes of it. None stands for a plain number, written without a unit.

| operation | units | gives |
|---|---|---|
| compare, add, subtract | the same unit twice | that unit |
| | a plain number with money, price, quantity or count | that unit |
| | zero with any number | the other's unit |
| `*` | a plain number, a ratio or a count with any number | the other's unit |
| | price by quantity | money |
| `/` | the same unit twice | ratio |
| | any number by a plain number, a ratio or a count | its own unit |
| | money by quantity, money by price | price, quantity |

A ratio never meets a plain number other than zero: `margin_usage > 80` would be right at no account. Times compare
with times; texts and flags are equal or not; sets are asked with `in`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from marginwatch.core.fields import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

Measure: TypeAlias = Unit | None
"""The unit of a number; None for a plain one."""

NUMBERS: Final[frozenset[Measure]] = frozenset(
    {None, Unit.RATIO, Unit.MONEY, Unit.PRICE, Unit.QUANTITY, Unit.COUNT, Unit.DURATION}
)
"""What can be reckoned with."""

ORDERED: Final = NUMBERS | {Unit.TIME}
"""What can be less or more."""

_TAKES_PLAIN: Final = frozenset({Unit.MONEY, Unit.PRICE, Unit.QUANTITY, Unit.COUNT})

_SURELY_PERCENT: Final = 10
"""Nobody writes a ratio as large as this without a percent sign."""

_SCALES: Final[tuple[Measure, ...]] = (None, Unit.COUNT, Unit.RATIO)
"""Pure numbers, weakest first: of two, the product has the later one's unit."""


def meet(left: Measure, right: Measure) -> tuple[Measure] | None:
    """The unit two numbers (or times) have when they are compared or added, in a tuple; None if they must not be."""
    if left == right:
        return (left,)
    if left is None and right in _TAKES_PLAIN:
        return (right,)
    if right is None and left in _TAKES_PLAIN:
        return (left,)
    return None


def _products() -> dict[tuple[Measure, Measure], Measure]:
    table: dict[tuple[Measure, Measure], Measure] = {}
    for rank, scale in enumerate(_SCALES):
        for unit in NUMBERS - set(_SCALES[:rank]):
            table[scale, unit] = table[unit, scale] = unit
    table[Unit.PRICE, Unit.QUANTITY] = table[Unit.QUANTITY, Unit.PRICE] = Unit.MONEY
    return table


def _quotients() -> dict[tuple[Measure, Measure], Measure]:
    table: dict[tuple[Measure, Measure], Measure] = {(unit, scale): unit for unit in NUMBERS for scale in _SCALES}
    table |= {(unit, unit): Unit.RATIO for unit in NUMBERS if unit is not None}
    table[Unit.MONEY, Unit.QUANTITY] = Unit.PRICE
    table[Unit.MONEY, Unit.PRICE] = Unit.QUANTITY
    return table


PRODUCTS: Final[Mapping[tuple[Measure, Measure], Measure]] = _products()
QUOTIENTS: Final[Mapping[tuple[Measure, Measure], Measure]] = _quotients()


def described(unit: Measure) -> str:
    """The unit in a sentence."""
    articles = {Unit.MONEY: "money", Unit.TEXT: "text", None: "a plain number", Unit.FLAG: "true or false"}
    return articles.get(unit) or f"a {unit}"


def as_percent(value: Decimal) -> str:
    """How a plain number is written as the ratio that was most likely meant: 0.8 and 80 as `80%`, 1.5 as either."""
    same, hundredfold = (f"{number.normalize():f}%" for number in (value, value * 100))
    if abs(value) <= 1:
        return hundredfold
    return f"{hundredfold} or {same}" if abs(value) < _SURELY_PERCENT else same
