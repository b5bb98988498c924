"""A restart changes nothing: with restarts and without, the same answers and wishes are decided and told alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.core.alert import Silence
from marginwatch.core.model import FailureKind
from support.desk import (
    ONE,
    TIMED_RULES,
    TWO,
    Desk,
    after,
    answer,
    cycle_end,
    failed,
    fields,
    ruling,
    seen,
)
from support.stores import opened

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pytest

    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import Answer
    from marginwatch.core.model import AccountKey
    from marginwatch.store.store import Store

RULES = ruling(*TIMED_RULES)


@dataclass(frozen=True)
class Cycle:
    """One cycle of the venue: how long after the last, what it says, and whether the process is started again after."""

    pause: int
    usage: tuple[str | None, str | None]
    in_call: bool | None
    trades: bool
    fails: str
    does: str
    """What an operator does after it: `ack`, `silence` or nothing."""
    restart: bool = field(default=False)


USAGES = st.sampled_from(["0.5", "0.78", "0.81", "0.85", "0.88", "0.92", "0.95", None])
CYCLES = st.lists(
    st.builds(
        Cycle,
        pause=st.sampled_from([1, 5, 10, 10, 10, 30, 55, 70]),
        usage=st.tuples(USAGES, USAGES),
        in_call=st.sampled_from([False, False, True, None]),
        trades=st.booleans(),
        fails=st.sampled_from(["", "", "", "", "venue", "one"]),
        does=st.sampled_from(["", "", "", "ack", "silence"]),
        restart=st.booleans(),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=25)  # fewer than the profile's: each plays a store twice
@given(CYCLES)
def test_restarts_change_no_transition(tmp_path_factory: pytest.TempPathFactory, cycles: list[Cycle]) -> None:
    """State read back from the real store goes on exactly as state kept in memory, whoever is told included."""
    folder = tmp_path_factory.mktemp("restarts")

    with_restarts = play(cycles, folder / "with.db", restarts=True)
    without = play(cycles, folder / "without.db", restarts=False)

    assert without == with_restarts


def play(cycles: list[Cycle], file: Path, *, restarts: bool) -> tuple[list[Transition], list[tuple[object, ...]]]:
    """What the engine decides of these cycles and whom it tells, on a store of its own."""
    store = opened(file)
    desk = Desk(RULES, store)
    second = 0
    for cycle in cycles:
        second += cycle.pause
        _pass_time(desk, second)
        _run(desk, second, cycle)
        _wish(store, cycle.does, after(second))
        if restarts and cycle.restart:
            store.close()
            store = desk.ledger = opened(file)
            desk.start(second)
    store.close()
    told: list[tuple[object, ...]] = [(each.receiver, each.alert_id, each.number, each.state) for each in desk.messages]
    return desk.transitions, told


def _wish(store: Store, does: str, now: datetime) -> None:
    if does == "ack":
        for alert in store.history.alerts():
            store.operators.acknowledge(alert.alert_id, by="ann", note="", now=now, until=now + timedelta(seconds=100))
    elif does == "silence":
        store.operators.add_silence(Silence(0, "ann", "", now, now + timedelta(seconds=80), rule="usage"))


def _pass_time(desk: Desk, until: float) -> None:
    """Tick whenever a timer is due before the next cycle."""
    while (due := desk.ticker.next_timer()) is not None and due < after(until):
        desk.ticker.tick([], due)


def _run(desk: Desk, second: float, cycle: Cycle) -> None:
    if cycle.fails == "venue":
        desk.tick(second, failed(second, None, FailureKind.UNREACHABLE), cycle_end(second))
        return
    news = [_answer(second, cycle, ONE, cycle.usage[0])] if not cycle.fails else [failed(second, ONE)]
    desk.tick(second, *news)
    desk.tick(second, _answer(second, cycle, TWO, cycle.usage[1]), cycle_end(second))


def _answer(second: float, cycle: Cycle, account: AccountKey, usage: str | None) -> Answer:
    granted = frozenset({"view", "trade"} if cycle.trades else {"view"})
    values = fields(usage, in_margin_call=cycle.in_call, permissions=granted)
    return answer(seen(second, values, account), listing=[ONE, TWO])
