"""A backtest of what was recorded decides what was decided live, and a quiet stretch nothing else than its turns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.app.backtest.play import Play
from marginwatch.app.backtest.stored import StoredPast
from marginwatch.app.backtest.turn import Turn
from marginwatch.core.alert import Silence
from marginwatch.core.hours import WeekHours, parse_hours
from marginwatch.core.model import FailureKind
from marginwatch.core.quiet import Quiet
from marginwatch.store.store import Store
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
    usage_rule,
    wrap,
)
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pytest

    from marginwatch.core.alert import Transition
    from marginwatch.core.model import AccountKey
    from marginwatch.tick import Arrival

RULES = ruling(*TIMED_RULES)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Happening:
    """One answer or failure after a pause, and what an operator or a restart did before it."""

    pause: float
    usage: str | None
    account: AccountKey
    fails: str
    ends: bool
    does: str


HAPPENINGS = st.builds(
    Happening,
    pause=st.sampled_from([0.5, 5, 10, 10, 10, 30, 70, 200]),
    usage=st.sampled_from(["0.5", "0.5", "0.78", "0.81", "0.85", "0.92", None]),
    account=st.sampled_from([ONE, TWO]),
    fails=st.sampled_from(["", "", "", "", "venue", "account", "partly"]),
    ends=st.booleans(),
    does=st.sampled_from(["", "", "", "ack", "silence", "forget", "restart"]),
)


@settings(max_examples=20)  # fewer than the profile's: each fills a store
@given(st.lists(HAPPENINGS, min_size=1, max_size=30))
def test_recorded_observations_are_decided_as_they_were_live(
    tmp_path_factory: pytest.TempPathFactory, life: list[Happening]
) -> None:
    """Failures, restarts, acknowledgements, silences and accounts given up included, to the last field."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('backtest')}/m.db")
    live = lived(store, life)
    past = StoredPast(store.history, after(0), after(10**6), MINUTE)
    play = Play(RULES, RULES.revision)
    again = played(play, list(past))
    store.close()

    assert again == live
    assert play.exact


def test_what_a_clock_set_back_let_go_is_let_go_again(tmp_path: Path) -> None:
    """What waited for a time of the clock's wrong day was told once the clock was right, and so it is decided again."""
    quiet = {"all": Quiet(WeekHours(UTC, parse_hours("13:00-14:01")))}
    rules = replace(ruling(usage_rule()), quiet=quiet)
    tomorrow = timedelta(days=1).total_seconds()
    with owned(tmp_path) as store:
        desk = Desk(rules, store)
        desk.see(tomorrow, "0.85")
        desk.ticker.look_again()
        for second in (10, 50, 61, 70):
            desk.see(second, "0.85")
        play = Play(rules, rules.revision)
        again = played(play, list(StoredPast(store.history, after(0), after(10**6), MINUTE)))

    assert desk.told() == ["usage:firing:warning"]
    assert again == desk.transitions


@given(st.lists(st.tuples(st.sampled_from([5, 30, 30, 60, 61, 300]), HAPPENINGS), min_size=2, max_size=40))
def test_a_quiet_stretch_is_no_other_than_its_turns(steps: list[tuple[int, Happening]]) -> None:
    """Whether turns are tried together or one by one, the same is decided, and the same is remembered."""
    turns: list[Turn] = []
    second = 0
    for pause, step in steps:
        second += pause
        observed = seen(second, fields("0.5" if step.does != "ack" else step.usage), step.account)
        turns.append(Turn(after(second), [answer(observed), *([cycle_end(second)] if step.ends else [])]))
    together, alone = Play(RULES, None), Play(RULES, None)
    alone._at_once = 1

    assert played(together, turns) == played(alone, turns)
    assert together._replay.memory.accounts == alone._replay.memory.accounts
    assert together._replay.memory.venues == alone._replay.memory.venues
    assert together._replay.memory.open == alone._replay.memory.open


def played(play: Play, turns: Sequence[Turn]) -> list[Transition]:
    return [each for moment in play.take(turns) for each in moment.transitions]


def lived(store: Store, life: Iterable[Happening]) -> list[Transition]:
    """Live it, waking for every timer, as the daemon does; every transition there was."""
    store.own()
    desk = Desk(RULES, store)
    second = 0.0
    for each in life:
        second += each.pause
        while (due := desk.ticker.next_timer()) is not None and due < after(second):
            desk.ticker.tick([], due + timedelta(milliseconds=3))
        _do(desk, store, each.does, second)
        desk.ticker.tick(list(_arrivals(each, second)), after(second))
    return desk.transitions


def _arrivals(each: Happening, second: float) -> Iterable[Arrival]:
    if each.fails in {"venue", "account"}:
        yield failed(second, each.account if each.fails == "account" else None)
    else:
        observed = seen(second, fields(each.usage), each.account, as_of=second - 1)
        if each.fails == "partly":
            observed = replace(observed, failures=(failed(second, each.account, FailureKind.BAD_ANSWER),))
        yield wrap(answer(observed, listing=[ONE, TWO]))
    if each.ends:
        yield cycle_end(second)


def _do(desk: Desk, store: Store, does: str, second: float) -> None:
    now = after(second)
    if does == "ack":
        for alert in store.history.alerts(limit=1):
            store.operators.acknowledge(alert.alert_id, by="ann", note="", now=now, until=now + timedelta(seconds=90))
    elif does == "silence":
        store.operators.add_silence(Silence(0, "ann", "", now, now + MINUTE, rule="usage"))
    elif does == "forget":
        for state in store.history.account_states()[:1]:
            store.operators.forget(state.account.key, by="ann", now=now)
    elif does == "restart":
        store._owner.release() if store._owner else None
        store.own()
        desk.start(second)
