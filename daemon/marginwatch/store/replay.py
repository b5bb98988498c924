"""Puts recorded ticks together again, exactly as they were committed."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import sqlalchemy as sa

from marginwatch.core.model import Account, AccountKey, FailureKind, Observation, VenueFailure
from marginwatch.core.seen import Seen
from marginwatch.core.state import AccountState, Prior, StoredObservation, VenueState
from marginwatch.store import codec
from marginwatch.store.columns import from_micros, to_micros
from marginwatch.store.listing import STANDALONE, Listing, Unchanged, read_wishes, unpack
from marginwatch.store.rows import read_listing
from marginwatch.store.tables import accounts, failures, listings, observations, revisions, ticks
from marginwatch.store.types import RecordedTick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.core.model import Value
    from marginwatch.core.seen import Listed
    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database

_PAGE = 500
"""Ticks read in one transaction: a longer one would keep the write-ahead log from being cut."""
_MOST = 5_000
"""Observations held in memory at once, unless a single tick has more."""
_CHUNK = 1000
"""Ids named in one query."""
Failures: TypeAlias = "Mapping[int, tuple[VenueFailure, ...]]"
"""Failures of one tick, by the place of their observation."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What an observation said, apart from when; shared by all the unchanged ones after it."""

    fields: Mapping[str, Value]
    positions: tuple[Mapping[str, Value], ...] | None
    optional: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Page:
    """Some ticks in a row with everything that belongs to them."""

    ticks: list[tuple[AnyRow, Listing | None]]
    changed: Mapping[int, list[AnyRow]]
    """By tick id."""
    runs: Mapping[int, AnyRow]
    """Failure runs by id."""
    whole: bool
    """There are no more ticks after it."""


class Replay:
    """The ticks of a span of time (`since` in, `until` out), oldest first, with all accounts or only one."""

    def __init__(self, database: Database, since: datetime, until: datetime, only: AccountKey | None = None) -> None:
        self._database = database
        self._span = (ticks.c.at >= since, ticks.c.at < until)
        self._only = only
        self._accounts: dict[int, AccountKey] = {}
        self._said: dict[int, _Said] = {}
        self._listings: dict[int, Listed] = {}

    def __iter__(self) -> Iterator[RecordedTick]:
        last = 0
        while True:
            with self._database.read() as connection:
                page = self._page(connection, last)
                recorded = [self._tick(connection, page, row, listing) for row, listing in page.ticks]
            yield from recorded
            if page.whole:
                return
            last = recorded[-1].id

    def _page(self, connection: Connection, last: int) -> _Page:
        wanted = sa.select(ticks.c.id, ticks.c.at, ticks.c.listing, revisions.c.revision).join(revisions)
        wanted = wanted.where(ticks.c.id > last, *self._span).order_by(ticks.c.id).limit(_PAGE)
        found = [(row, unpack(row.listing) if row.listing else None) for row in connection.execute(wanted)]
        if not found:
            return _Page([], {}, {}, whole=True)
        whole = len(found) < _PAGE
        fitting = _fitting(connection, found)
        whole, found = whole and fitting == len(found), found[:fitting]
        self._accounts = _accounts(connection, self._only)
        changed = self._changed(connection, found[0][0].id, found[-1][0].id)
        runs = {occurrence.run for _, listing in found if listing for occurrence in listing.failures}
        self._read_listings(connection, {row for _, listing in found if listing for row in listing.listings})
        return _Page(found, changed, _runs(connection, sorted(runs)), whole)

    def _read_listings(self, connection: Connection, needed: set[int]) -> None:
        """Those that a page names; the ones it names no more are let go."""
        self._listings = {row: listed for row, listed in self._listings.items() if row in needed}
        missing = sorted(needed - self._listings.keys())
        for start in range(0, len(missing), _CHUNK):
            wanted = sa.select(listings).where(listings.c.id.in_(missing[start : start + _CHUNK]))
            self._listings.update((row.id, read_listing(row.venue, row.data)) for row in connection.execute(wanted))

    def _changed(self, connection: Connection, first: int, last: int) -> Mapping[int, list[AnyRow]]:
        wanted = sa.select(observations).where(observations.c.tick_id.between(first, last))
        if self._only is not None:
            wanted = wanted.where(observations.c.account_id.in_(self._accounts))
        by_tick: defaultdict[int, list[AnyRow]] = defaultdict(list)
        for row in connection.execute(wanted.order_by(observations.c.id)):
            by_tick[row.tick_id].append(row)
        return by_tick

    def _tick(self, connection: Connection, page: _Page, row: AnyRow, listing: Listing | None) -> RecordedTick:
        at = to_micros(row.at)
        here = listing or Listing()
        failed = self._failures(here, at, page.runs)
        entries: list[AnyRow | Unchanged] = [*page.changed.get(row.id, ()), *here.unchanged(at)]
        entries.sort(key=lambda entry: entry.place)
        stored = [self._observation(connection, entry, row.id, failed) for entry in entries if self._wants(entry)]
        return RecordedTick(
            row.id,
            row.at,
            row.revision,
            observations=tuple(stored),
            failures=failed.get(STANDALONE, ()),
            cycles=tuple(end for end in here.cycle_ends(at) if self._only is None or end.venue == self._only.venue),
            seen=Seen(
                listings=tuple(self._listings[row] for row in here.listings),
                order=tuple(here.order),
                wishes=None if here.wishes is None else read_wishes(here.wishes),
                began_at=None if here.began is None else from_micros(at - here.began),
                silent=tuple(from_micros(at - before) for before in here.silent),
                resumed=here.resumed,
                reloaded=here.reloaded,
                crowded=here.crowded,
                looked_again=here.looked_again,
            ),
            thinned=listing is None,
        )

    def _wants(self, entry: AnyRow | Unchanged) -> bool:
        return _account_of(entry) in self._accounts

    def _failures(self, listing: Listing, at: int, runs: Mapping[int, AnyRow]) -> Failures:
        found: defaultdict[int, tuple[VenueFailure, ...]] = defaultdict(tuple)
        for occurrence in listing.failures:
            run = runs[occurrence.run]
            if occurrence.place != STANDALONE or self._concerns(run):
                moment = occurrence.at(at)
                failure = VenueFailure(
                    venue=run.venue,
                    kind=FailureKind(run.kind),
                    at=moment,
                    detail=run.detail,
                    call=run.call,
                    account=None if run.account is None else AccountKey(run.venue, run.account),
                    where=run.place,
                    trace_id=occurrence.trace_id,
                    retry_after=occurrence.retry(),
                    body=run.raw if moment == run.first_at else None,
                )
                found[occurrence.place] += (failure,)
        return found

    def _concerns(self, run: AnyRow) -> bool:
        return self._only is None or (run.venue == self._only.venue and run.account in {None, self._only.id})

    def _observation(
        self, connection: Connection, entry: AnyRow | Unchanged, tick: int, failed: Failures
    ) -> StoredObservation:
        account = _account_of(entry)
        unchanged = isinstance(entry, Unchanged)
        if not isinstance(entry, Unchanged):
            self._said[account] = read_said(entry.data)
        elif account not in self._said:
            self._said[account] = _said_before(connection, account, tick)
        said = self._said[account]
        observation = Observation(
            account=self._accounts[account],
            fetched_at=entry.fetched_at,
            as_of=entry.as_of,
            fields=said.fields,
            positions=said.positions,
            failures=failed.get(entry.place, ()),
            optional=said.optional,
        )
        return StoredObservation(observation, unchanged=unchanged)


