"""How times, ages, numbers and differences read in a message. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.core.fields import Unit

if TYPE_CHECKING:
    from datetime import tzinfo

    from marginwatch.core.model import Value
    from marginwatch.core.result import Difference

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_PLACES = {Unit.RATIO: 1, Unit.MONEY: 2}
_PLACES_OF_OTHERS = 8
_MOST_PLACES = 14
UNCHANGED = "unchanged"
_AT = {">": "not above", "<": "not below"}
_LONGEST = Decimal(10**12)
"""Seconds; what is longer reads as this."""


def clean(text: str) -> str:
    """One line without control characters: a venue's words must not break a message's shape."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def clip(text: str, length: int) -> str:
    """At most `length` characters; what was cut shows as an ellipsis."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def sentence(text: str) -> str:
    """With a capital in front and a full stop behind, unless it ends in a question."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}{'' if text.endswith('?') else '.'}"


def moment(at: datetime, now: datetime, tz: tzinfo = UTC) -> str:
    """An absolute time: `14:03:10 UTC`, with its date when that is not today's."""
    local = at.astimezone(tz)
    return f"{_day(local, now)}{local.hour:02}:{local.minute:02}:{local.second:02} {local.tzname()}"


def minute(at: datetime, now: datetime, tz: tzinfo = UTC) -> str:
    """An absolute time without seconds, for where there is little room: `14:03 UTC`."""
    local = at.astimezone(tz)
    return f"{_day(local, now)}{local.hour:02}:{local.minute:02} {local.tzname()}"


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `12 s`, `3 h 5 min`; never negative."""
    left = max(0, int(length.total_seconds()))
    if left == 0:
        return "0 s"
    at = next(index for index, (size, _) in enumerate(_UNITS) if left >= size)
    parts = []
    for size, unit in _UNITS[at : at + 2]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def plural(count: int, noun: str) -> str:
    """`1 venue`, `2 venues`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def iso(at: datetime | None) -> str:
    """ISO 8601 in UTC for machines; empty for None."""
    return "" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def plain(value: Decimal | None) -> str:
    """All digits without exponent or grouping, for machines; empty for None."""
    return "" if value is None else f"{value:f}"


def amount(value: Decimal, unit: Unit, currency: str = "", *, places: int | None = None) -> str:
    """A number as people read it: `92.1%`, `1,234.50 USD`, `15 min`."""
    if unit is Unit.DURATION:
        return span(timedelta(seconds=float(max(Decimal(0), min(value, _LONGEST)))))
    places = _places(unit) if places is None else places
    if unit is Unit.RATIO:
        return f"{_digits(value * 100, places)}%"
    if unit is Unit.MONEY:
        return f"{_digits(value, places, cents=True)} {currency}".rstrip()
    return _digits(value, places)


def against(value: Decimal, limit: Decimal, unit: Unit, currency: str = "", operator: str = "") -> tuple[str, str, str]:
    """The value, the limit and how far apart they are, with enough digits that the three agree.

    The third reads `2.1 points above`, `400 USD below` or `exactly at`; where that does not satisfy the `operator`,
    `not above` or `not below`.
    """
    places = _telling_places(value, limit, unit)
    texts = amount(value, unit, currency, places=places), amount(limit, unit, currency, places=places)
    if value == limit:
        return (*texts, _AT.get(operator, "exactly at"))
    gap = amount(abs(value - limit), unit, currency, places=places)
    gap = points(gap) if unit is Unit.RATIO else gap
    return (*texts, f"{gap} {'above' if value > limit else 'below'}")


def points(share: str) -> str:
    """How far two ratios are apart, given as `2.1%`: `1 point`, `2.1 points`."""
    number = share.removesuffix("%")
    return f"{number} point" if number == "1" else f"{number} points"


def moved(value: Decimal, before: Decimal, unit: Unit, currency: str = "") -> str:
    """How a value went since then: `up 7 points from 85.1%`, `down 400 USD from 5,000 USD`, `unchanged`."""
    if value == before:
        return UNCHANGED
    _, then, gap = against(value, before, unit, currency)
    way = "up" if value > before else "down"
    return f"{way} {gap.rpartition(' ')[0]} from {then}"


def value_of(value: Value, now: datetime, tz: tzinfo = UTC) -> str:
    """Any field's value in words; the venue's own spelling where it is text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return amount(value, Unit.QUANTITY)
    if isinstance(value, datetime):
        return moment(value, now, tz)
    if isinstance(value, frozenset):
        return ", ".join(clean(word) for word in sorted(value)) or "none"
    return clean(value) or '""'


def difference(change: Difference, now: datetime, tz: tzinfo = UTC) -> str:
    """One change in words: `trading_status: OPEN -> CLOSE_ONLY`, `permissions: trade removed`."""
    name = clean(change.field)
    if isinstance(change.before, frozenset) and isinstance(change.after, frozenset):
        removed = [f"{clean(word)} removed" for word in sorted(change.before - change.after)]
        added = [f"{clean(word)} added" for word in sorted(change.after - change.before)]
        return f"{name}: {', '.join(removed + added)}"
    return f"{name}: {value_of(change.before, now, tz)} -> {value_of(change.after, now, tz)}"


def _day(local: datetime, now: datetime) -> str:
    """The day before a time that is not today's."""
    day = local.date()
    return "" if day == now.astimezone(local.tzinfo).date() else f"{day} "


def _places(unit: Unit) -> int:
    return _PLACES.get(unit, _PLACES_OF_OTHERS)


def _digits(value: Decimal, places: int, *, cents: bool = False) -> str:
    whole, _, fraction = f"{value:,.{places}f}".partition(".")
    fraction = fraction.rstrip("0")
    if fraction and cents:
        fraction = fraction.ljust(2, "0")
    text = f"{whole}.{fraction}" if fraction else whole
    return "0" if text == "-0" else text


def _telling_places(value: Decimal, limit: Decimal, unit: Unit) -> int:
    """The fewest decimals at which a value that differs from the limit also looks different."""
    places = _places(unit)
    while (
        value != limit
        and places < _MOST_PLACES
        and amount(value, unit, places=places) == amount(limit, unit, places=places)
    ):
        places += 1
    return places
