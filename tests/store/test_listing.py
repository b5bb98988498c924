"""The compact record of a tick says exactly what it was told."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.model import CycleEnd
from marginwatch.store.columns import to_micros
from marginwatch.store.listing import Listing, Occurrence, Unchanged, pack, unpack
from support.records import NOON, after, failure, observation

MOMENTS = st.floats(-1e6, 1e6).map(after)
TICK = to_micros(NOON)


@given(st.lists(st.tuples(st.integers(1, 10**6), MOMENTS, st.none() | MOMENTS)))
def test_unchanged_observations_come_back_with_their_times(entries: list[tuple[int, object, object]]) -> None:
    """Account, place, fetched_at and as_of of each survive packing, to the microsecond."""
    listing = Listing()
    for place, (account, fetched, as_of) in enumerate(entries):
        listing.add(observation(fetched_at=fetched, as_of=as_of), account=account, place=place, tick=TICK)

    assert unpack(pack(listing)).unchanged(TICK) == [
        Unchanged(account, place, fetched, as_of)  # type: ignore[arg-type]  # Hypothesis' tuples are untyped
        for place, (account, fetched, as_of) in enumerate(entries)
    ]


def test_an_unchanged_observation_costs_a_few_bytes() -> None:
    """A thousand of them take under 15 bytes each, where one in full takes hundreds."""
    listing = Listing()
    for number in range(1000):
        seen = observation(number * 0.0101, as_of=after(number * 0.0101 - 0.37))
        listing.add(seen, account=number, place=number, tick=to_micros(after(12)))

    assert len(pack(listing)) < 15_000


def test_failures_and_cycle_ends_come_back() -> None:
    """What differs from time to time within a run is kept for each time."""
    listing = Listing()
    failed = failure(-3.5, trace_id="t-1", retry_after=timedelta(seconds=2.5))
    listing.failures.append(Occurrence.of(failed, TICK, run=7, place=2))
    end = CycleEnd("futures", after(-9), after(-1), attempted=5, failed=5, cause=failure(-4, account=None))
    listing.add_cycle(end, TICK)
    read = unpack(pack(listing))
    (occurrence,) = read.failures

    assert (occurrence.place, occurrence.run) == (2, 7)
    assert (occurrence.at(TICK), occurrence.trace_id, occurrence.retry()) == (failed.at, "t-1", failed.retry_after)
    assert read.cycle_ends(TICK) == (end,)
