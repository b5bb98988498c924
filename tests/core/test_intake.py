"""What is kept of an account's observations: the last known values, and whether one says the same as the one before."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from marginwatch.core.engine import Answer, decide, remember
from marginwatch.core.memory import Memory
from marginwatch.core.model import FailureKind, Normalised, Observation, VenueFailure
from support.desk import MAX_AGE, ONE, VENUE, after, ruling

if TYPE_CHECKING:
    from marginwatch.core.model import Value

EVERY = 10.0
FAILED = VenueFailure(VENUE, FailureKind.TIMED_OUT, after(0), "no answer", "positions", ONE)

values = st.dictionaries(
    st.sampled_from(["equity", "margin_usage", "currency"]),
    st.sampled_from([None, Decimal(1), Decimal(2), "USD"]),
    max_size=3,
).map(lambda found: dict(sorted(found.items())))
Said = tuple["dict[str, Value]", "list[dict[str, Value]] | None", bool, tuple[VenueFailure, ...], frozenset[str]]
"""Fields, positions, whether its own time is too old, failures, calls not offered."""
said = st.tuples(
    values,
    st.one_of(st.none(), st.lists(values, max_size=2)),
    st.booleans(),
    st.sampled_from([(), (FAILED,)]),
    st.sampled_from([frozenset[str](), frozenset({"metrics"})]),
)


@given(st.lists(said, min_size=1, max_size=6))
@example([({"equity": Decimal(1)}, [], False, (), frozenset()), ({}, [], False, (), frozenset())])
@example([({"equity": Decimal(1)}, [], old, (), frozenset()) for old in (True, False, True)])
@example([({"equity": Decimal(1)}, None, False, (), frozenset()), ({"equity": None}, None, False, (), frozenset())])
def test_an_observation_is_unchanged_exactly_when_it_says_the_same(stream: list[Said]) -> None:
    """In fields with their nulls and gaps, positions, failures, calls not offered, and in being too old; and what is
    known is the latest value of each field that was neither null nor too old.
    """
    memory = Memory()
    known: dict[str, Value] = {}
    before: Said | None = None
    for number, says in enumerate(stream):
        fields, positions, old, failures, optional = says
        at = after(number * EVERY)
        own = at - 2 * MAX_AGE if old else at
        lots = None if positions is None else tuple(positions)
        seen = Observation(ONE, at, own, fields, lots, failures, optional)
        decision = decide(memory, ruling(), [Answer(VENUE, Normalised(observations=(seen,)))], at)
        remember(memory, decision)
        if not old:
            known |= {name: value for name, value in fields.items() if value is not None}

        assert decision.commit.observations[0].unchanged is (says == before)
        assert dict(memory.accounts[ONE].known) == known
        before = says
