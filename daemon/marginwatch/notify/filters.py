"""The filters of templates: numbers and times as the built-in words have them. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from jinja2 import Undefined, pass_context

from marginwatch.core.fields import Unit
from marginwatch.notify import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2.runtime import Context

    from marginwatch.notify.variables import Measured


class NotOfThisKindError(TypeError):
    """A filter was given something it is not for."""

    def __init__(self, name: str, wanted: str, value: object) -> None:
        super().__init__(f"the filter `{name}` is for {wanted}, not for {type(value).__name__}")


@pass_context
def amount(context: Context, value: object) -> str:
    """The rule's own number as the built-in words have it: `92.1%`, `4,600.50 USD`; empty for none."""
    measured: Measured = context["_measured"]
    return _number("amount", value, measured.unit, measured.currency)


@pass_context
def money(context: Context, value: object) -> str:
    """An amount in the account's currency: `4,600.50 USD`; empty for none."""
    measured: Measured = context["_measured"]
    return _number("money", value, Unit.MONEY, measured.currency)


def percent(value: object) -> str:
    """A ratio: `92.1%`; empty for none."""
    return _number("percent", value, Unit.RATIO)


def number(value: object) -> str:
    """A number with its digits grouped: `12,500.75`; empty for none."""
    return _number("number", value, Unit.QUANTITY)


@pass_context
def clock(context: Context, value: object) -> str:
    """A time: `14:03:10 UTC`, with its date when that is not today's; empty for none."""
    measured: Measured = context["_measured"]
    return "" if value is None else words.moment(_time("clock", value), measured.now, measured.tz)


@pass_context
def ago(context: Context, value: object) -> str:
    """How long ago a time was: `1 min 12 s`; empty for none."""
    measured: Measured = context["_measured"]
    return "" if value is None else words.span(measured.now - _time("ago", value))


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "amount": amount,
    "money": money,
    "percent": percent,
    "number": number,
    "clock": clock,
    "ago": ago,
}


def _number(name: str, value: object, unit: Unit, currency: str = "") -> str:
    if value is None:
        return ""
    _defined(value)
    if not isinstance(value, (Decimal, int)) or isinstance(value, bool):
        raise NotOfThisKindError(name, "numbers", value)
    return words.amount(Decimal(value), unit, currency)


def _time(name: str, value: object) -> datetime:
    _defined(value)
    if not isinstance(value, datetime):
        raise NotOfThisKindError(name, "times", value)
    return value


def _defined(value: object) -> None:
    """Let a name that is not there say so itself."""
    if isinstance(value, Undefined):
        str(value)
