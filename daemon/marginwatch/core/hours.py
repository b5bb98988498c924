"""Hours of the week on the wall of a zone: is it inside now, when do they begin and end. Pure: a zone is given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.core.calendar import WEEKDAYS, wall
from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
EVERY_DAY: Final = frozenset(range(len(WEEKDAYS)))
_SHORTEST_RUN: Final = 3
"""Days in a row that are written as first and last; two are written as a list."""

_TIMES = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})", re.ASCII)
_DAYS = re.compile(r"([a-z]+)(?:\s*-\s*([a-z]+))?", re.ASCII | re.IGNORECASE)
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class HoursError(MarginwatchError):
    """A text that is to say hours of the week and does not; behind a semicolon stands what to do."""

    def __init__(self, what: str) -> None:
        super().__init__(f'{what}; write them like "Mon-Fri 08:00-18:00, Sat 10:00-14:00" or "22:00-07:00"')


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time that comes again on certain days of the week."""

    days: frozenset[int]
    """Those it begins on, as `date.weekday()` counts them."""
    begins: timedelta
    """Wall clock since midnight."""
    ends: timedelta | None
    """Wall clock since the midnight before it begins: more than 24 h for one that ends on a later day. None: `lasts`
    says it."""
    lasts: timedelta | None = None
    """How long it goes on, whatever the clock on the wall does meanwhile."""

    @property
    def longest(self) -> timedelta:
        """Between the midnight before it begins and its end, changes of the clocks aside."""
        return self.ends if self.ends is not None else self.begins + (self.lasts or timedelta())


@dataclass(frozen=True, slots=True)
class WeekHours:
    """Hours of the week in a zone. Spans that touch or overlap are one stretch.

    A time of the wall clock that a change of the clocks leaves out counts by the clock before the change; of one that
    occurs twice the first is meant. A span that would vanish so is as long as it is written.
    """

    zone: tzinfo
    spans: tuple[Span, ...]

    def contains(self, now: datetime) -> bool:
        """Whether it is one of the hours."""
        return self.ends(now) is not None

    def ends(self, now: datetime) -> datetime | None:
        """When the stretch ends that contains `now`, in UTC; None outside. Of one without an end, a week from now."""
        end = now
        for begins, ends in sorted(self._around(now)):
            if begins <= end < ends:
                end = ends
        return None if end == now else min(end, now + _WEEK)

    def begins(self, now: datetime) -> datetime | None:
        """When the next stretch begins after `now`, in UTC; None where none does within a week."""
        found = {begins for begins, _ in self._around(now) if begins > now}
        return min((each for each in found if self.ends(each - timedelta.resolution) is None), default=None)

    def _around(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Every stretch that may contain `now` or begins within the week after it."""
        today = now.astimezone(self.zone).date()
        for span in self.spans:
            back = span.longest // _DAY + 1
            for distance in range(-back, _WEEK.days + 2):
                day = today + distance * _DAY
                if day.weekday() in span.days:
                    begins = wall(self.zone, day, span.begins)
                    ends = begins if span.ends is None else wall(self.zone, day, span.ends)
                    if ends <= begins:
                        ends = begins + span.longest - span.begins
                    yield begins, ends


def parse_hours(text: str, days: frozenset[int] = EVERY_DAY) -> tuple[Span, ...]:
    """Spans from a text like `Mon-Fri 08:00-18:00, Sat, Sun 10:00-14:00`; `days` are those of one that names none.

    An end that is not after its begin is on the next day. Raises `HoursError`.
    """
    spans: list[Span] = []
    named: frozenset[int] = frozenset()
    for item in text.split(","):
        words, times = _parted(item.strip())
        named |= _days(words)
        if times is not None:
            spans.append(Span(named or days, *_clocks(times)))
            named = frozenset()
    if named or not spans:
        what = f'"{text.strip()}" gives days without a time of day' if named else "no hours are given"
        raise HoursError(what)
    return tuple(spans)


def _parted(item: str) -> tuple[str, re.Match[str] | None]:
    times = _TIMES.search(item)
    if times is None:
        return item, None
    if times.end() != len(item):
        what = f'"{item}" goes on behind its time of day'
        raise HoursError(what)
    return item[: times.start()].strip(), times


def _clocks(times: re.Match[str]) -> tuple[timedelta, timedelta]:
    begins, ends = (_clock(*pair) for pair in (times.group(1, 2), times.group(3, 4)))
    if begins in {ends, _DAY}:
        what = f"{times[0]} ends as it begins" if begins == ends else f"{times[0]} begins at 24:00, which is 00:00"
        raise HoursError(what)
    return begins, ends if ends > begins else ends + _DAY


def _clock(hours: str, minutes: str) -> timedelta:
    clock = timedelta(hours=int(hours), minutes=int(minutes))
    if timedelta(minutes=int(minutes)) >= _HOUR or clock > _DAY:
        what = f"{hours}:{minutes} is no time of day"
        raise HoursError(what)
    return clock


def _days(words: str) -> frozenset[int]:
    if not words:
        return frozenset()
    found = _DAYS.fullmatch(words)
    if found is None:
        what = f'"{words}" is neither a day of the week nor hours of a day'
        raise HoursError(what)
    first, last = _day(found[1]), _day(found[2] or found[1])
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def _day(word: str) -> int:
    short, low = [day.lower() for day in WEEKDAYS], word.lower()
    if low not in short and low not in _LONG:
        what = f'"{word}" is no day of the week'
        raise HoursError(what)
    return short.index(low[:3])


def words_of(spans: tuple[Span, ...]) -> str:
    """The spans as people write them, equal for equal ones."""
    return ", ".join(f"{_days_text(span.days)}{_clock_text(span.begins)}{_end_text(span)}" for span in spans)


def _days_text(days: frozenset[int]) -> str:
    if days == EVERY_DAY:
        return ""
    ordered = sorted(days)
    run = len(ordered) >= _SHORTEST_RUN and ordered[-1] - ordered[0] == len(ordered) - 1
    named = f"{WEEKDAYS[ordered[0]]}-{WEEKDAYS[ordered[-1]]}" if run else ", ".join(WEEKDAYS[day] for day in ordered)
    return f"{named} "


def _clock_text(clock: timedelta) -> str:
    hours, minutes = divmod(clock // timedelta(minutes=1), 60)
    return f"{hours:02}:{minutes:02}"


def _end_text(span: Span) -> str:
    if span.ends is None:
        return f" for {_lasting(span.lasts or timedelta())}"
    return f"-{_clock_text(span.ends if span.ends <= _DAY else span.ends - _DAY)}"


def _lasting(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
