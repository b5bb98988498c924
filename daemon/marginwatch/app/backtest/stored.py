"""The past as the store has it, thinned stretches filled with what they left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.app.backtest.turn import Turn
from marginwatch.core.engine import Answer
from marginwatch.core.model import Normalised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from marginwatch.core.model import AccountKey, Observation
    from marginwatch.store.history import History
    from marginwatch.store.types import RecordedTick

LONGEST_HELD: Final = timedelta(days=1)
"""A value of a thinned stretch is taken to have held until the next one, but not for longer."""


class StoredPast:
    """Every recorded tick of a span of time."""

    def __init__(self, history: History, since: datetime, until: datetime, repeat_every: timedelta) -> None:
        """`repeat_every`: how often an unchanged value of a thinned stretch is seen again."""
        self.thinned_until: datetime | None = None
        """The last tick read so far of which retention dropped detail."""
        self.columns: frozenset[str] | None = None
        """Any field may come."""
        self._history = history
        self._span = since, until
        self._repeat_every = repeat_every
        self._held: dict[AccountKey, Observation] = {}

    def __iter__(self) -> Iterator[Turn]:
        for tick in self._history.ticks(*self._span):
            if self.thinned_until is not None:
                yield from self._repeated(self.thinned_until, tick.at)
            if tick.thinned:
                self.thinned_until = tick.at
                self._held.update((each.observation.account, each.observation) for each in tick.observations)
            elif self._held:
                self._held.clear()
            yield _turn(tick)

    def _repeated(self, since: datetime, until: datetime) -> Iterator[Turn]:
        """What was held in between, seen again and again: the store keeps no observation that changed nothing."""
        at = since + self._repeat_every
        while self._held and at < until:
            answers = [_again(each, at) for each in self._held.values() if at - each.fetched_at <= LONGEST_HELD]
            if not answers:
                return
            yield Turn(at, answers)
            at += self._repeat_every


def _turn(tick: RecordedTick) -> Turn:
    return Turn(tick.at, tick.news, "" if tick.thinned else tick.revision, tick.seen)


def _again(held: Observation, at: datetime) -> Answer:
    as_of = None if held.as_of is None else held.as_of + (at - held.fetched_at)
    again = replace(held, fetched_at=at, as_of=as_of, failures=())
    return Answer(held.account.venue, Normalised(observations=(again,)))
