"""Works out the rows of one commit before the transaction begins: pure, so that the lock is held briefly."""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core.model import AccountKey
from marginwatch.core.state import AccountState
from marginwatch.store import rows
from marginwatch.store.columns import storable, to_micros
from marginwatch.store.listing import STANDALONE, Listing, Occurrence, pack, written_wishes
from marginwatch.store.rows import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.model import CycleEnd, VenueFailure
    from marginwatch.core.seen import Listed, Seen
    from marginwatch.core.state import Commit, StoredObservation
    from marginwatch.store.rows import Row

Slot: TypeAlias = "tuple[str, AccountKey | None]"
"""Whose failures follow one another: venue and account."""


@dataclass(slots=True)
class Memory:
    """What the owner remembers of its own rows, so that a commit reads nothing back."""

    next_id: dict[str, int] = field(default_factory=dict)
    """By table: the id of its next row. Only the owner writes these tables."""
    accounts: dict[AccountKey, int] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    states: dict[int, AccountState] = field(default_factory=dict)
    """By account row: as last written."""
    optional: dict[int, frozenset[str]] = field(default_factory=dict)
    """By account row: `Observation.optional` of the last one this process stored in full."""
    failing: dict[Slot, dict[str, Run]] = field(default_factory=dict)
    """By call."""
    cycles: dict[str, Run] = field(default_factory=dict)
    listings: dict[str, tuple[int, Listed]] = field(default_factory=dict)
    """By venue: the row of the latest one this process stored, and what it says."""


@dataclass(slots=True)
class Staged:
    """The rows of one commit by table, and what to remember once it is durable."""

    commit: Commit
    tick: int
    rows: Mapping[str, list[Row]]
    learned: Memory
    ended: set[Slot]
    """Where a success ended every run."""

    def remember(self, memory: Memory) -> None:
        """Take over what the commit taught; to be called only after it is durable."""
        memory.next_id.update(self.learned.next_id)
        memory.accounts.update(self.learned.accounts)
        memory.revisions.update(self.learned.revisions)
        memory.states.update(self.learned.states)
        memory.optional.update(self.learned.optional)
        memory.cycles.update(self.learned.cycles)
        memory.listings.update(self.learned.listings)
        for slot in self.ended:
            memory.failing.pop(slot, None)
        for slot, runs in self.learned.failing.items():
            memory.failing.setdefault(slot, {}).update(runs)
        for key in self.commit.forgotten:
            memory.states.pop(memory.accounts.get(key, 0), None)


def stage(commit: Commit, memory: Memory) -> Staged:
    """The rows of a commit. Neither argument is changed."""
    return _Stage(commit, memory).staged()


_TIMES = ("observed_at", "fetched_at")
_lasting = operator.attrgetter(*(part.name for part in fields(AccountState) if part.name not in _TIMES))
"""All of an account's state but what its sighting holds."""


