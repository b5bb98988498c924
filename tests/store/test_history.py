"""What was recorded can be read again, tick by tick, exactly as it was committed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.core.alert import Reason, Status
from marginwatch.core.model import AccountKey, CycleEnd, FailureKind, Severity
from marginwatch.core.result import AlertKey
from marginwatch.core.state import Commit, VenueState
from marginwatch.store import replay
from marginwatch.store.store import Store
from marginwatch.store.types import CycleRun, RecordedTick
from support.records import (
    ACCOUNT,
    NOON,
    account_state,
    after,
    alert,
    commit,
    failure,
    observation,
    seen,
    transition,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    import pytest

    from marginwatch.core.model import Observation, VenueFailure
    from marginwatch.core.state import StoredObservation

OTHER = AccountKey("futures", "A-2")
END = after(10**6)
FIELDS = st.dictionaries(
    st.sampled_from(["equity", "margin_used", "currency", "permissions"]),
    st.none()
    | st.decimals(-1000, 1000, places=2)
    | st.text("xyz", max_size=3)
    | st.frozensets(st.text("ab", max_size=2)),
    max_size=3,
)
FAILURES = st.builds(
    failure,
    call=st.sampled_from(["summary", "metrics"]),
    kind=st.sampled_from([FailureKind.TIMED_OUT, FailureKind.SERVER_ERROR]),
    trace_id=st.none() | st.text("0123", max_size=3),
    account=st.none() | st.sampled_from([ACCOUNT, OTHER]),
)
CYCLES = st.builds(
    CycleEnd,
    st.just("futures"),
    st.floats(-99, 0).map(after),
    st.floats(0, 99).map(after),
    attempted=st.integers(1, 2),
    failed=st.integers(0, 1),
    cause=st.none() | FAILURES,
)


@dataclass(frozen=True)
class Said:
    """One observation to be made: what it says, or None to say the same again."""

    account: AccountKey
    age: float | None
    fields: Mapping[str, Any] | None
    failures: tuple[VenueFailure, ...]
    optional: frozenset[str]


SAID = st.builds(
    Said,
    account=st.sampled_from([ACCOUNT, OTHER]),
    age=st.none() | st.floats(0, 30),
    fields=st.none() | FIELDS,
    failures=st.lists(FAILURES, max_size=2).map(tuple),
    optional=st.sampled_from([frozenset(), frozenset({"metrics"})]),
)
TICKS = st.lists(
    st.tuples(
        st.lists(SAID, max_size=3),
        st.lists(FAILURES, max_size=2).map(tuple),
        st.lists(CYCLES, max_size=1).map(tuple),
        st.sampled_from(["rules-1", "rules-2"]),
        st.booleans(),
    ),
    max_size=8,
)


def observed(said: Said, at: datetime, latest: dict[AccountKey, Observation]) -> StoredObservation:
    """The observation, marked unchanged when it repeats the account's latest."""
    known = latest.get(said.account)
    again = said.fields is None and known is not None
    made = observation(
        account=said.account,
        fetched_at=at,
        as_of=None if said.age is None else after((at - NOON).total_seconds() - said.age),
        fields=known.fields if again and known else said.fields or {},
        positions=({"symbol": "ES", "size": Decimal(2)},) if said.age else None,
        failures=said.failures,
        optional=said.optional,
    )
    if again and known:
        made = replace(made, positions=known.positions)
    latest[said.account] = made
    return seen(made, unchanged=again)


@given(TICKS)
@settings(max_examples=50)  # a database each
def test_ticks_come_back_as_they_were_committed(made: Path, ticks: list[Any]) -> None:
    """Every observation, failure and cycle end, with its own times and in its order, whatever restarts lie between."""
    path = made.with_name("replayed.db")
    shutil.copy(made, path)
    url = f"sqlite:///{path}"
    store = Store.open(url)
    store.own()
    latest: dict[AccountKey, Observation] = {}
    written: list[Commit] = []
    for number, (sayings, failures, cycles, revision, restart) in enumerate(ticks):
        at = after(number * 10)
        stored = tuple(observed(said, at, latest) for said in sayings)
        written.append(Commit(at, revision, observations=stored, failures=failures, cycles=cycles))
        store.commit(written[-1])
        if restart:
            store.close()
            store = Store.open(url)
            store.own()
    read = list(store.history.ticks(NOON, END))
    of_one = list(store.history.observations(ACCOUNT, NOON, END))
    only = list(store.history.ticks(NOON, END, ACCOUNT))
    store.close()

    assert [plain(tick) for tick in read] == [plain(tick) for tick in written]
    assert [item.observation for item in of_one] == [
        item.observation for tick in written for item in tick.observations if item.observation.account == ACCOUNT
    ]
    assert [plain(tick) for tick in only] == [plain(concerning(tick)) for tick in written]


def concerning(tick: Commit) -> Commit:
    """What the account has to do with."""
    return replace(
        tick,
        observations=tuple(item for item in tick.observations if item.observation.account == ACCOUNT),
        failures=tuple(each for each in tick.failures if each.account in {None, ACCOUNT}),
        cycles=tuple(each for each in tick.cycles if each.venue == ACCOUNT.venue),
    )


def plain(tick: RecordedTick | Commit) -> tuple[object, ...]:
    """What the two have in common."""
    told = [item.observation for item in tick.observations]
    return (tick.at, tick.revision, told, tick.failures, tick.cycles)


