"""The course of one number as a drawing: where lines, levels, spells and gaps go in a box. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.notify.words import amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from marginwatch.core.fields import Unit
    from marginwatch.web.levels import Limit

WIDTH, HEIGHT = 760, 260
LEFT, RIGHT, TOP, BOTTOM = 84, 12, 12, 26
_COLUMNS: Final = 340
"""Places along the line; of several values in one the lowest and highest are shaded."""
_FAR: Final = 1.5
"""A level farther from the values than so many times their range is not worth the room it takes."""
_LINES: Final = 4
_STEPS: Final = tuple(
    timedelta(**each)
    for each in (
        {"seconds": 10},
        {"seconds": 30},
        {"minutes": 1},
        {"minutes": 5},
        {"minutes": 15},
        {"hours": 1},
        {"hours": 3},
        {"hours": 6},
        {"days": 1},
        {"days": 5},
    )
)
_MOST_TIMES: Final = 7


@dataclass(frozen=True, slots=True)
class Spell:
    """A span of time that is shaded."""

    since: datetime
    until: datetime
    kind: str
    """A severity, or `gap`."""
    label: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be drawn."""

    points: Sequence[tuple[datetime, Decimal | None]]
    since: datetime
    until: datetime
    unit: Unit
    currency: str
    limits: Sequence[Limit] = ()
    spells: Sequence[Spell] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """A line or a shade across the box, with what stands beside it."""

    at: float
    size: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything in place, in units of the box."""

    course: tuple[str, ...]
    """`points` of polylines; a new one begins behind each gap."""
    bands: tuple[str, ...]
    """`points` of polygons."""
    values: tuple[Mark, ...]
    times: tuple[Mark, ...]
    limits: tuple[Mark, ...]
    spells: tuple[Mark, ...]
    summary: str
    """In words, for who cannot see it."""
    empty: bool


@dataclass(frozen=True, slots=True)
class _Column:
    """The values in one place along the line; None where nothing is known."""

    low: float
    high: float
    last: float


def draw(subject: Subject) -> Chart:
    """Put it in place."""
    columns = _columns(subject)
    known = [column for column in columns if column is not None]
    if not known:
        return Chart((), (), (), (), (), (), "nothing was stored of it in this time", empty=True)
    low, high = _range(known, subject.limits)
    scale = _Scale(low, high, subject.since, subject.until)
    runs = list(_runs(columns))
    return Chart(
        course=tuple(_course(run, scale) for run in runs),
        bands=tuple(_band(run, scale) for run in runs if any(column.low < column.high for _, column in run)),
        values=tuple(_value_lines(scale, subject)),
        times=tuple(_time_lines(scale)),
        limits=tuple(
            Mark(scale.y(float(limit.value)), 0, limit.severity.label, _level(limit, subject))
            for limit in subject.limits
            if low <= float(limit.value) <= high
        ),
        spells=tuple(_spells(scale, subject)),
        summary=_summary(known, subject),
        empty=False,
    )


class _Scale:
    """From values and times to places in the box."""

    def __init__(self, low: float, high: float, since: datetime, until: datetime) -> None:
        self.low, self.high = low, high
        self.since, self.until = since, until
        self._length = max((until - since).total_seconds(), 1.0)

    def y(self, value: float) -> float:
        """How far down."""
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (self.high - value) / (self.high - self.low), 1)

    def x(self, at: datetime) -> float:
        """How far right, inside the box."""
        part = (at - self.since).total_seconds() / self._length
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, part)), 1)

    def column(self, place: int) -> float:
        """How far right a column is."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (place + 1) / _COLUMNS, 1)


def _columns(subject: Subject) -> list[_Column | None]:
    """A value holds until the next one comes."""
    length = max((subject.until - subject.since).total_seconds(), 1.0)
    inside: list[list[float | None]] = [[] for _ in range(_COLUMNS)]
    now: float | None = None
    for at, value in subject.points:
        number = None if value is None else float(value)
        place = math.floor((at - subject.since).total_seconds() / length * _COLUMNS)
        if place < 0:
            now = number
        else:
            inside[min(place, _COLUMNS - 1)].append(number)
    found: list[_Column | None] = []
    for values in inside:
        here = [now, *values] if values else [now]
        numbers = [value for value in here if value is not None]
        now = here[-1]
        found.append(None if now is None else _Column(min(numbers), max(numbers), now))
    return found


def _runs(columns: Sequence[_Column | None]) -> Iterable[list[tuple[int, _Column]]]:
    run: list[tuple[int, _Column]] = []
    for place, column in enumerate(columns):
        if column is not None:
            run.append((place, column))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _range(known: Sequence[_Column], limits: Sequence[Limit]) -> tuple[float, float]:
    low, high = min(column.low for column in known), max(column.high for column in known)
    reach = _FAR * max(high - low, abs(high) * 0.25)
    near = [float(limit.value) for limit in limits if low - reach <= float(limit.value) <= high + reach]
    low, high = min([low, *near]), max([high, *near])
    room = max((high - low) * 0.06, abs(high) * 0.002, 1e-9)
    return low - room, high + room


def _course(run: Sequence[tuple[int, _Column]], scale: _Scale) -> str:
    return " ".join(f"{scale.column(place)},{scale.y(column.last)}" for place, column in run)


def _band(run: Sequence[tuple[int, _Column]], scale: _Scale) -> str:
    above = [f"{scale.column(place)},{scale.y(column.high)}" for place, column in run]
    below = [f"{scale.column(place)},{scale.y(column.low)}" for place, column in reversed(run)]
    return " ".join([*above, *below])


def _value_lines(scale: _Scale, subject: Subject) -> Iterable[Mark]:
    rough = (scale.high - scale.low) / _LINES
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    at = math.ceil(scale.low / step) * step
    while at <= scale.high:
        label = amount(Decimal(f"{at:.10g}"), subject.unit, places=None)
        yield Mark(scale.y(at), 0, "value", label)
        at += step


def _time_lines(scale: _Scale) -> Iterable[Mark]:
    length = scale.until - scale.since
    step = next((each for each in _STEPS if length / each <= _MOST_TIMES), _STEPS[-1])
    midnight = scale.since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * math.ceil((scale.since - midnight) / step)
    form = "%d %b" if step >= timedelta(days=1) else "%H:%M:%S" if step < timedelta(minutes=1) else "%H:%M"
    while at <= scale.until:
        yield Mark(scale.x(at), 0, "time", at.strftime(form))
        at += step


def _spells(scale: _Scale, subject: Subject) -> Iterable[Mark]:
    for spell in subject.spells:
        start, end = scale.x(spell.since), scale.x(spell.until)
        yield Mark(start, max(1.5, round(end - start, 1)), spell.kind, spell.label)


def _level(limit: Limit, subject: Subject) -> str:
    return f"{limit.severity.label} {limit.operator} {amount(limit.value, subject.unit)}"


def _summary(known: Sequence[_Column], subject: Subject) -> str:
    low, high, last = (
        amount(Decimal(f"{value:.10g}"), subject.unit, subject.currency)
        for value in (min(each.low for each in known), max(each.high for each in known), known[-1].last)
    )
    return f"lowest {low}, highest {high}, at the end {last}"
