"""What a tick was given, as far as its decision does not say it: kept so that the decision can be repeated. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core.engine import Answer
from marginwatch.core.model import CycleEnd, Normalised, VenueFailure
from marginwatch.core.state import Prior

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence
    from datetime import datetime

    from marginwatch.core.engine import News, Wishes
    from marginwatch.core.memory import Memory
    from marginwatch.core.model import Account
    from marginwatch.core.state import Commit

Listed: TypeAlias = "tuple[str, tuple[Account, ...]]"
"""A venue, and the accounts it listed."""


class Kind(enum.IntEnum):
    """What comes beside observations."""

    LISTING = 0
    FAILURE = 1
    CYCLE_END = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """The rest of what a tick was given."""

    listings: tuple[Listed, ...] = ()
    """In their order."""
    order: tuple[tuple[Kind, int], ...] = ()
    """Every listing, failure and end of a cycle in the order of the news, each with the number of the commit's
    observations that came before it."""
    wishes: Wishes | None = None
    """What operators wrote, where it is new."""
    began_at: datetime | None = None
    """When the process began, in the first tick that it recorded: a replay must begin anew there, too."""
    silent: tuple[datetime, ...] = ()
    """Since the tick on record before: when timers ran out for good and nothing followed that is worth a record."""
    resumed: bool = False
    """The tick is what beginning brought by itself: nothing else was decided."""
    reloaded: bool = False
    """The tick is what going on under other rules brought by itself: nothing else was decided. The tick's revision is
    that of the new rules; what came before it was decided by those of the tick on record before."""
    crowded: bool = False
    """More had arrived already: timers that had run out waited for a later tick."""
    looked_again: bool = False
    """All that is held back was looked at, whatever its time: a replay cannot see that the clock was set back."""

    def __bool__(self) -> bool:
        """Whether there is anything that makes a tick worth recording."""
        return bool(self.listings or self.wishes or self.reloaded)


def seen_in(news: Iterable[News], commit: Commit, venues: Container[str]) -> Seen:
    """What the news held, beside what the decision's own commit repeats of them; `venues` are those watched."""
    kept = {id(each.observation) for each in commit.observations}
    failures = {id(failure) for failure in commit.failures}
    ends = {(end.venue, end.started_at, end.ended_at) for end in commit.cycles}
    listings: list[Listed] = []
    order: list[tuple[Kind, int]] = []
    passed = 0
    for item in news:
        if isinstance(item, Answer):
            answered = item.normalised
            if answered.listing is not None and item.venue in venues:
                listings.append((item.venue, answered.listing))
                order.append((Kind.LISTING, passed))
            passed += sum(id(observation) in kept for observation in answered.observations)
            order += [(Kind.FAILURE, passed) for failure in answered.failures if id(failure) in failures]
        elif isinstance(item, VenueFailure) and id(item) in failures:
            order.append((Kind.FAILURE, passed))
        elif isinstance(item, CycleEnd) and (item.venue, item.started_at, item.ended_at) in ends:
            order.append((Kind.CYCLE_END, passed))
    return Seen(tuple(listings), tuple(order))


def left_by(memory: Memory) -> Prior:
    """What a process that ends with this memory leaves to the next one: what `Memory.of` takes up again.

    In the order in which a store would load it.
    """
    return Prior(
        accounts=dict(sorted(memory.accounts.items(), key=lambda each: (each[0].venue, each[0].id))),
        venues=memory.venues,
        alerts=tuple(sorted(memory.alerts(), key=lambda alert: (alert.active_at, alert.alert_id))),
        silences=memory.silences,
        acknowledgements=memory.acknowledgements,
        withheld=memory.waiting.rows,
        windows=memory.windows,
        lately=tuple(memory.lately.values()),
    )


def news_of(
    seen: Seen, answers: Sequence[Answer], failures: Sequence[VenueFailure], cycles: Sequence[CycleEnd]
) -> list[News]:
    """The news again, in their order; `answers` hold an observation each."""
    listed = [Answer(venue, Normalised(listing=accounts)) for venue, accounts in seen.listings]
    beside: dict[Kind, list[News]] = {Kind.LISTING: [*listed], Kind.FAILURE: [*failures], Kind.CYCLE_END: [*cycles]}
    found: list[News] = []
    passed = 0
    for kind, before in seen.order:
        found += answers[passed:before]
        passed = before
        found.append(beside[kind].pop(0))
    return [*found, *answers[passed:]]