def test_pages_join_without_a_seam(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unchanged observations find what they repeat, however many pages or how long before it was said."""
    monkeypatch.setattr(replay, "_PAGE", 3)
    store.commit(commit(observations=(seen(observation()), seen(observation(account=OTHER, fields={})))))
    for second in range(1, 10):
        store.commit(commit(second, observations=(seen(observation(second), unchanged=True),)))

    assert [tick.at for tick in store.history.ticks(NOON, END)] == [after(second) for second in range(10)]
    late = list(store.history.observations(ACCOUNT, after(7), after(9)))
    assert [(item.observation, item.unchanged) for item in late] == [(observation(7), True), (observation(8), True)]
    assert list(store.history.observations(AccountKey("futures", "never"), NOON, END)) == []


def test_an_unchanged_observation_of_an_unknown_past_is_stored_in_full(store: Store) -> None:
    """A new process trusts no claim about what another one stored."""
    store.commit(commit(observations=(seen(observation(), unchanged=True),)))

    assert list(store.history.observations(ACCOUNT, NOON, END)) == [seen(observation())]


def test_alerts_can_be_picked(store: Store) -> None:
    """Open ones by default, worst and then oldest first; by rule, account and time of the last change."""
    worst = alert("w", severity=Severity.CRITICAL, active_at=after(5))
    ended = alert("e", status=Status.CLOSED)
    other = alert("o", key=AlertKey("pnl", OTHER), active_at=after(1))
    store.commit(commit(alerts=(alert("a"), ended)))
    store.commit(commit(60, alerts=(worst, other)))
    history = store.history

    assert history.alerts() == [worst, alert("a"), other]
    assert history.alerts(open_only=False, account=ACCOUNT) == [worst, alert("a"), ended]
    assert history.alerts(rule="pnl") == [other]
    assert history.alerts(since=after(60), limit=1) == [worst]
    assert (history.alert("e"), history.alert("?")) == (ended, None)


def test_transitions_can_be_picked(store: Store) -> None:
    """The latest that fit, in the order in which they happened."""
    steps = [
        transition("a", 0),
        transition("b", 1, key=AlertKey("pnl", OTHER)),
        transition("a", 2, reason=Reason.CLEARED),
    ]
    store.commit(commit(transitions=tuple(steps)))
    history = store.history

    assert history.transitions() == steps
    assert history.transitions(alert_id="a", since=after(1)) == [steps[2]]
    assert history.transitions(account=OTHER) == history.transitions(rule="pnl") == [steps[1]]
    assert history.transitions(limit=2) == steps[1:]


def test_states_are_listed(store: Store) -> None:
    """Accounts by venue and id, venues by name."""
    mine, other = account_state(observation()), account_state(observation(account=OTHER))
    store.commit(commit(accounts=(other, mine), venues=(VenueState("fx"), VenueState("futures"))))

    assert store.history.account_states() == [mine, other]
    assert store.history.venue_states() == [VenueState("futures"), VenueState("fx")]


def test_cycles_in_a_row_with_the_same_end_are_one_run(store: Store) -> None:
    """A run says when it began and ended, and how often it went that way."""
    cause = failure(account=None)
    ends = [
        CycleEnd("futures", after(s), after(s + 1), 5, 0 if s < 20 else 5, None if s < 20 else cause)
        for s in (0, 10, 20)
    ]
    for end in ends:
        store.commit(commit((end.ended_at - NOON).total_seconds(), cycles=(end,)))

    assert store.history.cycles(NOON) == [
        CycleRun("futures", after(20), after(21), 1, 5, 5, cause.detail),
        CycleRun("futures", after(0), after(11), 2, 5, 0, ""),
    ]
    assert len(store.history.cycles(after(12))) == 1


def test_one_failure_beside_many_observations_is_one(store: Store) -> None:
    """An answer for all accounts that could not be read failed once, however many accounts lack what it was to say."""
    for second in (0, 10):
        missed = (failure(second, account=None),)
        both = (observation(second, failures=missed), observation(second, account=OTHER, failures=missed))
        store.commit(commit(second, observations=tuple(map(seen, both))))

    (run,) = store.history.failures(NOON)
    assert (run.account, run.times, run.first_at, run.last_at) == (None, 2, NOON, after(10))
    (_, tick) = store.history.ticks(NOON, after(20))
    assert [each.observation.failures for each in tick.observations] == [(failure(10, account=None),)] * 2


def test_a_replay_can_begin_in_the_middle(store: Store) -> None:
    """Accounts as they were last seen before that moment, without what was null then; others are not there yet."""
    said = {"equity": Decimal(5), "currency": None}
    store.commit(commit(observations=(seen(observation(fields=said)),)))
    store.commit(commit(10, observations=(seen(observation(10, account=OTHER)), seen(observation(10)))))

    state = store.history.prior(after(10)).accounts
    assert list(state) == [ACCOUNT]
    assert (state[ACCOUNT].known, state[ACCOUNT].fetched_at) == ({"equity": Decimal(5)}, NOON)
    assert list(store.history.prior(NOON).accounts) == []


def test_a_page_holds_no_more_than_it_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many observations ticks have, all of them come, one tick at a time if need be."""
    monkeypatch.setattr(replay, "_MOST", 1)
    for second in range(4):
        pair = (seen(observation(second)), seen(observation(second, account=OTHER)))
        store.commit(commit(second, observations=pair))

    assert [len(tick.observations) for tick in store.history.ticks(NOON, END)] == [2] * 4
