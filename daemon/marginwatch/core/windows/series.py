"""What one expression of one account was over time, kept so that a question of any window is answered at once.

Values are a step function: each holds from its observation until the next known one, but at most `stale_after` past
the last time it was seen. A window is (low, now], and sees every value that held at some time in it. Times are whole
microseconds since 1970.

Adding a value takes amortised constant time and a question the logarithm of what is kept, however long the window is:
peaks and troughs are kept without what a later one outdoes, so one list serves windows of every length, and means are
differences of sums from the beginning. What is asked may be ahead of what is kept: `Later` holds what is not
committed yet.
"""

from __future__ import annotations

import operator
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.windows.numbers import EXACT, Numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from marginwatch.core.windows.later import Later

_STRIDE: Final = 16
"""Steps between two sums that are kept: those between are added up when they are asked for."""


@dataclass(frozen=True, slots=True)
class Keeps:
    """What a series must be able to answer."""

    peaks: bool = False
    troughs: bool = False
    steps: bool = False
    """The value in force at a time."""
    sums: bool = False
    """The mean; needs `steps`."""


class Series:
    """The known values of one expression."""

    __slots__ = ("_parts", "_peaks", "_stale_after", "_steps", "_troughs", "known")

    def __init__(self, keeps: Keeps, stale_after: int) -> None:
        """Nothing is known yet."""
        self.known = Spells(stale_after)
        """Which time anything is known of."""
        self._stale_after = stale_after
        self._peaks = _Extremes(operator.le) if keeps.peaks else None
        self._troughs = _Extremes(operator.ge) if keeps.troughs else None
        self._steps = _Steps(with_sums=keeps.sums) if keeps.steps else None
        self._parts = tuple(part for part in (self._peaks, self._troughs, self._steps) if part is not None)

    def push(self, at: int, value: Decimal) -> None:
        """A value seen at a time not before the last one's."""
        until = at + self._stale_after
        self.known.push(at)
        for part in self._parts:
            part.push(at, value, until)

    def __len__(self) -> int:
        """How many values are kept, about."""
        return max(len(part) for part in (self.known, *self._parts))

    def trim(self, low: int) -> None:
        """Forget what no window that begins at `low` or later can see."""
        for part in (self.known, *self._parts):
            part.trim(low)

    def highest(self, low: int, later: Later) -> Decimal:
        """The largest value after `low`."""
        assert self._peaks is not None
        earlier, value = self._peaks.after(low, later.begins), later.max(low)
        return value if earlier is None or earlier < value else earlier

    def lowest(self, low: int, later: Later) -> Decimal:
        """The smallest value after `low`."""
        assert self._troughs is not None
        earlier, value = self._troughs.after(low, later.begins), later.min(low)
        return value if earlier is None or earlier > value else earlier

    def first(self, low: int, later: Later) -> Decimal:
        """The value in force at `low`, or the first one after it."""
        assert self._steps is not None
        place = self._steps.place(low, later.begins)
        return later.first(low) if place is None else self._steps.values[place]

    def mean(self, low: int, later: Later) -> tuple[Decimal, int]:
        """The sum of the values after `low`, each by the microseconds it held, and those microseconds."""
        assert self._steps is not None
        return EXACT.add(self._steps.total(low, later.begins), later.total(low)), self.known.length(low, later)


class Spells:
    """The spells in which anything is known, and how long they are."""

    __slots__ = ("_before", "_ends", "_stale_after", "_starts")

    def __init__(self, stale_after: int) -> None:
        """Nothing is known yet."""
        self._stale_after = stale_after
        self._starts = array("q")
        self._ends = array("q")
        self._before = array("q")
        """How much was known before each spell."""

    def __len__(self) -> int:
        return len(self._ends)

    def push(self, at: int) -> None:
        """Something known was seen."""
        if not self._ends:
            self._append(at, 0)
        elif at > self._ends[-1]:
            self._append(at, self._before[-1] + self._ends[-1] - self._starts[-1])
        else:
            self._ends[-1] = at + self._stale_after

    def trim(self, low: int) -> None:
        """Forget spells that ended by then."""
        gone = bisect_right(self._ends, low)
        del self._starts[:gone], self._ends[:gone], self._before[:gone]

    def length(self, low: int, later: Later) -> int:
        """How much is known of the time from `low` to the last of `later`."""
        new = later.length(low)
        place = bisect_right(self._ends, low)
        if place == len(self._ends):
            return new
        last = min(self._ends[-1], later.begins)
        kept = self._before[-1] + last - self._starts[-1]
        return new + max(kept - self._before[place] - max(low - self._starts[place], 0), 0)

    def since(self, low: int, later: Later) -> int:
        """From when on anything is known, not before `low`."""
        place = bisect_right(self._ends, low)
        if place < len(self._ends) and min(self._ends[place], later.begins) > low:
            return max(self._starts[place], low)
        return later.since(low)

    def _append(self, at: int, before: int) -> None:
        self._starts.append(at)
        self._ends.append(at + self._stale_after)
        self._before.append(before)


