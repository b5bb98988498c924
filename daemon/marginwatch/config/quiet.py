"""`quiet` in `[[receivers]]`: hours in which a receiver is told of nothing that can wait."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pydantic import field_validator as validates

from marginwatch.config.calendars import Weekday, Zone  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.keys import Table, wrong
from marginwatch.config.routes import WeekText  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.severities import SeverityName  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.core.hours import EVERY_DAY, WeekHours, parse_hours
from marginwatch.core.model import Severity
from marginwatch.core.quiet import Quiet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationInfo

    from marginwatch.config.settings import ReceiverSettings

_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class QuietSettings(Table):
    """One `quiet` table."""

    zone: Zone
    """IANA name of the time zone of `hours`."""
    days: tuple[Weekday, ...] = ()
    """Those the hours begin on, where `hours` names none; left out, every day."""
    hours: WeekText
    """Told at their end: what is still so by then, what ended if its beginning was told, and every event."""
    below: SeverityName = Severity.CRITICAL
    """What is milder waits; this and worse is told at once."""

    @validates("hours")
    @classmethod
    def _with_an_end(cls, hours: str, info: ValidationInfo) -> str:
        if "zone" in info.data and "days" in info.data and endless(_week(hours, info.data["days"], info.data["zone"])):
            what = "leaves no time in which messages go out; for none at all choose another `min_severity`"
            raise wrong(what)
        return hours

    @validates("below")
    @classmethod
    def _above_something(cls, below: Severity) -> Severity:
        if below is Severity.INFO:
            what = 'must be "warning" or "critical"; nothing is milder than info'
            raise wrong(what)
        return below


def endless(hours: WeekHours) -> bool:
    """Whether they never end."""
    return hours.begins(_SOME_DAY) is None


def quiet_of(receivers: Iterable[ReceiverSettings]) -> dict[str, Quiet]:
    """The quiet hours by receiver."""
    return {
        each.name: Quiet(_week(each.quiet.hours, each.quiet.days, each.quiet.zone), each.quiet.below)
        for each in receivers
        if each.quiet is not None
    }


def _week(hours: str, days: tuple[int, ...], zone: str) -> WeekHours:
    return WeekHours(ZoneInfo(zone), parse_hours(hours, frozenset(days) or EVERY_DAY))
