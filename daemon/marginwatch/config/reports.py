"""`[[reports]]`: who is told when that marginwatch is alive, and how things stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from marginwatch.config.calendars import Zone  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.keys import Name, Table, wrong
from marginwatch.config.routecheck import names_of
from marginwatch.config.routes import Receivers  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.schedule import Schedule, ScheduleError, parse_schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from marginwatch.config.places import Loc


def _at(text: str) -> str:
    try:
        parse_schedule(text)
    except ScheduleError as error:
        raise wrong(str(error)) from None
    return text


At = Annotated[str, AfterValidator(_at), Field(json_schema_extra={"pattern": "^([A-Za-z]{3} )?[0-9]{1,2}:[0-9]{2}$"})]


class ReportSettings(Table):
    """One `[[reports]]`: a message that says marginwatch is alive, how things stand, and what was sent."""

    name: Name
    """Yours, unique."""
    receivers: Receivers
    """Who gets it, whatever their `min_severity`."""
    at: At
    """`"Mon 08:00"` for once a week, `"08:00"` for every day."""
    zone: Zone = "UTC"
    """IANA name of the zone that `at` is in."""

    @property
    def schedule(self) -> Schedule:
        """When it is due."""
        weekday, clock = parse_schedule(self.at)
        return Schedule(clock, ZoneInfo(self.zone), weekday)


def misreported(
    reports: Sequence[Mapping[str, Any]], receivers: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Loc, str, str]]:
    """Where, what is wrong, and what to do, of reports that name receivers that are none."""
    names = names_of(receivers)
    for number, report in enumerate(reports):
        named = report.get("receivers")
        for place, name in enumerate(named if isinstance(named, list) else ()):
            if isinstance(name, str) and name not in names:
                hint = did_you_mean(name, names) or f"there are {', '.join(sorted(names))}"
                yield ("reports", number, "receivers", place), f"there is no receiver `{name}`", hint