class _Extremes:
    """Values that no later one outdoes, with the end of the time each held: the first one after a time is the peak."""

    __slots__ = ("_ends", "_outdone", "_values")

    def __init__(self, outdone: Callable[[Decimal, Decimal], bool]) -> None:
        self._outdone = outdone
        self._ends = array("q")
        self._values: list[Decimal] = []

    def __len__(self) -> int:
        return len(self._ends)

    def push(self, at: int, value: Decimal, until: int) -> None:
        ends, values = self._ends, self._values
        if values and value == values[-1]:
            ends[-1] = until
            return
        if ends and at < ends[-1]:
            ends[-1] = at
        while values and self._outdone(values[-1], value):
            values.pop()
            ends.pop()
        values.append(value)
        ends.append(until)

    def trim(self, low: int) -> None:
        gone = bisect_right(self._ends, low)
        del self._ends[:gone], self._values[:gone]

    def after(self, low: int, limit: int) -> Decimal | None:
        """The extreme of what held after `low`; what was seen last holds until `limit` at most."""
        place = bisect_right(self._ends, low)
        if place == len(self._ends) or (limit <= low and place + 1 == len(self._ends)):
            return None
        return self._values[place]


class _Steps:
    """Every value with the time it held, unchanged ones as one; with their sums where means are asked for."""

    __slots__ = ("_ends", "_last", "_starts", "_sums", "_total", "values")

    def __init__(self, *, with_sums: bool) -> None:
        self.values = Numbers()
        self._last = Decimal(0)
        self._starts = array("q")
        self._ends = array("q")
        self._total = Decimal(0)
        """Of all before the last value, each by the time it held; since the beginning, what was dropped included."""
        self._sums: list[Decimal] | None = [] if with_sums else None
        """The total as of each `_STRIDE`th value kept, from the first one on."""

    def __len__(self) -> int:
        return len(self._ends)

    def push(self, at: int, value: Decimal, until: int) -> None:
        if self._ends and at <= self._ends[-1] and value == self._last:
            self._ends[-1] = until
            return
        if self._ends and at < self._ends[-1]:
            self._ends[-1] = at
        if self._sums is not None:
            self._total = self._until(at)
            if len(self._ends) % _STRIDE == 0:
                self._sums.append(self._total)
        self.values.append(value)
        self._last = value
        self._starts.append(at)
        self._ends.append(until)

    def trim(self, low: int) -> None:
        gone = bisect_right(self._ends, low) // _STRIDE * _STRIDE
        del self._starts[:gone], self._ends[:gone]
        self.values.drop(gone)
        if self._sums is not None:
            del self._sums[: gone // _STRIDE]

    def place(self, low: int, limit: int) -> int | None:
        """Of the first value that held after `low`; what was seen last holds until `limit` at most."""
        place = bisect_right(self._ends, low)
        return None if place == len(self._ends) or (limit <= low and place + 1 == len(self._ends)) else place

    def total(self, low: int, limit: int) -> Decimal:
        """The sum of the values after `low`, each by the time it held."""
        place = self.place(low, limit)
        if place is None:
            return Decimal(0)
        started = EXACT.multiply(self.values[place], max(low - self._starts[place], 0))
        return EXACT.subtract(self._until(limit), EXACT.add(self._before(place), started))

    def _until(self, limit: int) -> Decimal:
        """The sum of all since the beginning, the last one of which holds until `limit` at most."""
        if not self._ends:
            return self._total
        return EXACT.add(self._total, EXACT.multiply(self._last, min(self._ends[-1], limit) - self._starts[-1]))

    def _before(self, place: int) -> Decimal:
        """The sum of all before this place since the beginning."""
        assert self._sums is not None
        first = place // _STRIDE * _STRIDE
        lasted = map(operator.sub, self._ends[first:place], self._starts[first:place])
        return EXACT.add(self._sums[place // _STRIDE], self.values.weighted(first, place, lasted))
