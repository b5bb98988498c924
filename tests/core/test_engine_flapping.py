"""Flapping through the whole engine: over restarts on a real store, in replays, and when rules are edited."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.alert import Reason, State
from marginwatch.core.memory import Memory
from marginwatch.core.rule import Flapping
from marginwatch.core.seen import left_by
from support.desk import Desk, answer, cycle_end, fields, ruling, seen, usage_rule
from support.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

OFTEN = Flapping(3, timedelta(minutes=6))
"""Calm is two minutes."""
SWINGS = ("0.85", "0.5", "0.85", "0.5", "0.85", "0.5", "0.85", *["0.5"] * 14, "0.85", "0.5")


def swing(desk: Desk, second: float, usage: str) -> None:
    """A cycle in which the account answers."""
    desk.tick(second, answer(seen(second, fields(usage))), cycle_end(second))


@pytest.mark.parametrize("restarts", [False, True])
def test_firings_before_a_restart_count(tmp_path: Path, restarts: bool) -> None:
    """With a new process after every cycle the same is told: kept open, over once calm, and flapping at once again."""
    rules, file = ruling(usage_rule(flapping=OFTEN)), tmp_path / "marginwatch.db"
    store = opened(file)
    desk = Desk(rules, store)
    for place, usage in enumerate(SWINGS):
        swing(desk, 10 * place, usage)
        if restarts:
            store.close()
            store = desk.ledger = opened(file)
            desk.start(10 * place)
    store.close()

    told = [step.state.value for step in desk.transitions if step.state is not None]
    assert told[:5] == ["firing", "resolved", "firing", "resolved", "firing"]
    assert told[5:] == ["reminder", "resolved", "firing", "reminder"]
    assert [step.reason for step in desk.transitions if step.state is State.REMINDER] == [Reason.FLAPPING] * 2
    assert [step.times_fired for step in desk.transitions if step.reason is Reason.FIRED_AGAIN] == [4]


def test_a_process_hands_on_what_ended_lately() -> None:
    """What a replay is given of the process before it is what that remembered, and of no key with an open alert."""
    desk = Desk(ruling(usage_rule(flapping=OFTEN)))
    swing(desk, 0, "0.85")
    swing(desk, 10, "0.5")
    memory = desk.ticker.memory
    (ended,) = memory.lately.values()
    assert left_by(memory).lately == (ended,)
    assert Memory.of(left_by(memory)).lately == memory.lately

    swing(desk, 20, "0.85")
    assert memory.lately == {}


def test_what_ended_long_ago_is_forgotten() -> None:
    """An end is dropped from memory with the first that comes two days after it."""
    desk = Desk(ruling(usage_rule(flapping=OFTEN), usage_rule(id="other", flapping=OFTEN)))
    swing(desk, 0, "0.85")
    swing(desk, 10, "0.5")
    assert len(desk.ticker.memory.lately) == 2
    only = ruling(usage_rule(flapping=OFTEN))
    later = timedelta(days=2, seconds=30).total_seconds()
    desk.reload(later, only)
    swing(desk, later + 10, "0.85")
    swing(desk, later + 20, "0.5")

    assert [key.rule for key in desk.ticker.memory.lately] == ["usage"]
