"""`[[calendars]]`: when sessions are, from text to calendars with zones."""

from __future__ import annotations

import re
from datetime import date, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic import field_validator as validates

from marginwatch.config.keys import Name, Table, wrong
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.calendar import BUILT_IN, WEEKDAYS, Calendar, Hours, built_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import ValidationInfo

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_LONG_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of zones, or no name a zone can have
        hint = _probably(name) or 'write it like "America/Chicago"'
        what = f"must be a time zone; {hint}"
        raise wrong(what) from None
    return name


def _probably(name: str) -> str:
    """By its city alone, or by the whole name."""
    zones = sorted(zone for zone in available_timezones() if ("/" in zone and "Etc/" not in zone) or zone == "UTC")
    cities = {zone.lower().rpartition("/")[2]: zone for zone in reversed(zones)}
    close = get_close_matches(name.strip().replace(" ", "_").lower(), cities, n=1, cutoff=0.8)
    return f"did you mean {cities[close[0]]}?" if close else did_you_mean(name, zones)


def _clock(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        what = 'must be a time of day; write it like "17:00"'
        raise wrong(what)
    return timedelta(hours=int(found[1] or 24), minutes=int(found[2] or 0))


def _clock_text(clock: timedelta) -> str:
    hours, minutes = divmod(clock // timedelta(minutes=1), 60)
    return f"{hours:02}:{minutes:02}"


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        what = 'must be a day; write it like "2026-12-25"'
        raise wrong(what) from None


def _weekday(value: object) -> int:
    """Also by its number, as it stands once it is read."""
    word = value.lower() if isinstance(value, str) else ""
    short = [day.lower() for day in WEEKDAYS]
    if word in short or word in _LONG_DAYS:
        return short.index(word[:3])
    if isinstance(value, int) and value in range(len(WEEKDAYS)):
        return value
    what = f"must hold days of the week; they are {', '.join(WEEKDAYS)}"
    raise wrong(what)


Zone = Annotated[str, AfterValidator(_zone)]
"""The IANA name of a time zone."""
Clock = Annotated[
    timedelta,
    BeforeValidator(_clock),
    PlainSerializer(_clock_text),
    WithJsonSchema({"type": "string", "pattern": "^(?:(?:[01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)$"}),
]
"""A time of day on the wall, `"17:00"` up to `"24:00"`, as the time since midnight."""
Day = Annotated[
    date, BeforeValidator(_day), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
]
Weekday = Annotated[
    int,
    BeforeValidator(_weekday),
    PlainSerializer(WEEKDAYS.__getitem__),
    WithJsonSchema({"enum": [*WEEKDAYS, *(day.capitalize() for day in _LONG_DAYS)]}),
]


class CalendarSettings(Table):
    """One `[[calendars]]`. One of a built-in name has that one's hours where it gives none."""

    name: Name
    """What venues call it by; that of a built-in one changes it."""
    zone: Zone | None = Field(default=None, validate_default=True)
    """IANA name."""
    open: Clock | None = Field(default=None, validate_default=True)
    """Not before `close`: on the day before."""
    close: Clock | None = Field(default=None, validate_default=True)
    """When sessions end, in the zone's time."""
    days: tuple[Weekday, ...] | None = Field(default=None, validate_default=True)
    """Those that sessions close on."""
    holidays: tuple[Day, ...] = ()
    """Days without a session."""
    early_closes: dict[Day, Clock] = Field(default_factory=dict)
    """By day, when its session closes instead."""

    @validates("zone", "open", "close", "days", mode="wrap")
    @classmethod
    def _there(cls, value: Any, check: Any, info: ValidationInfo) -> Any:  # noqa: ANN401  (it stands before keys of several types)
        if value is not None:
            return check(value)
        name = info.data.get("name")
        if name is not None and name not in BUILT_IN:
            what = f"is missing; only those that are built in need it not: {', '.join(BUILT_IN)}"
            raise wrong(what)
        return None

    @validates("close")
    @classmethod
    def _not_before_the_day(cls, close: timedelta | None) -> timedelta | None:
        if close == timedelta(0):
            what = 'must be later than midnight; for the end of the day write "24:00"'
            raise wrong(what)
        return close

    @validates("days")
    @classmethod
    def _some_day(cls, days: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if days == ():
            what = "must name a day at least"
            raise wrong(what)
        return days

    @validates("early_closes")
    @classmethod
    def _within_their_sessions(cls, closes: dict[date, timedelta], info: ValidationInfo) -> dict[date, timedelta]:
        for day, clock in closes.items():
            if day in info.data.get("holidays", ()):
                what = f"names {day}, which is a holiday"
                raise wrong(what)
            hours = _hours(info.data)
            if hours is not None and hours.opens < hours.closes and not hours.opens < clock < hours.closes:
                what = f"of {day} is not between `open` and `close`"
                raise wrong(what)
        return closes


def calendars_of(tables: Iterable[CalendarSettings]) -> dict[str, Calendar]:
    """Every calendar by name, the built-in ones included."""
    found = built_in(ZoneInfo)
    for table in tables:
        hours = _hours(dict(table))
        assert hours is not None, "what is missing was refused"
        holidays, closes = frozenset(table.holidays), dict(table.early_closes)
        found[table.name] = Calendar(table.name, ZoneInfo(hours.zone), hours, holidays, closes)
    return found


def calendar_names(tables: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Every name there is, the built-in ones included; tables may be written in any way."""
    named = (table.get("name") for table in tables)
    return frozenset(BUILT_IN).union(name for name in named if isinstance(name, str))


def in_words(calendar: Calendar) -> str:
    """All that says when its sessions are, in one text that is equal for equal ones."""
    hours, days = calendar.hours, ", ".join(WEEKDAYS[day] for day in sorted(calendar.hours.days))
    text = f"{calendar.name}: {_clock_text(hours.opens)} to {_clock_text(hours.closes)} {hours.zone} on {days}"
    if calendar.holidays:
        text += f"; none on {', '.join(map(str, sorted(calendar.holidays)))}"
    early = (f"{day} to {_clock_text(closes)}" for day, closes in sorted(calendar.early_closes.items()))
    return "; ".join((text, *early))


def _hours(keys: dict[str, Any]) -> Hours | None:
    """When the sessions are; None where something of it is wrong."""
    known = BUILT_IN.get(keys.get("name", ""))
    inherited: dict[str, Any] = {}
    if known is not None:
        inherited = {"zone": known.zone, "open": known.opens, "close": known.closes, "days": known.days}
    given = {**inherited, **{key: value for key, value in keys.items() if value is not None}}
    if not {"zone", "open", "close", "days"} <= given.keys():
        return None
    return Hours(given["zone"], given["open"], given["close"], frozenset(given["days"]))
