"""Puts recorded ticks together again, exactly as they were committed."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import sqlalchemy as sa

from marginwatch.core.model import AccountKey, FailureKind, Observation, VenueFailure
from marginwatch.core.state import StoredObservation
from marginwatch.store import codec
from marginwatch.store.columns import to_micros
from marginwatch.store.listing import STANDALONE, Listing, Unchanged, unpack
from marginwatch.store.tables import accounts, failures, observations, revisions, ticks
from marginwatch.store.types import RecordedTick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.core.model import Value
    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database

_PAGE = 500
"""Ticks read in one transaction: a longer one would keep the write-ahead log from being cut."""
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


class Replay:
    """The ticks of a span of time (`since` in, `until` out), oldest first, with all accounts or only one."""

    def __init__(self, database: Database, since: datetime, until: datetime, only: AccountKey | None = None) -> None:
        self._database = database
        self._span = (ticks.c.at >= since, ticks.c.at < until)
        self._only = only
        self._accounts: dict[int, AccountKey] = {}
        self._said: dict[int, _Said] = {}

    def __iter__(self) -> Iterator[RecordedTick]:
        last = 0
        while True:
            with self._database.read() as connection:
                page = self._page(connection, last)
                recorded = [self._tick(connection, page, row, listing) for row, listing in page.ticks]
            yield from recorded
            if len(recorded) < _PAGE:
                return
            last = recorded[-1].id

    def _page(self, connection: Connection, last: int) -> _Page:
        wanted = sa.select(ticks.c.id, ticks.c.at, ticks.c.listing, revisions.c.revision).join(revisions)
        wanted = wanted.where(ticks.c.id > last, *self._span).order_by(ticks.c.id).limit(_PAGE)
        found = [(row, unpack(row.listing) if row.listing else None) for row in connection.execute(wanted)]
        if not found:
            return _Page([], {}, {})
        self._accounts = _accounts(connection, self._only)
        changed = self._changed(connection, found[0][0].id, found[-1][0].id)
        runs = {occurrence.run for _, listing in found if listing for occurrence in listing.failures}
        return _Page(found, changed, _runs(connection, sorted(runs)))

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
            self._said[account] = _said(entry.data)
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
    return _said(
        connection.execute(sa.select(observations.c.data).where(*before).order_by(*latest).limit(1)).scalar_one()
    )


def _said(data: bytes) -> _Said:
    written = codec.loads(zlib.decompress(data))
    positions = written["positions"]
    return _Said(
        codec.values(written["fields"]),
        None if positions is None else tuple(codec.values(position) for position in positions),
        frozenset(written["optional"]),
    )
