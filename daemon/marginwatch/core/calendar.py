"""Trading sessions: when one opens and closes, on which days, in which zone. Pure: a zone is given, never looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import tzinfo

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""As written in a config; the place is `date.weekday()`."""

LONGEST: Final = timedelta(days=31)
"""No window of time is longer; nor is one that began with a session, were it the last one for ever."""

_DAY: Final = timedelta(days=1)


def wall(zone: tzinfo, day: date, clock: timedelta) -> datetime:
    """When the clock on a wall in the zone shows that much since the midnight that begins the day, in UTC.

    A time that a change of the clocks leaves out counts by the clock before the change; of one that occurs twice the
    first is meant.
    """
    days, rest = divmod(clock, _DAY)
    midnight = datetime.combine(day + days * _DAY, time(), tzinfo=zone)
    return (midnight + rest).astimezone(UTC)  # adding to an aware time moves the clock on the wall


@dataclass(frozen=True, slots=True)
class Session:
    """One session, times aware in UTC."""

    day: date
    """The day it belongs to: the one it closes on."""
    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Hours:
    """When a calendar's sessions are, as people write it; the same for every zone."""

    zone: str
    """IANA name."""
    opens: timedelta
    """Wall clock since midnight. Not before `closes`: on the day before the one the session belongs to."""
    closes: timedelta
    """Wall clock since midnight, up to 24 h."""
    days: frozenset[int]
    """Weekdays that sessions close on, as `date.weekday()` counts them."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar of sessions.

    A time of the wall clock that a change of the clocks leaves out counts by the clock before the change; of one that
    occurs twice the first is meant.
    """

    name: str
    zone: tzinfo
    hours: Hours
    holidays: frozenset[date] = frozenset()
    """Days without a session."""
    early_closes: Mapping[date, timedelta] = field(default_factory=dict)
    """Wall clock since midnight at which the session of that day closes instead."""

    def session(self, day: date) -> Session | None:
        """The session that belongs to the day; None when there is none."""
        hours = self.hours
        if day.weekday() not in hours.days or day in self.holidays:
            return None
        first = day if hours.opens < hours.closes else day - _DAY
        closes = self.early_closes.get(day, hours.closes)
        return Session(day, wall(self.zone, first, hours.opens), wall(self.zone, day, closes))

    def at(self, now: datetime) -> Session | None:
        """The session that contains `now`, else the last one before; None when none was in `LONGEST`."""
        return next((session for session in self._around(now, -1) if session.opens <= now), None)

    def after(self, now: datetime) -> Session | None:
        """The next session to open after `now`; None when none does within `LONGEST`."""
        return next((session for session in self._around(now, 1) if session.opens > now), None)

    def _around(self, now: datetime, step: int) -> Iterator[Session]:
        """Sessions near `now`, forwards or backwards, from one on the other side of it."""
        today = now.astimezone(self.zone).date()
        for distance in range(-2, LONGEST.days + 1):
            session = self.session(today + step * distance * _DAY)
            if session is not None:
                yield session


class Sessions:
    """Looks up when the session of a calendar opened, remembering the answer until the next one opens."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self._opened = datetime.max.replace(tzinfo=UTC)
        self._until = datetime.min.replace(tzinfo=UTC)

    def opened(self, now: datetime) -> datetime:
        """When the session opened that contains `now`, or the last one before; at most `LONGEST` ago."""
        if not self._opened <= now < self._until:
            last, following = self.calendar.at(now), self.calendar.after(now)
            self._opened = now - LONGEST if last is None else last.opens
            self._until = now if last is None else now + _DAY if following is None else following.opens
        return max(self._opened, now - LONGEST)


def _clock(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _hours(zone: str, opens: str, closes: str, days: int) -> Hours:
    return Hours(zone, _clock(opens), _clock(closes), frozenset(range(days)))


BUILT_IN: Final[Mapping[str, Hours]] = {
    "us-futures": _hours("America/Chicago", "17:00", "16:00", 5),
    "us-equities": _hours("America/New_York", "09:30", "16:00", 5),
    "fx": _hours("America/New_York", "17:00", "17:00", 5),
    "always": _hours("UTC", "00:00", "24:00", 7),
}
"""Calendars that need no config. They have no holidays: a list of them would be out of date within a year."""


def built_in(zone_of: Callable[[str], tzinfo]) -> dict[str, Calendar]:
    """The calendars by name, their zones as `zone_of` finds them."""
    return {name: Calendar(name, zone_of(hours.zone), hours) for name, hours in BUILT_IN.items()}
