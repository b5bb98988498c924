"""The recent course of one number in a few dozen points, from seconds to hours: for small lines beside an account."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

MOST = 48
"""Points at most."""
LONGEST = timedelta(hours=6)
"""What is older is dropped."""
_FINEST = timedelta(seconds=1)
_COARSEST = LONGEST / MOST
WIDTH, HEIGHT = 96, 24


class Spark:
    """Points at even distances.

    When there is no room for more, every other goes and the rest stand twice as far apart, until they reach back
    `LONGEST`; from then on the oldest go.
    """

    __slots__ = ("_points", "_step")

    def __init__(self, past: Sequence[tuple[datetime, Decimal]] = ()) -> None:
        """`past` is where it begins, at even distances: what follows stands as far apart."""
        self._points = [(at, float(value)) for at, value in past]
        self._step = _FINEST
        if len(past) > 1:
            apart = (past[-1][0] - past[0][0]) / (len(past) - 1)
            self._step = max(_FINEST, min(apart, _COARSEST))

    def add(self, at: datetime, value: Decimal) -> None:
        """Take a value in, unless the latest point is too near."""
        points = self._points
        if points and at - points[-1][0] < self._step:
            return
        points.append((at, float(value)))
        if len(points) > MOST:
            if self._step < _COARSEST:
                self._points = points[::-2][::-1]
                self._step = min(self._step * 2, _COARSEST)
            else:
                del points[0]
        while self._points[0][0] < at - LONGEST:
            del self._points[0]

    @property
    def since(self) -> datetime | None:
        """When the line begins; None where there is none."""
        return self._points[0][0] if len(self._points) > 1 else None

    def line(self) -> str:
        """The `points` of an SVG polyline in a box of `WIDTH` by `HEIGHT`; empty for fewer than two."""
        if len(self._points) <= 1:
            return ""
        values = [value for _, value in self._points]
        low, high = min(values), max(values)
        room = max(high - low, abs(high) * 0.02, 1e-9)  # a number that hardly moves is drawn as one that hardly moves
        start, end = self._points[0][0], self._points[-1][0]
        length = (end - start).total_seconds() or 1.0
        wide, tall = WIDTH - 2, HEIGHT - 4
        floor = (low + high - room) / 2
        return " ".join(
            f"{1 + wide * (at - start).total_seconds() / length:.1f},{2 + tall * (1 - (value - floor) / room):.1f}"
            for at, value in self._points
        )
