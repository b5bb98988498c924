"""Values as a test writes them (`"85%"`, `50_000`, `["view", "trade"]`), read by the unit of their field."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.config.suggest import did_you_mean
from marginwatch.core.condition import Fault, parse_level, unit_fault
from marginwatch.core.fields import Unit
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from marginwatch.config.document import Node
    from marginwatch.core.fields import Field
    from marginwatch.core.model import Value

_LARGEST_EXPONENT = 30
"""A number beyond it is no amount of anything; writing its zeros out could fill the memory."""
_LIKE = {
    Unit.RATIO: 'write it like "85%"',
    Unit.DURATION: 'write it like "15m"',
    Unit.TIME: 'write it like "2026-01-05T14:00Z"',
    Unit.FLAG: "write true or false",
    Unit.TEXT: "put it in quotes",
    Unit.SET: 'write it like ["view", "trade"]',
}
_NUMBER_LIKE = "write it like 50_000 or -12.50"


def read_value(field: Field, node: Node) -> Value | Problem:
    """What the text, number or list says for this field, or why it can be none of its values."""
    if node.value is None:
        return Problem(node.place, f"`{field.name}` is nothing here", f'null is written null = ["{field.name}"]')
    if field.unit is Unit.FLAG:
        return node.value if isinstance(node.value, bool) else _wrong(field, node)
    if field.unit is Unit.TEXT:
        return _text(field, node)
    if field.unit is Unit.SET:
        return _set(field, node)
    if field.unit is Unit.TIME:
        at = read_time(node.value) if isinstance(node.value, str) else None
        return _wrong(field, node) if at is None else at
    return read_number(field.name, field.unit, node)


def read_number(name: str, unit: Unit, node: Node) -> Decimal | Problem:
    """A number in that unit; a ratio as a fraction of one, a duration in seconds."""
    text = _digits(node.value)
    # An amount that may be negative is what stands behind the operator of a level.
    read = None if text is None else parse_level(f"> {text}")
    if read is None or isinstance(read, Fault):
        return Problem(node.place, f"`{name}` is {_kind(unit)}, and this is not", _LIKE.get(unit, _NUMBER_LIKE))
    misfit = unit_fault(read, unit)
    if misfit is not None:
        return Problem(node.place, f"`{name}`: {misfit.what}", misfit.hint or _LIKE.get(unit, _NUMBER_LIKE))
    return read.value


def read_time(text: str) -> datetime | None:
    """A moment with its zone, as UTC; None for any other text."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _digits(value: object) -> str | None:
    if isinstance(value, Decimal):
        return f"{value:f}" if abs(value.adjusted()) <= _LARGEST_EXPONENT else None
    return value if isinstance(value, str) else None


def _text(field: Field, node: Node) -> Value | Problem:
    if not isinstance(node.value, str):
        return _wrong(field, node)
    if field.values and node.value not in field.values:
        hint = did_you_mean(node.value, field.values) or f"it says one of {', '.join(field.values)}"
        return Problem(node.place, f"the venue never says `{node.value}` in `{field.name}`", hint)
    return node.value


def _set(field: Field, node: Node) -> Value | Problem:
    if not isinstance(node.value, tuple):
        return _wrong(field, node)
    words = [part.value for part in node.value]
    stranger = next((part for part in node.value if not isinstance(part.value, str)), None)
    if stranger is not None:
        return _wrong(field, stranger)
    return frozenset(word for word in words if isinstance(word, str))


def _wrong(field: Field, node: Node) -> Problem:
    what = f"`{field.name}` is {_kind(field.unit)}, not {node.kind}"
    return Problem(node.place, what, _LIKE.get(field.unit, _NUMBER_LIKE))


def _kind(unit: Unit) -> str:
    words = {
        Unit.RATIO: "a ratio",
        Unit.FLAG: "true or false",
        Unit.TEXT: "text",
        Unit.TIME: "a time with its zone",
        Unit.DURATION: "a duration",
        Unit.SET: "a list of words",
    }
    return words.get(unit, "a number")