def prior(connection: Connection, at: datetime) -> Prior:
    """See `History.prior`."""
    before = sa.select(ticks.c.id).where(ticks.c.at < at).order_by(ticks.c.id.desc()).limit(1)
    last = connection.scalar(before) or 0
    names = {row.id: row for row in connection.execute(sa.select(accounts))}
    states = {}
    for account, row in names.items():
        found = connection.execute(
            sa.select(observations)
            .where(observations.c.account_id == account, observations.c.tick_id <= last)
            .order_by(observations.c.tick_id.desc(), observations.c.place.desc())
            .limit(1)
        ).one_or_none()
        if found is not None:
            key = AccountKey(row.venue, row.account)
            states[key] = _state(Account(key, row.name), found)
    venues = {key.venue: VenueState(key.venue, listed=True) for key in states}
    return Prior(accounts=states, venues=venues)


def _state(account: Account, latest: AnyRow) -> AccountState:
    known = {name: value for name, value in read_said(latest.data).fields.items() if value is not None}
    observed = latest.fetched_at if latest.as_of is None else min(latest.as_of, latest.fetched_at)
    return AccountState(account, latest.fetched_at, known, observed, latest.fetched_at)


def _fitting(connection: Connection, found: list[tuple[AnyRow, Listing | None]]) -> int:
    """How many of the ticks have no more observations than may be held at once; one at least."""
    span = observations.c.tick_id.between(found[0][0].id, found[-1][0].id)
    counted = sa.select(observations.c.tick_id, sa.func.count()).where(span).group_by(observations.c.tick_id)
    changed = {tick: number for tick, number in connection.execute(counted)}  # noqa: C416  (a Row is no pair)
    room = _MOST
    for place, (row, listing) in enumerate(found):
        room -= changed.get(row.id, 0) + (len(listing.accounts) if listing else 0)
        if room < 0:
            return max(1, place)
    return len(found)


def _account_of(entry: AnyRow | Unchanged) -> int:
    return entry.account if isinstance(entry, Unchanged) else int(entry.account_id)


def _accounts(connection: Connection, only: AccountKey | None) -> dict[int, AccountKey]:
    wanted = sa.select(accounts.c.id, accounts.c.venue, accounts.c.account)
    if only is not None:
        wanted = wanted.where(accounts.c.venue == only.venue, accounts.c.account == only.id)
    return {row.id: AccountKey(row.venue, row.account) for row in connection.execute(wanted)}


def _runs(connection: Connection, ids: list[int]) -> dict[int, AnyRow]:
    found: dict[int, AnyRow] = {}
    for start in range(0, len(ids), _CHUNK):
        wanted = sa.select(failures).where(failures.c.id.in_(ids[start : start + _CHUNK]))
        found.update((row.id, row) for row in connection.execute(wanted))
    return found


def _said_before(connection: Connection, account: int, tick: int) -> _Said:
    before = (observations.c.account_id == account, observations.c.tick_id < tick)
    latest = (observations.c.tick_id.desc(), observations.c.place.desc())
    return read_said(
        connection.execute(sa.select(observations.c.data).where(*before).order_by(*latest).limit(1)).scalar_one()
    )


def read_said(data: bytes) -> _Said:
    """What a stored observation said, apart from when."""
    written = codec.loads(zlib.decompress(data))
    positions = written["positions"]
    return _Said(
        codec.values(written["fields"]),
        None if positions is None else tuple(codec.values(position) for position in positions),
        frozenset(written["optional"]),
    )
