"""A pass over the accounts gives one outcome for each, ends in time, and hides no surprise."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from marginwatch.core.model import AccountKey, FailureKind, VenueFailure
from marginwatch.venues.http.cycle import Cycle
from marginwatch.venues.http.lanes import Lanes, Limits
from marginwatch.venues.protocol import Fetched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from marginwatch.venues.http.lanes import Lane

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ACCOUNTS = [AccountKey("here", str(number)) for number in range(20)]


@pytest.fixture
async def lanes() -> AsyncIterator[Lanes]:
    made = Lanes(4, Limits(), None)
    yield made
    await made.aclose()


async def answered(account: AccountKey, _: Lane) -> Fetched:
    await asyncio.sleep(0)
    return Fetched("here", account, {}, NOW)


async def test_every_account_has_one_outcome(lanes: Lanes) -> None:
    """However many workers there are, each account is asked for once."""
    cycle = Cycle(lanes, answered, lambda: NOW)

    outcomes = [outcome.account async for outcome in cycle.run(ACCOUNTS, clock.monotonic() + 5)]

    assert sorted(filter(None, outcomes)) == sorted(ACCOUNTS)
    assert cycle.unasked == set()


async def test_no_account_is_no_outcome(lanes: Lanes) -> None:
    """An empty list ends at once."""
    assert [outcome async for outcome in Cycle(lanes, answered, lambda: NOW).run([], clock.monotonic() + 5)] == []


async def test_what_the_time_does_not_reach_for_is_told(lanes: Lanes) -> None:
    """At the deadline every account left has a failure: those under way, and those never asked."""

    async def slow(account: AccountKey, lane: Lane) -> Fetched:
        await asyncio.sleep(0.3 if account.id < "2" else 0)
        return await answered(account, lane)

    cycle = Cycle(lanes, slow, lambda: NOW)
    outcomes = [outcome async for outcome in cycle.run(ACCOUNTS, clock.monotonic() + 0.1)]

    assert len(outcomes) == len(ACCOUNTS)
    late = [outcome for outcome in outcomes if isinstance(outcome, VenueFailure)]
    assert {failure.kind for failure in late} == {FailureKind.TIMED_OUT}
    assert {failure.detail for failure in late if failure.account in cycle.unasked} <= {
        "not asked: the cycle's time was up"
    }
    assert "no complete answer: the cycle's time was up" in {failure.detail for failure in late}
    await cycle.end(5)


async def test_a_fault_of_our_own_is_raised_and_not_swallowed(lanes: Lanes) -> None:
    """A surprise in a worker ends the cycle with that surprise."""

    async def surprised(account: AccountKey, lane: Lane) -> Fetched:
        if account.id == "7":
            msg = "surprise"
            raise RuntimeError(msg)
        return await answered(account, lane)

    with pytest.raises(RuntimeError, match="surprise"):
        async for _ in Cycle(lanes, surprised, lambda: NOW).run(ACCOUNTS, clock.monotonic() + 5):
            pass


async def test_ending_does_not_wait_for_ever(lanes: Lanes) -> None:
    """Workers that are still under way are given so much time and no more."""
    release = asyncio.Event()

    async def stuck(account: AccountKey, lane: Lane) -> Fetched:
        await release.wait()
        return await answered(account, lane)

    cycle = Cycle(lanes, stuck, lambda: NOW)
    assert len([outcome async for outcome in cycle.run(ACCOUNTS, clock.monotonic() + 0.05)]) == len(ACCOUNTS)
    await cycle.end(0.01)
    release.set()
    await cycle.end(5)
