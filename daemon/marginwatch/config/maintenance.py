"""`[[maintenance]]`: planned times, once or again and again, in which nobody is told of certain alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic import field_validator as validates

from marginwatch.config.calendars import Clock, Weekday, Zone  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.durations import Duration, format_duration
from marginwatch.config.keys import Globs, Name, Table, wrong
from marginwatch.config.quiet import endless
from marginwatch.core.calendar import wall
from marginwatch.core.hours import EVERY_DAY, Span, WeekHours
from marginwatch.core.maintenance import Maintenance, Maintenances, Once
from marginwatch.core.rule import Selector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationInfo

    from marginwatch.core.groups import Groups
    from marginwatch.core.labels import Labels
    from marginwatch.core.maintenance import When

_DAY = timedelta(days=1)
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=6)


def _local(value: object) -> datetime:
    """A time on the wall, also as it stands once it is read."""
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and ":" in value else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        what = 'must be a local time; write it like "2026-12-24 18:00"'
        raise wrong(what)
    return found


LocalTime = Annotated[
    datetime,
    BeforeValidator(_local),
    PlainSerializer(lambda at: at.isoformat(" ", "minutes")),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?$"}),
]
"""A time on the wall of a zone, `"2026-12-24 18:00"`."""


class MaintenanceSettings(Table):
    """One `[[maintenance]]`: once from `begins` to `ends`, or on `days` from `at` for `lasts` or `until`."""

    name: Name
    """Yours, unique. `status` and `explain` name it."""
    zone: Zone
    """IANA name of the time zone of all times here."""
    note: str = ""
    """What it is for."""
    begins: LocalTime | None = None
    """Of one that is once."""
    ends: LocalTime | None = Field(default=None, validate_default=True)
    """When it is over for good."""
    days: tuple[Weekday, ...] = ()
    """Of one that comes again: those it begins on; left out, every day."""
    at: Clock | None = Field(default=None, validate_default=True)
    """The time of day it begins."""
    lasts: Duration | None = None
    """How long it goes on, whatever the clocks do."""
    until: Clock | None = Field(default=None, validate_default=True)
    """The time of day it ends, in place of `lasts`; not after `at`: on the next day."""
    venues: Globs = ()
    """Globs on venue names; of a venue that is named its own alerts wait, too."""
    accounts: Globs = ()
    """Globs on account id or name."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Accounts that have all of these, see [[accounts]]."""
    groups: Globs = ()
    """Accounts of one of these groups, and the groups themselves."""
    rules: Globs = ()
    """Globs on rule ids."""

    @validates("ends")
    @classmethod
    def _after_it_begins(cls, ends: datetime | None, info: ValidationInfo) -> datetime | None:
        begins = info.data.get("begins")
        if "begins" in info.data and (begins is None) != (ends is None):
            raise wrong("is missing; `begins` needs it" if ends is None else "needs `begins`")
        if begins is not None and ends is not None and ends <= begins:
            what = "must be later than `begins`"
            raise wrong(what)
        return ends

    @validates("days")
    @classmethod
    def _of_one_that_comes_again(cls, days: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        if days and info.data.get("begins") is not None:
            what = "goes with `at`; a window that is once has none"
            raise wrong(what)
        return days

    @validates("at")
    @classmethod
    def _once_or_again(cls, at: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if not {"begins", "ends"} <= info.data.keys():
            return at
        once = info.data["begins"] is not None
        if once and at is not None:
            what = "cannot stand beside `begins`; write two windows"
            raise wrong(what)
        if not once and at is None:
            what = "is missing; a window that comes again has it, and one that is once has `begins` and `ends`"
            raise wrong(what)
        return at

    @validates("lasts")
    @classmethod
    def _not_for_ever(cls, lasts: timedelta | None, info: ValidationInfo) -> timedelta | None:
        if lasts is not None and not info.data.get("at") and info.data.get("begins") is not None:
            what = "goes with `at`; a window that is once has `ends`"
            raise wrong(what)
        if lasts is not None and not _SHORTEST <= lasts <= _LONGEST:
            what = f"must be from {format_duration(_SHORTEST)} to {format_duration(_LONGEST)}"
            raise wrong(what)
        if lasts is not None:
            _refuse_endless(info, lasts, None)
        return lasts

    @validates("until")
    @classmethod
    def _one_end(cls, until: timedelta | None, info: ValidationInfo) -> timedelta | None:
        at, lasts = info.data.get("at"), info.data.get("lasts")
        if at is None or "lasts" not in info.data:
            if until is not None and info.data.get("begins") is not None:
                what = "goes with `at`; a window that is once has `ends`"
                raise wrong(what)
            return until
        if (until is None) == (lasts is None):
            what = "is missing, and so is `lasts`; give one of them"
            raise wrong(what if until is None else "cannot stand beside `lasts`; leave one of them out")
        if until == at:
            what = "is the same time as `at`"
            raise wrong(what)
        if until is not None:
            _refuse_endless(info, None, until)
        return until


def maintenance_of(tables: Iterable[MaintenanceSettings], labels: Labels, groups: Groups) -> Maintenances:
    """The windows, in the order of the file, which does not matter."""
    return Maintenances((_window(table) for table in tables), labels, groups)


def over_since(table: MaintenanceSettings, now: datetime) -> datetime | None:
    """When a window that is once was over, in UTC; None before that, and for one that comes again."""
    when = _when(table)
    return when.last if isinstance(when, Once) and when.last <= now else None


def _refuse_endless(info: ValidationInfo, lasts: timedelta | None, until: timedelta | None) -> None:
    zone, days, at = (info.data.get(key) for key in ("zone", "days", "at"))
    if zone is not None and days is not None and at is not None and endless(_weekly(zone, days, at, lasts, until)):
        what = "leaves no time in which messages go out"
        raise wrong(what)


def _window(table: MaintenanceSettings) -> Maintenance:
    selector = Selector(table.venues, table.accounts, table.labels, table.groups)
    return Maintenance(table.name, _when(table), selector, table.rules, table.note)


def _when(table: MaintenanceSettings) -> When:
    if table.at is not None:
        return _weekly(table.zone, table.days, table.at, table.lasts, table.until)
    assert table.begins is not None, "what is missing was refused"
    assert table.ends is not None, "what is missing was refused"
    return Once(*(_in_utc(table.zone, at) for at in (table.begins, table.ends)))


def _weekly(
    zone: str, days: tuple[int, ...], at: timedelta, lasts: timedelta | None, until: timedelta | None
) -> WeekHours:
    if until is not None and until <= at:
        until += _DAY
    return WeekHours(ZoneInfo(zone), (Span(frozenset(days) or EVERY_DAY, at, until, lasts),))


def _in_utc(zone: str, at: datetime) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return wall(ZoneInfo(zone), at.date(), at - midnight).astimezone(UTC)
