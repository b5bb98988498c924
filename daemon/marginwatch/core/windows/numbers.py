"""Many numbers in little memory."""

from __future__ import annotations

import operator
from array import array
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXACT: Final = Context(prec=200, Emin=MIN_EMIN, Emax=MAX_EMAX)
"""Digits enough for sums of amounts by microseconds to be exact, so that they do not depend on where they began."""

_MOST_PLACES: Final = 18


class Numbers:
    """Decimals in a row, to be added at the end and dropped from the beginning.

    While all of them are whole numbers of some decimal place that fit into 64 bits, as amounts of money do, each takes
    8 bytes; a Decimal takes 112. They come back equal, with as many places as the longest of them.
    """

    __slots__ = ("_as_given", "_places", "_scaled")

    def __init__(self) -> None:
        """None yet."""
        self._scaled = array("q")
        self._places = 0
        self._as_given: list[Decimal] | None = None
        """All of them, once one did not fit."""

    def __len__(self) -> int:
        return len(self._scaled) if self._as_given is None else len(self._as_given)

    def __getitem__(self, place: int) -> Decimal:
        if self._as_given is not None:
            return self._as_given[place]
        return EXACT.scaleb(Decimal(self._scaled[place]), -self._places)

    def __iter__(self) -> Iterator[Decimal]:
        return (self[place] for place in range(len(self)))

    def append(self, number: Decimal) -> None:
        """Add one."""
        if self._as_given is None and not self._fits(number):
            self._as_given = list(self)
            del self._scaled[:]
        if self._as_given is not None:
            self._as_given.append(number)

    def weighted(self, first: int, last: int, weights: Iterable[int]) -> Decimal:
        """The sum of those from place `first` to before `last`, each by its weight."""
        if self._as_given is None:
            scaled: int = sum(map(operator.mul, self._scaled[first:last], weights))
            return EXACT.scaleb(Decimal(scaled), -self._places)
        total = Decimal(0)
        for number, weight in zip(self._as_given[first:last], weights, strict=True):
            total = EXACT.add(total, EXACT.multiply(number, weight))
        return total

    def drop(self, count: int) -> None:
        """Forget the first ones."""
        if self._as_given is None:
            del self._scaled[:count]
        else:
            del self._as_given[:count]

    def _fits(self, number: Decimal) -> bool:
        """Add it to the scaled ones, if that can be."""
        if number.adjusted() > _MOST_PLACES:  # a power of ten that would take long to write out
            return False
        scaled = EXACT.scaleb(number, self._places)
        whole = scaled.to_integral_value()
        try:
            if whole != scaled:
                self._widen(-int(number.as_tuple().exponent))
                whole = EXACT.scaleb(number, self._places)
            self._scaled.append(int(whole))
        except OverflowError:
            return False
        return True

    def _widen(self, places: int) -> None:
        if places > _MOST_PLACES:
            raise OverflowError
        factor = 10 ** (places - self._places)
        self._scaled = array("q", (scaled * factor for scaled in self._scaled))
        self._places = places
