"""What the store recorded of a life, decided again from nothing, gives exactly the transitions it stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.core import engine
from marginwatch.core.alert import Silence
from marginwatch.core.hours import EVERY_DAY, Span, WeekHours
from marginwatch.core.maintenance import Maintenance, Maintenances, Once
from marginwatch.core.memory import Memory
from marginwatch.core.model import AccountKey, FailureKind, Severity
from marginwatch.core.quiet import Quiet
from marginwatch.core.resuming import reload, resume
from marginwatch.core.rule import Selector
from marginwatch.core.seeding import prepare
from marginwatch.core.seen import left_by
from marginwatch.store.store import Store
from support.desk import (
    ONE,
    TIMED_RULES,
    TWO,
    VENUE,
    Desk,
    after,
    answer,
    call_rule,
    cycle_end,
    failed,
    fields,
    ruling,
    seen,
    wrap,
)

if TYPE_CHECKING:
    import pytest

    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import Answer
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import Withheld
    from marginwatch.tick import Arrival

HOURS = tuple(
    Span(EVERY_DAY, timedelta(hours=14, seconds=at), None, timedelta(seconds=60)) for at in range(30, 900, 150)
)
EVENINGS = tuple(
    Span(EVERY_DAY, timedelta(hours=14, seconds=at), None, timedelta(seconds=40)) for at in range(0, 900, 90)
)
"""The tests begin at 14:00 UTC."""


def windows(*names: str) -> Maintenances:
    """Maintenance again and again, of everything and of some alerts of one account."""
    some = Maintenance("some", WeekHours(UTC, HOURS), Selector(accounts=("one",)), ("usage",))
    every = Maintenance("every", Once(after(200), after(330)))
    return Maintenances(window for window in (some, every) if window.name in names)


RULES = replace(
    ruling(*TIMED_RULES),
    maintenance=windows("some", "every"),
    quiet={"all": Quiet(WeekHours(UTC, EVENINGS))},
)
FEWER = replace(
    ruling(call_rule(), revision="r2"),
    maintenance=windows("every"),
    quiet={"all": Quiet(WeekHours(UTC, HOURS), Severity.WARNING)},
)
NEW = AccountKey(VENUE, "new")


@dataclass(frozen=True)
class Turn:
    """Something that happens after a pause."""

    pause: float
    usage: str | None
    account: AccountKey
    trades: bool
    listed: tuple[AccountKey, ...] | None
    fails: str
    ends: bool
    """The cycle is over with it."""
    joins: bool
    """It comes in one batch with the turn before."""
    does: str
    """What an operator, or whoever starts processes, does before."""


ACCOUNTS = st.sampled_from([ONE, TWO, NEW])
TURNS = st.lists(
    st.builds(
        Turn,
        pause=st.sampled_from([0.5, 5, 10, 10, 30, 70, 200]),
        usage=st.sampled_from(["0.5", "0.78", "0.81", "0.85", "0.92", "0.95", None]),
        account=ACCOUNTS,
        trades=st.booleans(),
        listed=st.none() | st.lists(ACCOUNTS, unique=True).map(tuple),
        fails=st.sampled_from(["", "", "", "", "venue", "account", "partly"]),
        ends=st.booleans(),
        joins=st.booleans(),
        does=st.sampled_from(["", "", "", "ack", "silence", "end", "forget", "restart", "edit", "reload"]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40)  # fewer than the profile's: each plays a store
@given(TURNS)
def test_what_is_replayed_decides_as_it_was_decided(
    tmp_path_factory: pytest.TempPathFactory, turns: list[Turn]
) -> None:
    """Answers, failures, listings, ends of cycles and operators' wishes in their order, restarts and reloads too.

    So is all that windows hold back, which those edit.
    """
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('replayed')}/m.db")
    live, waiting = _live(store, turns)
    again = _replayed(store, {RULES.revision: RULES, FEWER.revision: FEWER})
    stored = list(store.history.transitions_between(after(0), after(10**6)))
    assert Memory.of(store.load_prior()).waiting.rows == waiting
    store.close()

    assert stored == live
    assert again == live


def _live(store: Store, turns: list[Turn]) -> tuple[list[Transition], tuple[Withheld, ...]]:
    store.own()
    desk = Desk(RULES, store)
    second = 0.0
    batch: list[Arrival] = []
    for turn in turns:
        if batch and not turn.joins:
            _flush(desk, second, batch)
        second += turn.pause
        while (due := desk.ticker.next_timer()) is not None and due < after(second):
            desk.ticker.tick([], due)
        _do(desk, store, turn.does, second)
        batch += [wrap(each) for each in _answers(turn, second)]
        batch += _beside(turn, second)
    _flush(desk, second, batch)
    return desk.transitions, desk.ticker.memory.waiting.rows


def _flush(desk: Desk, second: float, batch: list[Arrival]) -> None:
    desk.ticker.tick([*batch], after(second))
    batch.clear()


def _answers(turn: Turn, second: float) -> list[Answer]:
    said = []
    if turn.listed is not None:
        said.append(answer(listing=turn.listed))
    if turn.fails not in {"venue", "account"}:
        granted = frozenset({"view", "trade"} if turn.trades else {"view"})
        observed = seen(second, fields(turn.usage, permissions=granted), turn.account, as_of=second - 1)
        if turn.fails == "partly":
            observed = replace(observed, failures=(failed(second, turn.account, FailureKind.BAD_ANSWER),))
        said.append(answer(observed))
    return said


def _beside(turn: Turn, second: float) -> list[Arrival]:
    found: list[Arrival] = []
    if turn.fails in {"venue", "account"}:
        found.append(failed(second, turn.account if turn.fails == "account" else None))
    return [*found, cycle_end(second)] if turn.ends else found


def _do(desk: Desk, store: Store, does: str, second: float) -> None:
    now = after(second)
    if does == "ack":
        for alert in store.history.alerts(limit=1):
            store.operators.acknowledge(alert.alert_id, by="ann", note="", now=now, until=now + timedelta(seconds=90))
    elif does == "silence":
        store.operators.add_silence(Silence(0, "ann", "", now, now + timedelta(seconds=60), rule="usage"))
    elif does == "end":
        for silence in store.operators.silences()[:1]:
            if now < silence.ends_at:
                store.operators.end_silence(silence.id, now, by="ann")
    elif does == "forget":
        for state in store.history.account_states()[:1]:
            store.operators.forget(state.account.key, by="ann", now=now)
    elif does:
        _change(desk, store, does, second)


def _change(desk: Desk, store: Store, does: str, second: float) -> None:
    others = {"r1": FEWER, "r2": RULES}[desk.rules.revision]
    if does == "reload":
        desk.reload(second, others)
    else:
        store._owner.release() if store._owner else None
        store.own()
        desk.start(second, others if does == "edit" else None)


def _replayed(store: Store, rulings: dict[str, Ruling]) -> list[Transition]:
    memory = Memory()
    found: list[Transition] = []
    for tick in store.history.ticks(after(0), after(10**6)):
        rules = rulings[tick.revision]
        if tick.seen.reloaded:
            decision = reload(memory, rules, tick.at, prepare(memory, rules, tick.at))
            engine.remember(memory, decision)
            found += decision.commit.transitions
            continue
        if tick.seen.began_at is not None:
            memory = Memory.of(left_by(memory))
            decision = resume(memory, rules, tick.seen.began_at)
            engine.remember(memory, decision)
            if tick.seen.resumed:
                found += decision.commit.transitions
                continue
        for moment in tick.seen.silent:
            engine.remember(memory, engine.decide(memory, rules, (), moment))
        decision = engine.decide(memory, rules, tick.news, tick.at, tick.seen.wishes, crowded=tick.seen.crowded)
        engine.remember(memory, decision)
        found += decision.commit.transitions
    return found
