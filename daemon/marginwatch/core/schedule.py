"""Moments that come back every day or every week, by the wall clock of a zone. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marginwatch.core.calendar import WEEKDAYS
from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

_WRITTEN = re.compile(r"(?:([A-Za-z]{3}) )?([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAY = timedelta(days=1)
_WEEK = 7


class ScheduleError(MarginwatchError):
    """The text names no moment of the day or week."""

    def __init__(self) -> None:
        super().__init__(
            f'must be a time like "08:00", or a day and a time like "Mon 08:00"; the days are {", ".join(WEEKDAYS)}'
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """Once a day, or once a week, whatever the clocks do: a time they leave out or repeat counts once."""

    clock: timedelta
    """Since midnight, on the wall."""
    zone: ZoneInfo
    weekday: int | None = None
    """From Monday, 0; None: every day."""

    def latest(self, now: datetime) -> datetime:
        """The last moment that is not later than now."""
        return self._found(now, -1)

    def following(self, now: datetime) -> datetime:
        """The first moment that is later than now."""
        return self._found(now, 1)

    def _found(self, now: datetime, step: int) -> datetime:
        local = now.astimezone(self.zone).date()
        days = (local + step * number * _DAY for number in range(-1, _WEEK + 2))
        moments = (self._moment(day) for day in days if self.weekday in {None, day.weekday()})
        return next(moment for moment in moments if (moment > now) is (step > 0))

    def _moment(self, day: date) -> datetime:
        hours, minutes = divmod(self.clock // timedelta(minutes=1), 60)
        return datetime(day.year, day.month, day.day, hours, minutes, tzinfo=self.zone).astimezone(UTC)


def parse_schedule(text: str) -> tuple[int | None, timedelta]:
    """Weekday, or None for every day, and time of `Mon 08:00` or `08:00`. Raises `ScheduleError`."""
    found = _WRITTEN.fullmatch(text)
    day = None if found is None or found[1] is None else found[1].capitalize()
    if found is None or (day is not None and day not in WEEKDAYS):
        raise ScheduleError
    weekday = None if day is None else WEEKDAYS.index(day)
    return weekday, timedelta(hours=int(found[2]), minutes=int(found[3]))
