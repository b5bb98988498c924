"""A chart of one number over the last hours, as a PNG: its line, its levels, and where it is unknown. Pure.

Drawn twice as large as it is shown and scaled down, so that lines and letters have soft edges. Numbers become floats
here and only here: what is drawn is places on a picture.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from marginwatch.core.fields import Unit
from marginwatch.core.model import Severity
from marginwatch.notify.words import amount, clip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, tzinfo

    from PIL.ImageFont import FreeTypeFont
    from PIL.ImageFont import ImageFont as BitmapFont

WIDTH, HEIGHT = 800, 360
"""Pixels of the picture."""
_SCALE: Final = 2
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 132, 50, 56
"""Pixels around the plot."""
PAPER, INK, FAINT, GRID = "#ffffff", "#24292f", "#57606a", "#e3e8ee"
LINE, SHADE = "#0b5cad", "#e8ecf0"
COLOURS: Final = {Severity.INFO: "#0969da", Severity.WARNING: "#9a6700", Severity.CRITICAL: "#cf222e"}
_STEPS: Final = tuple(
    timedelta(minutes=minutes)
    for minutes in (1 / 6, 1 / 2, 1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)
)
_MOST_TIMES = 7
_LINES = 4
"""About so many horizontal lines."""
_LONGEST_TITLE = 64
_WORD = 16
"""Pixels that a word needs above the next."""
_OUTLIER = 3
"""A value so many times as far from zero as every level is drawn at the edge: it would flatten all the others."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One level."""

    severity: Severity
    limit: Decimal
    operator: str


