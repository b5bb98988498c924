"""History imported from a venue: kept once, resumed where it stopped, and apart from what was seen live."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.model import Account, AccountKey
from marginwatch.store import imported
from marginwatch.store.imported import Span
from marginwatch.store.store import Store
from support.records import ACCOUNT, NOON, account_state, after, alert, commit, observation, seen

if TYPE_CHECKING:
    import pytest

    from marginwatch.core.model import Observation

NAMED = Account(ACCOUNT, "Account A-1")
OTHER = Account(AccountKey("futures", "B-2"), "Account B-2")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def past(*minutes: int, account: AccountKey = ACCOUNT) -> list[Observation]:
    """Snapshots of these minutes, as a venue's history gives them: fetched much later."""
    return [
        observation(90_000, {"equity": Decimal(minute)}, account=account, as_of=after(60 * minute))
        for minute in minutes
    ]


def span(first: int, last: int) -> Span:
    """From one minute to another."""
    return Span(after(60 * first), after(60 * last))


def minutes(store: Store, account: AccountKey | None = ACCOUNT, within: Span | None = None) -> list[int]:
    """Of what is there, in order."""
    found = store.imports.observations(account, within or span(-100, 100_000))
    return [int(each.observed_at.timestamp() - NOON.timestamp()) // 60 for each in found]


def test_what_was_imported_is_read_as_of_its_own_time(store: Store) -> None:
    """Oldest first, as if it had come when it was so, with every digit."""
    (given,) = past(7)
    assert store.imports.add(NAMED, MINUTE, [given], span(0, 8), NOON) == 1

    (found,) = store.imports.observations(ACCOUNT, span(0, 10))
    assert (found.fetched_at, found.as_of, found.account) == (after(420), after(420), ACCOUNT)
    assert (found.fields, found.positions, found.optional) == (given.fields, given.positions, given.optional)


def test_nothing_is_kept_twice(store: Store) -> None:
    """Giving a page again, or one that overlaps it, adds what is new alone."""
    assert store.imports.add(NAMED, MINUTE, past(3, 2, 1), None, NOON) == 3
    assert store.imports.add(NAMED, MINUTE, past(4, 3, 2), None, NOON) == 1
    assert store.imports.add(NAMED, MINUTE, past(2, 2), None, NOON) == 0
    assert minutes(store) == [1, 2, 3, 4]
    assert store.imports.count(ACCOUNT, span(2, 4)) == 2


def test_what_is_missing_is_what_no_span_covers(store: Store) -> None:
    """Spans that touch become one; what lies between and beyond them is missing, the latest first."""
    assert store.imports.missing(ACCOUNT, MINUTE, span(0, 60)) == [span(0, 60)]
    store.imports.add(NAMED, MINUTE, [], span(50, 60), NOON)
    store.imports.add(NAMED, MINUTE, [], span(40, 50), NOON)
    store.imports.add(NAMED, MINUTE, [], span(10, 20), NOON)
    assert store.imports.missing(ACCOUNT, MINUTE, span(0, 70)) == [span(60, 70), span(20, 40), span(0, 10)]
    store.imports.add(NAMED, MINUTE, [], span(20, 40), NOON)
    store.imports.add(NAMED, MINUTE, [], span(20, 20), NOON)
    assert store.imports.missing(ACCOUNT, MINUTE, span(0, 70)) == [span(60, 70), span(0, 10)]
    assert store.imports.missing(OTHER.key, MINUTE, span(0, 70)) == [span(0, 70)]


def test_finer_history_serves_for_coarser_and_not_the_other_way_round(store: Store) -> None:
    """Who has every minute need not ask for every hour."""
    store.imports.add(NAMED, MINUTE, [], span(0, 60), NOON)
    store.imports.add(NAMED, HOUR, [], span(0, 120), NOON)
    assert store.imports.missing(ACCOUNT, HOUR, span(0, 120)) == []
    assert store.imports.missing(ACCOUNT, MINUTE, span(0, 120)) == [span(60, 120)]


def test_all_accounts_are_read_in_order_of_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages it takes, and with several accounts at one moment."""
    monkeypatch.setattr(imported, "_PAGE", 2)
    store.imports.add(OTHER, MINUTE, past(5, 3, 1, account=OTHER.key), span(0, 6), NOON)
    store.imports.add(NAMED, MINUTE, past(4, 3, 2, 1), span(0, 5), NOON)
    assert minutes(store, None) == [1, 1, 2, 3, 3, 4, 5]
    assert minutes(store, None, span(2, 4)) == [2, 3, 3]
    assert minutes(store) == [1, 2, 3, 4]
    assert store.imports.reach() == (after(60), after(300))


def test_accounts_are_known_by_their_latest_name(store: Store) -> None:
    """A venue may rename one."""
    assert (store.imports.accounts(), store.imports.reach()) == ([], None)
    store.imports.add(OTHER, MINUTE, [], span(0, 5), NOON)
    store.imports.add(NAMED, MINUTE, [], span(0, 5), NOON)
    store.imports.add(Account(ACCOUNT, "Renamed"), MINUTE, [], span(5, 6), NOON)
    assert store.imports.accounts() == [Account(ACCOUNT, "Renamed"), OTHER]


def test_nothing_seen_live_is_changed_or_mixed_with_it(store: Store) -> None:
    """What the engine starts from, and every recorded tick, is the same before and after an import."""
    observed = observation()
    store.commit(commit(observations=(seen(observed),), accounts=(account_state(observed),), alerts=(alert(),)))
    prior, changes = store.load_prior(), store.changes()
    ticks = list(store.history.ticks(after(-100), after(100_000)))

    store.imports.add(NAMED, MINUTE, past(0, 1, 2), span(0, 3), NOON)
    assert (store.load_prior(), store.changes()) == (prior, changes)
    assert list(store.history.ticks(after(-100), after(100_000))) == ticks
    assert list(store.history.observations(ACCOUNT, after(-100), after(100_000))) == [seen(observed)]


def test_it_is_kept_while_another_process_owns_the_database(store: Store, url: str) -> None:
    """Importing needs no ownership: the daemon goes on."""
    beside = Store.open(url, create=False)
    try:
        assert beside.imports.add(NAMED, MINUTE, past(1), span(0, 2), NOON) == 1
    finally:
        beside.close()
    store.commit(commit(alerts=(alert(),)))
    assert minutes(store) == [1]


SPANS = st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda pair: span(pair[0], pair[0] + pair[1]))


@given(SPANS, st.lists(SPANS, max_size=6))
def test_a_span_without_others_is_what_is_in_none_of_them(whole: Span, covered: list[Span]) -> None:
    """Minute by minute the same as looking at each; the pieces are apart, in order and not empty."""

    def within(each: Span) -> set[int]:
        first, last = ((at - NOON) // MINUTE for at in (each.since, each.until))
        return set(range(first, last))

    left = whole.without(covered)
    assert [within(each) for each in left] == [found for each in left if (found := within(each))]
    assert set().union(*map(within, left)) == within(whole) - set().union(*map(within, covered))
    assert all(later.since > earlier.until for later, earlier in pairwise(left))