class _Stage:
    """One commit being worked out; new knowledge goes to `learned`, laid over `memory`."""

    def __init__(self, commit: Commit, memory: Memory) -> None:
        self._commit = commit
        self._memory = memory
        self._learned = Memory()
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)
        self._listing = Listing()
        self._at = to_micros(commit.at)
        self._tick = self._next("ticks")

    def staged(self) -> Staged:
        commit = self._commit
        revision = self._revision(commit.revision)
        for place, stored in enumerate(commit.observations):
            self._observation(stored, place)
        for failure in commit.failures:
            self._failure(failure, STANDALONE)
        for end in commit.cycles:
            self._cycle(end)
        for state in commit.accounts:
            self._account_state(state)
        if commit.seen is not None:
            self._seen(commit.seen)
        self._rows["venues"] = [rows.venue_row(state) for state in commit.venues]
        self._rows["alerts"] = [rows.alert_row(alert, commit.at) for alert in commit.alerts]
        self._rows["transitions"] = [rows.transition_row(step, self._tick) for step in commit.transitions]
        self._rows["outbox"] = [rows.outbox_row(message, commit.at) for message in commit.messages]
        self._rows["held"] = [rows.withheld_row(item) for item in commit.withheld]
        listing = pack(self._listing)
        self._rows["ticks"] = [{"id": self._tick, "at": commit.at, "revision_id": revision, "listing": listing}]
        return Staged(commit, self._tick, self._rows, self._learned, self._ended())

    def _next(self, table: str) -> int:
        number = self._learned.next_id.get(table) or self._memory.next_id.get(table, 1)
        self._learned.next_id[table] = number + 1
        return number

    def _revision(self, revision: str) -> int:
        known = self._memory.revisions.get(revision)
        if known is None:
            known = self._learned.revisions[revision] = self._next("revisions")
            self._rows["revisions"].append({"id": known, "revision": revision, "first_at": self._commit.at})
        return known

    def _account(self, key: AccountKey) -> int:
        known = self._memory.accounts.get(key) or self._learned.accounts.get(key)
        if known is None and (key.venue, key.id) != (stored := (storable(key.venue), storable(key.id))):
            return self._account(AccountKey(*stored))  # the row there is of it, perhaps; two would be refused
        if known is None:
            known = self._learned.accounts[key] = self._next("accounts")
            self._rows["accounts"].append(rows.account_row(known, key))
        return known

    def _observation(self, stored: StoredObservation, place: int) -> None:
        observation = stored.observation
        key = observation.account
        account = self._account(key)
        previous = self._learned.optional.get(account, self._memory.optional.get(account))
        if stored.unchanged and previous == observation.optional:
            self._listing.add(observation, account=account, place=place, tick=self._at)
        else:
            self._learned.optional[account] = observation.optional
            self._rows["observations"].append(
                rows.observation_row(observation, self._tick, account=account, place=place)
            )
        for failure in observation.failures:
            self._failure(failure, place)

    def _failure(self, failure: VenueFailure, place: int) -> None:
        slot, call = (failure.venue, failure.account), failure.call
        same = (failure.kind, failure.where, failure.detail)
        learned = self._learned.failing.setdefault(slot, {})
        run = learned.get(call) or self._memory.failing.get(slot, {}).get(call)
        if run is None or run.same != same:
            run = Run(self._next("failures"), same, failure.at, failure.at, 0)
        again = run.times and failure.at == run.last_at  # the same one, beside another account's observation
        run = replace(run, last_at=failure.at, times=run.times + (not again))
        learned[call] = run
        self._rows["failures"].append(rows.failure_row(failure, run))
        self._listing.failures.append(Occurrence.of(failure, self._at, run=run.id, place=place))

    def _cycle(self, end: CycleEnd) -> None:
        cause = end.cause.detail if end.cause else ""
        same = (end.attempted, end.failed, cause)
        run = self._learned.cycles.get(end.venue) or self._memory.cycles.get(end.venue)
        if run is None or run.same != same:
            run = Run(self._next("cycles"), same, end.started_at, end.ended_at, 0)
        run = replace(run, last_at=end.ended_at, times=run.times + 1)
        self._learned.cycles[end.venue] = run
        self._rows["cycles"].append(rows.cycle_row(end, run, cause))
        self._listing.add_cycle(end, self._at)

    def _seen(self, seen: Seen) -> None:
        for listed in seen.listings:
            venue = listed[0]
            known = self._learned.listings.get(venue) or self._memory.listings.get(venue)
            if known is None or known[1] != listed:
                known = self._learned.listings[venue] = (self._next("listings"), listed)
                self._rows["listings"].append(rows.listing_row(known[0], listed, self._tick))
            self._listing.listings.append(known[0])
        self._listing.order = list(seen.order)
        self._listing.wishes = None if seen.wishes is None else written_wishes(seen.wishes)
        self._listing.began = None if seen.began_at is None else self._at - to_micros(seen.began_at)
        self._listing.silent = [self._at - to_micros(moment) for moment in seen.silent]
        self._listing.resumed = seen.resumed
        self._listing.reloaded = seen.reloaded
        self._listing.crowded = seen.crowded
        self._listing.looked_again = seen.looked_again

    def _account_state(self, state: AccountState) -> None:
        key = state.account.key
        account = self._account(key)
        self._rows["sightings"].append(
            {"account_id": account, "observed_at": state.observed_at, "fetched_at": state.fetched_at}
        )
        written = self._memory.states.get(account)
        if written is None or _lasting(state) != _lasting(written):
            self._learned.states[account] = state
            self._rows["accounts"].append(rows.account_row(account, key, state))

    def _ended(self) -> set[Slot]:
        """Where this commit's successes end runs: accounts that answered, venues whose cycle went well."""
        if not self._memory.failing:
            return set()
        observed = (stored.observation.account for stored in self._commit.observations)
        good: set[Slot] = {(account.venue, account) for account in observed}
        return good | {(end.venue, None) for end in self._commit.cycles if end.cause is None}
