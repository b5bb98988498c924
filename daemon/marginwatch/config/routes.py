"""`[[routes]]` and the `fallback` of receivers: who is told of what, within which hours, and who else if need be."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field
from pydantic import field_validator as validates

from marginwatch.config.calendars import Zone  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.durations import Duration, format_duration
from marginwatch.config.keys import Glob, Globs, Name, Table, wrong
from marginwatch.config.severities import SeverityName  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.core.hours import HoursError, parse_hours
from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from pydantic import ValidationInfo


def _hours(text: str) -> str:
    try:
        parse_hours(text)
    except HoursError as error:
        what = f"cannot be read: {error}"
        raise wrong(what) from None
    return text


def _named(receivers: tuple[str, ...]) -> tuple[str, ...]:
    if not receivers:
        what = "must name at least one receiver"
        raise wrong(what)
    return receivers


WeekText = Annotated[str, AfterValidator(_hours)]
"""Hours of the week as people write them: `Mon-Fri 08:00-18:00, Sat 10:00-14:00`."""
Receivers = Annotated[tuple[Glob, ...], AfterValidator(_named), Field(json_schema_extra={"minItems": 1})]


class RungSettings(Table):
    """One step of a route's `escalate`."""

    after: Duration
    """Nobody acknowledged for so long since the alert was told."""
    receivers: Receivers
    """Who is called then, whatever their hours and their `min_severity`."""

    @validates("after")
    @classmethod
    def _some_time(cls, after: timedelta) -> timedelta:
        if after < timedelta(seconds=1):
            what = "must be at least 1s"
            raise wrong(what)
        return after


class FallbackSettings(Table):
    """A receiver's `fallback`."""

    receivers: Receivers
    """Who hears of everything in its place until it works again."""
    after: Duration = timedelta(minutes=5)
    """It has been failing for so long."""


class RouteSettings(Table):
    """One `[[routes]]`. Alerts go the way of every route that takes them; what no route takes goes to everybody."""

    name: Name
    """Yours, unique. `explain` names it."""
    receivers: Receivers
    """Who is told, each from its own `min_severity` on."""
    severities: tuple[SeverityName, ...] = ()
    """Alerts of these; left out, of every one."""
    min_severity: SeverityName | None = None
    """Alerts of this one and worse, in place of `severities`."""
    venues: Globs = ()
    """Globs on venue names."""
    accounts: Globs = ()
    """Globs on account id or name."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Accounts that have all of these, see [[accounts]]."""
    groups: Globs = ()
    """Accounts of one of these groups, and the groups themselves."""
    rules: Globs = ()
    """Globs on rule ids."""
    hours: WeekText | None = None
    """Told within these alone: what is still so is told when they begin. Critical is told at any time if nobody else
    would be."""
    zone: Zone | None = Field(default=None, validate_default=True)
    """IANA name of the time zone of `hours`."""
    calendar: str = Field(default="", validate_default=True)
    """Told while a session of this calendar is open, in place of `hours`."""
    escalate: tuple[RungSettings, ...] = ()
    """Who is called when nobody acknowledges, the soonest first."""

    @validates("min_severity")
    @classmethod
    def _one_choice(cls, least: Severity | None, info: ValidationInfo) -> Severity | None:
        if least is not None and info.data.get("severities"):
            what = "cannot stand beside `severities`; leave one of them out"
            raise wrong(what)
        return least

    @validates("zone", mode="wrap")
    @classmethod
    def _with_hours(cls, zone: Any, check: Any, info: ValidationInfo) -> Any:  # noqa: ANN401  (a zone or nothing)
        if "hours" not in info.data:
            return None
        if (zone is None) != (info.data["hours"] is None):
            missing = 'is missing; `hours` needs it, for example "Europe/London"'
            raise wrong(missing if zone is None else "needs `hours`")
        return None if zone is None else check(zone)

    @validates("calendar")
    @classmethod
    def _one_clock(cls, calendar: str, info: ValidationInfo) -> str:
        if calendar and info.data.get("hours"):
            what = "cannot stand beside `hours`; leave one of them out, or write two routes"
            raise wrong(what)
        return calendar

    @validates("escalate")
    @classmethod
    def _upwards(cls, escalate: tuple[RungSettings, ...], info: ValidationInfo) -> tuple[RungSettings, ...]:
        called, before = set(info.data.get("receivers", ())), timedelta(0)
        for rung in escalate:
            if rung.after <= before:
                what = f"goes back to {format_duration(rung.after)} after {format_duration(before)}"
                what += "; each step comes later than the one before"
                raise wrong(what)
            if called.issuperset(rung.receivers):
                what = f"calls nobody new after {format_duration(rung.after)}; name somebody else, or drop the step"
                raise wrong(what)
            before = rung.after
            called.update(rung.receivers)
        return escalate

    @property
    def taken(self) -> frozenset[Severity]:
        """The severities of alerts that take it."""
        if self.min_severity is not None:
            return frozenset(each for each in Severity if each >= self.min_severity)
        return frozenset(self.severities or Severity)
