"""Which rules were in force when."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.model import Account, AccountKey
from marginwatch.core.rulebook import Rulebook, WrittenRule
from marginwatch.store.errors import NotOwnedError
from support.records import account_state, after, commit, observation, seen

if TYPE_CHECKING:
    from marginwatch.core.model import Value
    from marginwatch.store.store import Store

FIRST = Rulebook("r1", (WrittenRule("usage", "a.toml", {"value": "margin_usage", "levels.warning": "> 80%"}),))
SECOND = replace(FIRST, rules=(replace(FIRST.rules[0], file="b.toml"),))


def test_the_latest_and_those_of_a_time(store: Store) -> None:
    """Read back as they were, with the time from which on they counted; none before the first."""
    assert store.rulebooks.in_force() is None
    store.rulebooks.record(FIRST, after(10))
    store.rulebooks.record(SECOND, after(20))

    assert store.rulebooks.in_force() == replace(SECOND, since=after(20))
    assert store.rulebooks.in_force(after(19)) == replace(FIRST, since=after(10))
    assert store.rulebooks.in_force(after(9)) is None


def test_the_same_rules_again_are_no_news(store: Store) -> None:
    """A restart, or a reload without an edit, leaves the time from which on they count."""
    store.rulebooks.record(FIRST, after(10))
    store.rulebooks.record(FIRST, after(20))

    assert store.rulebooks.in_force() == replace(FIRST, since=after(10))


def test_only_the_owner_says_what_is_in_force(store: Store) -> None:
    """A look at rules must not pass for having them in force."""
    store.close()
    with pytest.raises(NotOwnedError):
        store.rulebooks.record(FIRST, after(10))


def test_what_an_account_said_last(store: Store) -> None:
    """Its latest numbers, also where the answers since said the same, with the times of the latest answer."""
    values: dict[str, Value] = {"equity": Decimal(1), "note": None}
    first = observation(10, values, positions=({"symbol": "ES"},), as_of=after(9))
    again = observation(20, values, positions=({"symbol": "ES"},), as_of=after(19))
    never = replace(account_state(first), account=Account(AccountKey("futures", "A-2"), "two"), fetched_at=None)
    store.commit(commit(10, observations=(seen(first),), accounts=(account_state(first), never)))
    store.commit(commit(20, observations=(seen(again, unchanged=True),), accounts=(account_state(again),)))

    assert store.history.latest() == [again]
