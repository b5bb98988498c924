"""Amounts written by themselves: durations, the levels of a ladder, `clear_by` and `worsens_by`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from marginwatch.core.condition.nodes import Fault
from marginwatch.core.condition.units import Measure, as_percent, described, meet
from marginwatch.core.fields import Unit

_SECONDS: Final = {
    unit: Decimal(seconds)
    for unit, seconds in {"ms": "0.001", "s": "1", "m": "60", "h": "3600", "d": "86400", "w": "604800"}.items()
}
_DURATION: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h|d|w))+", re.ASCII)
_PIECE: Final = re.compile(r"([\d.]+)([a-z]+)")
_NUMBER: Final = re.compile(r"(-?)\s*((?:\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?|\.\d+))(%?)", re.ASCII)
_LEVEL: Final = re.compile(r"\s*(<=|>=|<|>)\s*(\S.*?)\s*", re.ASCII)
_MAX_LENGTH: Final = 80


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit: RATIO (as a fraction of one), DURATION (seconds), or None for a plain number."""

    value: Decimal
    unit: Measure


@dataclass(frozen=True, slots=True)
class Limit:
    """One level of a ladder as written: `> 80%`."""

    operator: str
    """`>`, `>=`, `<` or `<=`."""
    value: Decimal
    unit: Measure
    """As in `Amount`."""


def parse_duration(text: str) -> Decimal | None:
    """Seconds in `10s`, `15m`, `1h30m`, `2d`; None for any other text."""
    if len(text) > _MAX_LENGTH or not _DURATION.fullmatch(text):
        return None
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in _PIECE.findall(text)), Decimal(0))


def parse_level(text: str) -> Limit | Fault:
    """A ladder's level, such as `> 80%`, `<= -5_000` or `> 15m`."""
    match = _LEVEL.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        return Fault(0, len(text), "a level begins with > >= < or <=", 'write it like "> 80%"')
    amount = _amount(match[2])
    if amount is None:
        return Fault(match.start(2), len(match[2]), f"{match[2]} is not a number", 'write it like "> 80%" or "< 5_000"')
    return Limit(match[1], amount.value, amount.unit)


def parse_amount(text: str) -> Amount | Fault:
    """A distance, such as `3%`, `500` or `5m`; never negative."""
    amount = _amount(text.strip()) if len(text) <= _MAX_LENGTH else None
    if amount is None:
        return Fault(0, len(text), f"{text[:_MAX_LENGTH]} is not an amount", 'write it like "3%" or "500"')
    if amount.value < 0:
        return Fault(0, len(text), "the amount is a distance, so it cannot be negative")
    return amount


def unit_fault(amount: Amount | Limit, unit: Measure) -> Fault | None:
    """Why an amount cannot be a limit or a distance of a value in `unit`; None if it can. The place is the start."""
    if amount.value == 0 or meet(amount.unit, unit) is not None:
        return None
    what = f"the value is {described(unit)} and this is {described(amount.unit)}"
    if unit is Unit.RATIO and amount.unit is None:
        return Fault(0, 0, what, f"write {as_percent(amount.value)}")
    if unit is Unit.DURATION:
        return Fault(0, 0, what, 'write it like "15m"')
    return Fault(0, 0, what)


def _amount(text: str) -> Amount | None:
    if text[:1] in ("'", '"') and text[-1:] == text[:1]:
        text = text[1:-1]
    seconds = parse_duration(text)
    if seconds is not None:
        return Amount(seconds, Unit.DURATION)
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    minus, digits, percent = match.groups()
    number = f"{minus}{digits.replace('_', '')}"
    return Amount(Decimal(f"{number}e-2"), Unit.RATIO) if percent else Amount(Decimal(number), None)
