"""A restart changes nobody's turn: who is called, who stands in, and who is told when their hours begin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.core import engine
from marginwatch.core.health import ReceiverState
from marginwatch.core.hours import WeekHours, parse_hours
from marginwatch.core.memory import Memory
from marginwatch.core.model import Severity
from marginwatch.core.resuming import resume
from marginwatch.core.route import Receiver
from marginwatch.core.routing import Route, Routes, Rung
from marginwatch.core.seen import left_by
from support.desk import Desk, after, answer, cycle_end, fields, permissions_rule, ruling, seen, usage_rule
from support.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import Decision
    from marginwatch.store.store import Store

    Played = tuple[list[Transition], list[tuple[str, str, int, str]]]

RECEIVERS = (
    Receiver("all", Severity.INFO, ("standby",), timedelta(seconds=60)),
    Receiver("lead", Severity.CRITICAL),
    Receiver("standby", Severity.CRITICAL),
    Receiver("late", Severity.INFO),
)
FROM_FIVE_PAST = WeekHours(UTC, parse_hours("14:05-18:00"))
ROUTES = (
    Route(
        "all", ("all",), escalate=(Rung(timedelta(seconds=45), ("lead",)), Rung(timedelta(seconds=95), ("standby",)))
    ),
    Route("late", ("late",), hours=FROM_FIVE_PAST),
)
RULES = replace(
    ruling(usage_rule(remind_every=timedelta(seconds=70)), permissions_rule(), receivers=RECEIVERS),
    routes=Routes(ROUTES),
)


@dataclass(frozen=True)
class Turn:
    """One cycle of the venue, how the deliveries to `all` go, and what is done then."""

    pause: int
    usage: str | None
    trades: bool
    fails: bool
    acknowledges: bool
    restarts: bool


TURNS = st.lists(
    st.builds(
        Turn,
        pause=st.sampled_from([1, 10, 10, 30, 55, 200]),
        usage=st.sampled_from(["0.5", "0.85", "0.85", "0.85", "0.95", None]),
        trades=st.booleans(),
        fails=st.sampled_from([True, True, False]),
        acknowledges=st.sampled_from([False, False, False, True]),
        restarts=st.booleans(),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=15)  # fewer than the profile's: each plays a store twice
@given(TURNS)
def test_restarts_change_nobodys_turn(tmp_path_factory: pytest.TempPathFactory, turns: list[Turn]) -> None:
    """The same steps and the same messages to the same people, ladders, hours and failed receivers included."""
    folder = tmp_path_factory.mktemp("restarts")

    with_restarts = play(turns, folder / "with.db", restarts=True)
    without = play(turns, folder / "without.db", restarts=False)

    assert without == with_restarts


@settings(max_examples=15)  # fewer than the profile's: each plays a store
@given(TURNS)
def test_what_is_replayed_calls_the_same_people(tmp_path_factory: pytest.TempPathFactory, turns: list[Turn]) -> None:
    """From what the store recorded: ladders, acknowledgements and hours in their times."""
    file = tmp_path_factory.mktemp("replayed") / "m.db"
    live = play([replace(turn, fails=False) for turn in turns], file, restarts=True)

    store = opened(file)
    again = _replayed(store)
    store.close()
    assert again == live


def play(turns: list[Turn], file: Path, *, restarts: bool) -> Played:
    """What is decided, and who is told, on a store of its own."""
    store = opened(file)
    desk = Desk(RULES, store)
    second = 0
    for turn in turns:
        second += turn.pause
        while (due := desk.ticker.next_timer()) is not None and due < after(second):
            desk.ticker.tick([], due)
        if turn.acknowledges:
            _acknowledge(store, second)
        granted = frozenset({"view", "trade"} if turn.trades else {"view"})
        observed = seen(second, fields(turn.usage, permissions=granted))
        desk.tick(second, answer(observed, listing=[observed.account]), cycle_end(second))
        if restarts and turn.restarts:
            store.close()
            store = desk.ledger = opened(file)
            desk.start(second)
        missed = store.outbox.missed("all", None) if turn.fails else ()
        desk.tick(second, ReceiverState("all", failures=3 * turn.fails, missed=missed))
    store.close()
    told = sorted((each.receiver, each.alert_id, each.number, each.state.value) for each in desk.messages)
    return desk.transitions, told


def _replayed(store: Store) -> Played:
    memory = Memory()
    decisions: list[Decision] = []
    for tick in store.history.ticks(after(0), after(10**6)):
        if tick.seen.began_at is not None:
            memory = Memory.of(left_by(memory))
            decision = resume(memory, RULES, tick.seen.began_at)
            engine.remember(memory, decision)
            if tick.seen.resumed:
                decisions.append(decision)
                continue
        for moment in tick.seen.silent:
            engine.remember(memory, engine.decide(memory, RULES, (), moment))
        decisions.append(engine.decide(memory, RULES, tick.news, tick.at, tick.seen.wishes, crowded=tick.seen.crowded))
        engine.remember(memory, decisions[-1])
    notices = [notice for decision in decisions for notice in decision.notices]
    told = sorted((each.receiver, each.alert.alert_id, each.number, str(each.transition.state)) for each in notices)
    return [step for decision in decisions for step in decision.commit.transitions], told


def _acknowledge(store: Store, second: int) -> None:
    now = after(second)
    for alert in store.history.alerts(rule="usage"):
        store.operators.acknowledge(alert.alert_id, by="ann", note="", now=now, until=now + timedelta(seconds=60))
