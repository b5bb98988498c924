"""Values as a file of observations has them, read by the unit of their field."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, TypeAlias

from marginwatch.app.ruletest.values import read_time
from marginwatch.core.condition import parse_duration
from marginwatch.core.fields import Unit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from marginwatch.core.fields import Field
    from marginwatch.core.model import Value

Reader: TypeAlias = "Callable[[object], Value]"
"""Reads one value; a ValueError says in its text what it should be."""

NULL: Final = "null"
"""What stands for the venue's own null in a CSV file; an empty cell is a field that the answer did not have."""
_LARGEST_EXPONENT: Final = 30
"""A number beyond it is no amount of anything."""
_FLAGS: Final = {"true": True, "false": False}


def reader(field: Field) -> Reader:
    """What reads the values of a field."""
    return _READERS.get(field.unit, _number)


def moment(value: object) -> datetime:
    """A time with its zone, as UTC.

    Raises:
        ValueError: It is none.
    """
    at = read_time(value) if isinstance(value, str) else None
    if at is None:
        what = "a time with its zone, like 2026-11-02T14:00:00Z"
        raise ValueError(what)
    return at


def _number(value: object) -> Decimal:
    what = "a number"
    try:
        number = Decimal(value if isinstance(value, (str, Decimal)) else "")
    except InvalidOperation:
        raise ValueError(what) from None
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(what)
    return number


def _ratio(value: object) -> Decimal:
    if isinstance(value, str) and value.endswith("%"):
        return _number(value[:-1].strip()).scaleb(-2)
    try:
        return _number(value)
    except ValueError:
        what = "a ratio, like 0.85 or 85%"
        raise ValueError(what) from None


def _duration(value: object) -> Decimal:
    seconds = parse_duration(value) if isinstance(value, str) else None
    try:
        return _number(value) if seconds is None else seconds
    except ValueError:
        what = "a duration, like 90 (seconds) or 15m"
        raise ValueError(what) from None


def _flag(value: object) -> bool:
    found = value if isinstance(value, bool) else _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        what = "true or false"
        raise ValueError(what)
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        what = "text"
        raise ValueError(what)  # noqa: TRY004  (one kind of error for all readers)
    return value


def _words(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return frozenset(value)
    what = "words with spaces between them"
    raise ValueError(what)


_READERS: Final[dict[Unit, Reader]] = {
    Unit.RATIO: _ratio,
    Unit.DURATION: _duration,
    Unit.FLAG: _flag,
    Unit.TEXT: _text,
    Unit.TIME: moment,
    Unit.SET: _words,
}
