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
FLAT = 1.5
"""The longest may cost this many times the shortest."""


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """For each function the cost of an observation at each length, and how much longer windows cost more."""
    figures = []
    for name, functions in FUNCTIONS.items():
        spent = {length: _cost(functions, length, rounds=3 if quick else 9) for length in LENGTHS}
        bare = {length: _bare(values, rounds=3 if quick else 9) for length, values in LENGTHS.items()}
        figures += [
            Figure(f"one observation, {name} over {length}", spent[length], "us", None, None, bare[length], "a dict")
            for length in LENGTHS
        ]
        figures.append(Figure(f"{name}: 30d to 1h", spent["30d"] / spent["1h"], most=FLAT))
    return figures


def _cost(functions: Sequence[str], length: str, rounds: int) -> float:
    plan = Plan([_checked(f'{function}(equity, "{length}")') for function in functions], {})
    kept = AccountWindows(MINUTE * 2)
    walk = _walk(LENGTHS[length] + 2_000 * rounds)
    _feed(plan, kept, walk, range(LENGTHS[length]))
    gc.collect()
    spent = []
    for number in range(rounds):
        first = LENGTHS[length] + 2_000 * number
        began = time.thread_time()
        _feed(plan, kept, walk, range(first, first + 2_000))
        spent.append((time.thread_time() - began) / 2_000)
    return median(spent) * 1e6


def _feed(plan: Plan, kept: AccountWindows, walk: Sequence[Decimal], minutes: range) -> None:
    for number in minutes:
        pending = Pending(kept)
        pending.see(plan, {"equity": walk[number]}, START + number * MINUTE).values()
        pending.keep()


def _bare(values: int, rounds: int) -> float:
    kept: dict[datetime, Decimal] = {}
    walk = _walk(values + 2_000 * rounds)
    for number in range(values):
        kept[START + number * MINUTE] = walk[number]
    spent = []
    for turn in range(rounds):
        first = values + 2_000 * turn
        began = time.thread_time()
        for number in range(first, first + 2_000):
            kept[START + number * MINUTE] = walk[number]
            del kept[START + (number - values) * MINUTE]
        spent.append((time.thread_time() - began) / 2_000)
    return median(spent) * 1e6


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
