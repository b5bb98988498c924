"""The engine run again on what is stored of one account, with the rules as they are now.

    begin .......... answer ......... answer, failures, time ........ until
    |  decided and remembered       |  looked at, then decided        |

The latest answer is looked at before it is decided on: what the rules compared it with is gone afterwards.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from marginwatch.app.replay import Replay
from marginwatch.core.draft import Draft
from marginwatch.core.engine import Answer
from marginwatch.core.memory import Memory
from marginwatch.core.model import GROUPS, Normalised, Observation, VenueFailure
from marginwatch.core.seeding import fill
from marginwatch.core.seen import left_by
from marginwatch.core.state import AccountState, Prior

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping
    from datetime import datetime

    from marginwatch.core.engine import News, Wishes
    from marginwatch.core.model import Account, AccountKey, Value
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.seeding import Stored
    from marginwatch.core.windows import Coverage
    from marginwatch.store.history import History
    from marginwatch.store.types import RecordedTick

_INSTANT = timedelta(microseconds=1)
_OF_SOME = "unknown (something of its accounts is not known; the group's `data-stale` tells what)"
"""Why a group's own field is null: the reason itself is stored with the alert about it alone."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The latest answer, and what it was compared with."""

    observation: Observation
    before: AccountState
    """The account as it was known before that answer."""
    facts: Mapping[str, Value]
    """What the rules read: fields, times, and windows under their texts."""
    coverage: Mapping[str, Coverage]
    """How much was seen of each window, by its text."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """How things stood."""

    sight: Sight | None
    """None when no answer is stored of that time."""
    failure: VenueFailure | None
    """The latest since that answer."""
    memory: Memory
    """What the engine remembered."""
    revision: str
    """Hash of the rule set that decided the latest tick; empty without one."""
    thinned: bool
    """Retention dropped detail of that time."""


def recall(history: History, ruling: Ruling, account: Account, begin: datetime, until: datetime) -> Recalled:
    """Go through all that is stored of the account from `begin` up to and with `until`."""
    recalling = _Recalling(history, ruling, account)
    recalling.start(begin)
    for tick in history.ticks(begin, until + _INSTANT, account.key):
        recalling.take(tick)
    return recalling.end()


class _Recalling:
    """One run."""

    def __init__(self, history: History, ruling: Ruling, account: Account) -> None:
        self._history = history
        self._account = account
        self._replay = Replay(ruling)
        self._waiting: deque[Callable[[], object]] = deque()
        """What follows from the latest answer on."""
        self._latest: tuple[Observation, datetime] | None = None
        self._previous: Observation | None = None
        """The answer before the latest."""
        self._failure: VenueFailure | None = None
        self._unlisted = False
        """The account is to be made known with its first answer."""
        self._revision = ""
        self._thinned = False

    def start(self, begin: datetime) -> None:
        """Take up what was known of the account then."""
        prior, key = self._history.prior(begin), self._account.key
        known = prior.accounts.get(key)
        self._unlisted = known is None
        # By the name it has now, as rules select it.
        accounts = {} if known is None else {key: replace(known, account=self._account)}
        venues = {name: venue for name, venue in prior.venues.items() if name == key.venue}
        lately = tuple(alert for alert in self._history.ended_lately(begin) if alert.key.account == key)
        self._begin(begin, Prior(accounts=accounts, venues=venues, lately=lately))

    def take(self, tick: RecordedTick) -> None:
        """All that a tick was given of the account, in the order of time."""
        self._revision, self._thinned = tick.revision, self._thinned or tick.thinned
        if tick.seen.began_at is not None:
            self._later(self._restart, tick.seen.began_at)
        for moment in tick.seen.silent:
            self._later(self._pass, moment)
        if tick.seen.looked_again:
            self._later(self._replay.look_again)
        feed = partial(self._feed, crowded=tick.seen.crowded)
        if tick.seen.wishes is not None:
            self._later(feed, (), tick.at, self._of_account(tick.seen.wishes))
        given: list[Observation | VenueFailure] = [each.observation for each in tick.observations]
        for item in sorted([*given, *tick.failures], key=_came_at):
            if isinstance(item, Observation):
                self._settle()
                self._previous = self._latest[0] if self._latest else None
                self._latest, self._failure = (item, tick.at), None
                listing = (self._account,) if self._unlisted else None
                self._unlisted = False
                answer = Answer(item.account.venue, Normalised(listing, (item,)))
                self._later(feed, (answer,), tick.at)
            else:
                self._failure = item
                self._later(feed, (item,), tick.at)
        self._later(feed, tick.cycles, tick.at)

    def end(self) -> Recalled:
        """Look at the latest answer, and decide what is left to be decided."""
        sight = None if self._latest is None else self._look(*self._latest)
        self._settle()
        return Recalled(sight, self._failure, self._replay.memory, self._revision, self._thinned)

    def _later(self, act: Callable[..., object], *given: object) -> None:
        self._waiting.append(lambda: act(*given))

    def _settle(self) -> None:
        while self._waiting:
            self._waiting.popleft()()

    def _restart(self, at: datetime) -> None:
        self._begin(at, left_by(self._replay.memory))

    def _begin(self, at: datetime, prior: Prior) -> None:
        self._replay.start(at, prior, self._stored(at))

    def _pass(self, at: datetime) -> None:
        """The timers that have run out, as a tick attends to them whatever it was for."""
        memory = self._replay.memory
        ends = (silence.ends_at for silence in memory.silences)
        if any(moment <= at for moment in (memory.next_timer(), memory.waiting.next, *ends) if moment is not None):
            self._replay.feed((), at)

    def _feed(self, news: Iterable[News], at: datetime, wishes: Wishes | None = None, *, crowded: bool = False) -> None:
        items = tuple(news)
        if items or wishes is not None:
            self._replay.feed(items, at, wishes, crowded=crowded)
            self._replay.memory.next_timer()  # lets go of timers that are set anew, or all would be gone through
        elif not crowded:
            self._pass(at)

    def _of_account(self, wishes: Wishes) -> Wishes:
        return replace(wishes, forget=tuple(each for each in wishes.forget if each[1] == self._account.key))

    def _look(self, observation: Observation, at: datetime) -> Sight:
        ruling, memory = self._replay.ruling, self._replay.memory
        if self._account.key.venue == GROUPS:
            memory = self._put_together(at)
            observation = replace(observation, reasons=dict.fromkeys(observation.fields, _OF_SOME))
        state = memory.accounts.get(observation.account) or AccountState(self._account, at)
        watch = ruling.venues[observation.account.venue]
        rules = ruling.rules_of(watch, state.account)
        facts, coverage = rules.facts(observation), {}
        if rules.windows and not watch.too_old(observation):
            answers = Draft(memory, ruling, at, (), {}).look_back(watch, rules, state, observation)
            values = answers.values()
            facts = {**facts, **values}
            coverage = {each.text: each for each in answers.coverage(tuple(values))}
        return Sight(observation, state, facts, coverage)

    def _put_together(self, at: datetime) -> Memory:
        """What was known of a group, which is put together from accounts that are not gone through here."""
        seen = self._previous
        if seen is None:
            return Memory()
        known = {name: value for name, value in seen.fields.items() if value is not None}
        state = AccountState(self._account, seen.fetched_at, known, seen.observed_at, seen.fetched_at)
        memory = Memory(accounts={self._account.key: state})
        fill(memory, self._replay.ruling, at, self._stored(at))
        return memory

    def _stored(self, until: datetime) -> Stored:
        def stored(_: Container[AccountKey], since: datetime) -> Iterator[Observation]:
            return (each.observation for each in self._history.observations(self._account.key, since, until))

        return stored


def _came_at(item: Observation | VenueFailure) -> datetime:
    return item.fetched_at if isinstance(item, Observation) else item.at
