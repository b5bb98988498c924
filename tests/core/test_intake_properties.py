"""What is kept of an account's observations: the last known values, and whether one says the same as the one before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st

from marginwatch.core.engine import Answer, decide, remember
from marginwatch.core.memory import Memory
from marginwatch.core.model import FailureKind, Normalised, Observation, VenueFailure
from support.desk import ALL_RULES, MAX_AGE, ONE, VENUE, after, answer, cycle_end, failed, ruling

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marginwatch.core.engine import News
    from marginwatch.core.model import Value

EVERY = 10.0
RULES = ruling(*ALL_RULES)
OTHER_CALLS = (
    VenueFailure(VENUE, FailureKind.TIMED_OUT, after(0), "no answer", "positions", ONE),
    VenueFailure(VENUE, FailureKind.BAD_ANSWER, after(0), "not a number", "positions", ONE),
    VenueFailure(VENUE, FailureKind.TIMED_OUT, after(0), "no answer", "metrics", ONE),
)
TOO_OLD = MAX_AGE + timedelta(seconds=1)
AGES = (None, timedelta(0), timedelta(seconds=25), MAX_AGE, TOO_OLD, 2 * MAX_AGE)
"""Of the venue's own time of its numbers, where it has one; those between the ends go back behind the one before."""


@dataclass(frozen=True)
class Says:
    """What an answer says of the account."""

    fields: dict[str, Value]
    positions: tuple[dict[str, Value], ...] | None = ()
    age: timedelta | None = None
    failures: tuple[VenueFailure, ...] = ()
    optional: frozenset[str] = frozenset()

    def at(self, now: datetime) -> Observation:
        """The observation that comes then."""
        own = None if self.age is None else now - self.age
        return Observation(ONE, now, own, self.fields, self.positions, self.failures, self.optional)

    @property
    def too_old(self) -> bool:
        """Its numbers are not to be used."""
        return self.age is not None and self.age >= TOO_OLD

    @property
    def kept(self) -> object:
        """All of it that is to be kept, apart from times."""
        failures = [(failure.call, failure.kind) for failure in self.failures]
        return self.fields, self.positions, self.too_old, failures, self.optional


@dataclass
class Plain:
    """The same, written as it is said: the last known value of every field, and what was said last."""

    known: dict[str, Value] = field(default_factory=dict)
    kept: object = None
    times: int = 0

    def take(self, says: Says) -> int:
        """How often the same was said in a row, this time included."""
        if not says.too_old:
            self.known |= {name: value for name, value in says.fields.items() if value is not None}
        self.times = self.times + 1 if says.kept == self.kept else 1
        self.kept = says.kept
        return self.times


KEPT_TWICE = 2
"""The second of the same in a row may be kept whole; no further one is."""

Between: TypeAlias = str
"""What comes that is no answer about the account."""

values = st.one_of(st.none(), st.sampled_from([Decimal(-1), Decimal(-2), Decimal(1), "USD"]))
rows = st.dictionaries(st.sampled_from(["equity", "margin_usage", "currency", "in_margin_call"]), values).map(
    lambda found: dict(sorted(found.items()))  # a venue names its fields in the same order every time
)
says = st.builds(
    Says,
    fields=rows,
    positions=st.one_of(st.none(), st.lists(rows, max_size=2).map(tuple)),
    age=st.sampled_from(AGES),
    failures=st.sets(st.sampled_from(OTHER_CALLS), max_size=2).map(lambda some: tuple(sorted(some, key=repr))),
    optional=st.frozensets(st.sampled_from(["metrics", "calls"])),
)
others = st.sampled_from(["account fails", "venue fails", "cycle ends", "listed", "left out"])
ticks = st.lists(st.one_of(says, others), max_size=3)


@given(st.lists(ticks, min_size=1, max_size=8), st.data())
@example([[Says({"equity": Decimal(1)})], [Says({})]], None)
@example([[Says({"equity": Decimal(1)}, age=age)] for age in (None, TOO_OLD, None)], None)
@example([[Says({"equity": value}, None)] for value in (Decimal(1), None)], None)
@example([[Says({}, ({"quantity": Decimal(size)},))] for size in (-1, -2)], None)
def test_an_observation_is_unchanged_when_it_says_the_same(
    stream: list[list[Says | Between]], data: st.DataObject | None
) -> None:
    """In fields with their nulls and gaps, positions, failures, calls not offered, and in being too old, whatever
    came between; and what is known is the latest value of each field that was neither null nor too old.
    """
    memory, plain = Memory(), Plain()
    said: list[Says] = []
    for number, tick in enumerate(stream):
        now = after(number * EVERY)
        repeated = [_again(said, each, data) for each in tick]
        said += [each for each in repeated if isinstance(each, Says)]
        decision = decide(memory, RULES, [_news(each, number * EVERY) for each in repeated], now)
        remember(memory, decision)

        times = [plain.take(each) for each in repeated if isinstance(each, Says)]
        for stored, often in zip(decision.commit.observations, times, strict=True):
            assert stored.unchanged == (often > 1) or (often == KEPT_TWICE and not stored.unchanged)
        state = memory.accounts.get(ONE)
        assert dict(state.known if state else {}) == plain.known


def _again(said: Sequence[Says], each: Says | Between, data: st.DataObject | None) -> Says | Between:
    """Every other answer says what the one before it said, which chance alone would seldom bring about."""
    if data is None or not said or not isinstance(each, Says):
        return each
    return said[-1] if data.draw(st.booleans(), "says the same again") else each


def _news(each: Says | Between, second: float) -> News:
    if isinstance(each, Says):
        return Answer(VENUE, Normalised(observations=(each.at(after(second)),)))
    between: dict[Between, News] = {
        "account fails": failed(second),
        "venue fails": failed(second, None),
        "cycle ends": cycle_end(second),
        "listed": answer(listing=[ONE]),
        "left out": answer(listing=[]),
    }
    return between[each]
