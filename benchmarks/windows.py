"""What a window costs an observation, whether it is an hour long or a month: one account, one value a minute.

The window is full before the clock runs. Timed are a sample, its answer and its keeping, as the engine does them, for
one function of each kind and for all of them together; beside it the least that keeping anything takes: putting a value
into a dictionary under its time and throwing out the oldest. On one thread, in microseconds of processor time.
"""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from figures import Figure, median, publish
from marginwatch.core.condition import Fault, check, names, parse
from marginwatch.core.fields import Field, Unit, catalogue
from marginwatch.core.windows import AccountWindows, Pending, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marginwatch.core.condition import Node

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LENGTHS = {"1h": 60, "1d": 1_440, "30d": 43_200}
"""Values in each window."""
FUNCTIONS = {
    "drawdown": ("drawdown",),
    "mean": ("mean",),
    "delta": ("delta",),
    "all eight": ("max", "min", "mean", "first", "last", "delta", "rate", "drawdown"),
}
CATALOGUE = catalogue("bench", [Field("equity", Unit.MONEY, "summary:equity", "What the account is worth.")], [])
ROUND = 2_000
"""Observations."""
FLAT = 1.5
"""The longest may cost this many times the shortest."""


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """For each function the cost of an observation at each length, and how much more longer windows cost."""
    figures = []
    for name, functions in FUNCTIONS.items():
        runs = {length: _Run(functions, length) for length in LENGTHS}
        gc.collect()
        for _ in range(3 if quick else 15):
            for run in runs.values():  # in turns, so that a busy machine is busy for all of them
                run.go()
        figures += [
            Figure(
                f"one observation, {name} over {length}",
                median(run.spent),
                "us",
                None,
                None,
                median(run.bare),
                "a dict",
            )
            for length, run in runs.items()
        ]
        figures.append(Figure(f"{name}: 30d to 1h", median(runs["30d"].spent) / median(runs["1h"].spent), most=FLAT))
    return figures


class _Run:
    """One account's windows of one length, and a dictionary that holds as much; microseconds by round."""

    def __init__(self, functions: Sequence[str], length: str) -> None:
        self.spent: list[float] = []
        self.bare: list[float] = []
        self._plan = Plan([_checked(f'{function}(equity, "{length}")') for function in functions], {})
        self._kept = AccountWindows(MINUTE * 2)
        self._size = LENGTHS[length]
        self._walk = _walk(self._size)
        self._dict = {START + number * MINUTE: equity for number, equity in enumerate(self._walk)}
        self._next = 0
        self._see(self._size)
        self._next = self._size

    def go(self) -> None:
        """One round of either."""
        began = time.thread_time()
        self._see(ROUND)
        seen = time.thread_time()
        self._put(ROUND)
        self.spent.append((seen - began) / ROUND * 1e6)
        self.bare.append((time.thread_time() - seen) / ROUND * 1e6)
        self._next += ROUND

    def _see(self, count: int) -> None:
        for number in range(self._next, self._next + count):
            pending = Pending(self._kept)
            equity = self._walk[number % self._size]
            pending.see(self._plan, {"equity": equity}, START + number * MINUTE).values()
            pending.keep()

    def _put(self, count: int) -> None:
        for number in range(self._next, self._next + count):
            self._dict[START + number * MINUTE] = self._walk[number % self._size]
            del self._dict[START + (number - self._size) * MINUTE]


def _walk(length: int) -> list[Decimal]:
    """An equity that goes up and down, the same in every run."""
    chance = Random(20)
    cents, found = 10_000_000, []
    for _ in range(length):
        cents += chance.randint(-5_000, 5_000)
        found.append(Decimal(cents) / 100)
    return found


def _checked(text: str) -> Node:
    node = parse(text)
    assert not isinstance(node, Fault)
    checked = check(node, CATALOGUE, names(node))
    assert checked.node is not None
    return checked.node


if __name__ == "__main__":
    publish(measure, __doc__)