@dataclass(frozen=True)
class Curve:
    """What is drawn."""

    title: str
    points: Sequence[tuple[datetime, Decimal]]
    """In the order of time; at least one."""
    gaps: Sequence[tuple[datetime, datetime]]
    """From when until when nothing was known."""
    marks: Sequence[Mark]
    since: datetime
    until: datetime
    unit: Unit = Unit.QUANTITY
    currency: str = ""
    tz: tzinfo = UTC

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The least and the greatest value that has a place, with some air around."""
        limits = [float(mark.limit) for mark in self.marks]
        values = [float(value) for _, value in self.points]
        if limits:
            far = _OUTLIER * max(map(abs, limits))
            values = [max(-far, min(value, far)) for value in values] if far else values
        least, most = min(values + limits), max(values + limits)
        air = (most - least) * 0.1 or abs(most) * 0.1 or 1.0
        return least - air, most + air

    def place(self, at: datetime, value: Decimal | float) -> tuple[float, float]:
        """Where a value at a time is, in pixels from the upper left corner; never outside of the plot."""
        least, most = self.bounds
        across = (at - self.since) / (self.until - self.since)
        up = (float(value) - least) / (most - least)
        width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
        return _LEFT + min(max(across, 0.0), 1.0) * width, _TOP + (1 - min(max(up, 0.0), 1.0)) * height


def draw(curve: Curve) -> bytes:
    """The PNG."""
    image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), PAPER)
    sheet = _Sheet(curve, ImageDraw.Draw(image))
    sheet.gaps()
    sheet.grid()
    sheet.times()
    sheet.levels()
    sheet.line()
    sheet.words()
    made = io.BytesIO()
    image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(made, "PNG", optimize=False, compress_level=6)
    return made.getvalue()


class _Sheet:
    """The picture while it is drawn."""

    def __init__(self, curve: Curve, pen: ImageDraw.ImageDraw) -> None:
        self._curve = curve
        self._pen = pen

    def gaps(self) -> None:
        """Shade where nothing is known."""
        for since, until in self._curve.gaps:
            left, right = self._across(since), self._across(until)
            if right - left < 1:
                continue
            self._pen.rectangle(_scaled(left, _TOP, right, HEIGHT - _BOTTOM), fill=SHADE)
            if right - left > self._width("unknown", 12) + 6:
                self._text(((left + right) / 2, HEIGHT - _BOTTOM - 6), "unknown", 12, FAINT, "ms")

    def grid(self) -> None:
        """Draw a line for each round value, with the value beside it."""
        least, most = self._curve.bounds
        for value in _round_values(least, most):
            y = self._curve.place(self._curve.since, value)[1]
            self._pen.line(_scaled(_LEFT, y, WIDTH - _RIGHT, y), fill=GRID, width=_SCALE)
            self._text((_LEFT - 8, y), _label(value, self._curve.unit), 13, FAINT, "rm")

    def times(self) -> None:
        """Draw a tick for each round time, with the time below it."""
        for at in _round_times(self._curve):
            x = self._across(at)
            self._pen.line(_scaled(x, HEIGHT - _BOTTOM, x, HEIGHT - _BOTTOM + 5), fill=FAINT, width=_SCALE)
            self._text((x, HEIGHT - _BOTTOM + 10), _time(at), 13, FAINT, "mt")
        self._pen.line(_scaled(_LEFT, HEIGHT - _BOTTOM, WIDTH - _RIGHT, HEIGHT - _BOTTOM), fill=FAINT, width=_SCALE)

    def levels(self) -> None:
        """Draw a broken line for each level, named at its end."""
        taken: list[float] = []
        for mark in self._curve.marks:
            y = self._curve.place(self._curve.since, mark.limit)[1]
            for x in range(_LEFT, WIDTH - _RIGHT, 12):
                self._pen.line(
                    _scaled(x, y, min(x + 7, WIDTH - _RIGHT), y), fill=COLOURS[mark.severity], width=2 * _SCALE
                )
            beside = _apart(y, taken)
            said = f"{mark.severity.label} {mark.operator} {amount(mark.limit, self._curve.unit)}"
            self._text((WIDTH - _RIGHT + 8, beside), said, 13, COLOURS[mark.severity], "lm")

    def line(self) -> None:
        """Draw the values, broken where nothing is known between two of them, and a dot at the last."""
        for stretch in _stretches(self._curve):
            places = [_point(*place) for place in _thinned([self._curve.place(*each) for each in stretch])]
            if len(places) > 1:
                self._pen.line(places, fill=LINE, width=round(2.5 * _SCALE), joint="curve")
            self._dot(*self._curve.place(*stretch[0]), 1.25)
        self._dot(*self._curve.place(*self._curve.points[-1]), 4)

    def words(self) -> None:
        """Say what it is, how much it is, and of when."""
        last = self._curve.points[-1]
        told = amount(last[1], self._curve.unit, self._curve.currency)
        self._text((16, 24), clip(self._curve.title, _LONGEST_TITLE), 17, INK, "lm")
        self._text((WIDTH - 16, 24), told, 17, LINE, "rm")
        self._text((WIDTH - 16, HEIGHT - 10), _until(self._curve), 13, FAINT, "rs")

    def _across(self, at: datetime) -> float:
        return self._curve.place(at, 0)[0]

    def _dot(self, x: float, y: float, radius: float) -> None:
        self._pen.ellipse(_scaled(x - radius, y - radius, x + radius, y + radius), fill=LINE)

    def _text(self, place: tuple[float, float], text: str, size: int, colour: str, anchor: str) -> None:
        self._pen.text(_point(*place), text, fill=colour, font=_font(size), anchor=anchor)

    def _width(self, text: str, size: int) -> float:
        return self._pen.textlength(text, font=_font(size)) / _SCALE


def _scaled(*places: float) -> tuple[float, ...]:
    return tuple(place * _SCALE for place in places)


def _point(x: float, y: float) -> tuple[float, float]:
    return x * _SCALE, y * _SCALE


@lru_cache(maxsize=8)
def _font(size: int) -> FreeTypeFont | BitmapFont:
    return ImageFont.load_default(size * _SCALE)


def _round_values(least: float, most: float) -> Iterator[float]:
    """Values to draw a line for."""
    rough = (most - least) / _LINES
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough * 0.999)
    for number in range(math.ceil(least / step), math.floor(most / step) + 1):
        yield number * step


def _label(value: float, unit: Unit) -> str:
    return amount(Decimal(f"{value:.12g}"), unit)


def _round_times(curve: Curve) -> Iterator[datetime]:
    """Times to draw a tick for, in the reader's zone."""
    length = curve.until - curve.since
    step = next((each for each in _STEPS if length / each <= _MOST_TIMES), _STEPS[-1])
    since = curve.since.astimezone(curve.tz)
    at = since.replace(hour=0, minute=0, second=0, microsecond=0)
    at += math.ceil((since - at) / step) * step
    while at <= curve.until:
        yield at
        at += step


def _time(at: datetime) -> str:
    """The day where one begins, and seconds only where there are some."""
    if (at.hour, at.minute, at.second) == (0, 0, 0):
        return at.strftime("%m-%d")
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")


def _apart(y: float, taken: list[float]) -> float:
    """A height near `y` at which a word hides no other."""
    while any(abs(y - other) < _WORD for other in taken):
        y -= 4
    taken.append(y)
    return y


def _stretches(curve: Curve) -> Iterator[list[tuple[datetime, Decimal]]]:
    """The points between one gap and the next."""
    stretch = [curve.points[0]]
    for before, after in pairwise(curve.points):
        if any(since < after[0] and until > before[0] for since, until in curve.gaps):
            yield stretch
            stretch = []
        stretch.append(after)
    yield stretch


def _thinned(places: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """As few places as look the same: of those in one column of pixels the first, the lowest, the highest, the last."""
    for _, column in groupby(places, key=lambda place: int(place[0])):
        each = list(column)
        ends = {0, len(each) - 1, *(pick(range(len(each)), key=lambda at: each[at][1]) for pick in (min, max))}
        yield from (each[at] for at in sorted(ends))


def _until(curve: Curve) -> str:
    return curve.until.astimezone(curve.tz).strftime("%Y-%m-%d %H:%M %Z")
