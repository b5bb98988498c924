"""Values of one expression that were seen and are not committed yet: what they answer, ahead of its series."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal

from marginwatch.core.windows.numbers import EXACT


class Later:
    """The known values since those that a series holds, times not falling; the last one is the present one.

    Each holds until the next, but at most `stale_after`. The present one has held for no time, and counts for every
    window all the same: at the very moment a session opens, it is all that the window sees.
    """

    __slots__ = ("_counted", "_length", "_stale_after", "_times", "_total", "_values", "begins", "highest", "lowest")

    def __init__(self, stale_after: int, at: int, value: Decimal) -> None:
        """One value so far."""
        self.begins = at
        """The time of the first one."""
        self.highest = self.lowest = value
        self._stale_after = stale_after
        self._times = [at]
        self._values = [value]
        self._counted = 0
        """Values that `_total` and `_length` are of: worked out when they are asked for, each once."""
        self._total = Decimal(0)
        self._length = 0

    def add(self, at: int, value: Decimal) -> None:
        """A later one, present from now on."""
        self._times.append(at)
        self._values.append(value)
        if value > self.highest:
            self.highest = value
        elif value < self.lowest:
            self.lowest = value

    @property
    def present(self) -> Decimal:
        """The last one."""
        return self._values[-1]

    def max(self, low: int) -> Decimal:
        """The largest that held after `low`."""
        return self.highest if low < self.begins else max(self._values[self._place(low) :])

    def min(self, low: int) -> Decimal:
        """The smallest that held after `low`."""
        return self.lowest if low < self.begins else min(self._values[self._place(low) :])

    def first(self, low: int) -> Decimal:
        """The first that held after `low`."""
        return self._values[self._place(low)]

    def since(self, low: int) -> int:
        """From when on that one held, not before `low`."""
        return max(self._times[self._place(low)], low)

    def length(self, low: int) -> int:
        """How long any of them held after `low`."""
        if low < self.begins:
            self._count()
            return self._length
        return sum(self._lasted(place, low) for place in range(self._place(low), len(self._times) - 1))

    def total(self, low: int) -> Decimal:
        """The sum of those that held after `low`, each by how long it did."""
        if low < self.begins:
            self._count()
            return self._total
        total = Decimal(0)
        for place in range(self._place(low), len(self._times) - 1):
            total = EXACT.add(total, EXACT.multiply(self._values[place], self._lasted(place, low)))
        return total

    def _place(self, low: int) -> int:
        """Of the first that held after `low`, or the present one."""
        if low < self.begins:
            return 0
        times = self._times
        begun, lasting = bisect_right(times, low) - 1, bisect_right(times, low - self._stale_after)
        return min(max(begun, lasting), len(times) - 1)

    def _lasted(self, place: int, low: int) -> int:
        """How long one before the present held after `low`, which it did hold after."""
        start = self._times[place]
        return min(start + self._stale_after, self._times[place + 1]) - max(start, low)

    def _count(self) -> None:
        for place in range(self._counted, len(self._times) - 1):
            lasted = self._lasted(place, self.begins)
            self._length += lasted
            self._total = EXACT.add(self._total, EXACT.multiply(self._values[place], lasted))
        self._counted = len(self._times) - 1
