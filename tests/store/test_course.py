"""The course of one number, as charts ask for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.core.model import AccountKey
from marginwatch.store import course as module
from support.records import ACCOUNT, account_state, after, commit, observation, seen

if TYPE_CHECKING:
    import pytest

    from marginwatch.core.model import Value
    from marginwatch.store.store import Store


def observe(store: Store, second: float, fields: dict[str, Value], *, positions: bool = True) -> None:
    held = ({"symbol": "ES", "quantity": Decimal(2)},) if positions else None
    told = observation(second, fields, positions=held)
    store.commit(commit(second, observations=(seen(told),), accounts=(account_state(told),)))


def test_the_values_of_a_time_and_what_was_so_when_it_began(store: Store) -> None:
    """In order, with None where it was null, missing or no number; of the right account alone."""
    observe(store, 0, {"equity": Decimal(1)})
    observe(store, 10, {"equity": Decimal(2)})
    observe(store, 20, {"equity": None})
    observe(store, 30, {"cash": Decimal(9)})
    observe(store, 40, {"equity": "much"})
    observe(store, 50, {"equity": Decimal("5.10")})
    other = replace(observation(55, {"equity": Decimal(99)}), account=AccountKey("futures", "B"))
    store.commit(commit(55, observations=(seen(other),), accounts=(account_state(other),)))
    observe(store, 60, {"equity": Decimal(6)})

    found = store.courses.course(ACCOUNT, "equity", after(10), after(55))

    values = [Decimal(1), Decimal(2), None, None, None, Decimal("5.10")]
    assert found.points == tuple(zip(map(after, (0, 10, 20, 30, 40, 50)), values, strict=True))
    assert not found.sampled


def test_a_long_time_is_sampled_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """At even distances, the latest always among them."""
    monkeypatch.setattr(module, "MOST", 4)
    for second in range(10):
        observe(store, second, {"equity": Decimal(second)})

    found = store.courses.course(ACCOUNT, "equity", after(0), after(100))

    assert [value for _, value in found.points] == [Decimal(0), Decimal(3), Decimal(6), Decimal(9)]
    assert found.sampled


def test_nothing_is_nothing(store: Store) -> None:
    """Of an account that is not known, and of a time in which nobody watched."""
    assert store.courses.course(ACCOUNT, "equity", after(0), after(10)).points == ()
    observe(store, 0, {"equity": Decimal(1)})
    assert store.courses.course(ACCOUNT, "equity", after(10), after(20)).points == ()
    assert store.courses.course(AccountKey("futures", "B"), "equity", after(0), after(20)).points == ()
    assert store.courses.holding(AccountKey("futures", "B")) is None


def test_a_sketch_has_what_was_so_at_moments_of_that_time(store: Store) -> None:
    """At even distances from the first answer to the end, also where nothing changed; of each account its own."""
    other = AccountKey("futures", "B")
    for second in range(0, 61, 10):
        observe(store, second, {"equity": Decimal(second) if second < 40 else Decimal(40)})
    told = replace(observation(65, {"equity": None}), account=other)
    store.commit(commit(65, observations=(seen(told),), accounts=(replace(account_state(told), first_seen=after(65)),)))

    found = store.courses.sketches([ACCOUNT, other], "equity", after(5), after(70), 4)

    values = [Decimal(10), Decimal(30), Decimal(40), Decimal(40)]
    assert found == {ACCOUNT: list(zip(map(after, (10, 30, 50, 65)), values, strict=True))}
    assert store.courses.sketches([other], "equity", after(80), after(90), 4) == {}
    assert store.courses.sketches([ACCOUNT], "equity", after(60), after(60), 4) == {ACCOUNT: [(after(60), Decimal(40))]}


def test_the_latest_positions(store: Store) -> None:
    """As they were answered, and none where the call for them failed."""
    observe(store, 0, {"equity": Decimal(1)})
    held = store.courses.holding(ACCOUNT)
    assert held is not None
    assert (held.fetched_at, list(held.positions)) == (after(0), [{"symbol": "ES", "quantity": Decimal(2)}])

    observe(store, 10, {"equity": Decimal(2)}, positions=False)
    assert store.courses.holding(ACCOUNT) is None
