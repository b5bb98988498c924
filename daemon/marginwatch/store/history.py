"""What happened, for the command line, the page and replays; nothing here writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.alert import Alert, Transition
from marginwatch.core.model import AccountKey, FailureKind, Severity
from marginwatch.store import codec, loading, naming
from marginwatch.store.latest import latest
from marginwatch.store.replay import Replay, prior
from marginwatch.store.tables import OPEN_ALERT, acknowledgements, alerts, cycles, failures, ticks, transitions
from marginwatch.store.types import CycleRun, FailureRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement
    from marginwatch.core.model import Observation
    from marginwatch.core.state import AccountState, Prior, StoredObservation, VenueState, Withheld
    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database
    from marginwatch.store.types import RecordedTick

_LIMIT = 1000


class History:
    """Reads of everything recorded; each call sees one consistent snapshot, unless it says otherwise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def account_states(self) -> list[AccountState]:
        """Every account that is remembered, by venue and id."""
        with self._database.read() as connection:
            return loading.account_states(connection)

    def venue_states(self) -> list[VenueState]:
        """Every venue, by name."""
        with self._database.read() as connection:
            return loading.venue_states(connection)

    def acknowledgements(self) -> Mapping[str, Acknowledgement]:
        """Those of open alerts that have not lapsed, by alert_id; some may have expired."""
        with self._database.read() as connection:
            return loading.acknowledgements(connection)

    def all_acknowledgements(self, alert_id: str) -> list[Acknowledgement]:
        """Every one that alert ever had, oldest first."""
        wanted = sa.select(acknowledgements).where(acknowledgements.c.alert_id == alert_id)
        with self._database.read() as connection:
            return [loading.acknowledgement(row) for row in connection.execute(wanted.order_by(acknowledgements.c.id))]

    def latest(self) -> list[Observation]:
        """What each account that is remembered said last, by venue and id."""
        with self._database.read() as connection:
            return latest(connection)

    def alert(self, alert_id: str) -> Alert | None:
        """The alert of exactly that id, open or ended."""
        with self._database.read() as connection:
            body = connection.scalar(sa.select(alerts.c.body).where(alerts.c.alert_id == alert_id))
        return None if body is None else codec.decode(Alert, body)

    def alert_named(self, wanted: str) -> Alert:
        """The alert of that id, or of the only id that begins so; see `naming.alert_named` for what it raises."""
        with self._database.read() as connection:
            return naming.alert_named(connection, wanted)

    def alerts(
        self,
        *,
        open_only: bool = True,
        rule: str | None = None,
        account: AccountKey | None = None,
        since: datetime | None = None,
        limit: int = _LIMIT,
    ) -> list[Alert]:
        """Alerts, worst and then oldest first; `since` leaves out those that last changed before it."""
        wanted = sa.select(alerts.c.body).order_by(alerts.c.severity.desc(), alerts.c.active_at).limit(limit)
        wanted = wanted.where(*_about(alerts, rule, account))
        if open_only:
            wanted = wanted.where(OPEN_ALERT)
        if since is not None:
            wanted = wanted.where(alerts.c.changed_at >= since)
        with self._database.read() as connection:
            return [codec.decode(Alert, body) for body in connection.scalars(wanted)]

    def withheld(self) -> tuple[Withheld, ...]:
        """What silences, maintenance, hours and outages hold back, oldest first."""
        with self._database.read() as connection:
            return loading.withheld(connection)

    def open_alerts(self) -> Mapping[tuple[str, str], int]:
        """How many alerts are open, by status and severity's label."""
        counted = sa.select(alerts.c.status, alerts.c.severity, sa.func.count()).where(OPEN_ALERT)
        with self._database.read() as connection:
            found = connection.execute(counted.group_by(alerts.c.status, alerts.c.severity)).all()
        return {(status, Severity(severity).label): number for status, severity, number in found}

    def transitions(
        self,
        *,
        alert_id: str | None = None,
        rule: str | None = None,
        account: AccountKey | None = None,
        since: datetime | None = None,
        limit: int = _LIMIT,
    ) -> list[Transition]:
        """The latest `limit` transitions that fit, oldest first."""
        wanted = sa.select(transitions.c.body).order_by(transitions.c.id.desc()).limit(limit)
        wanted = wanted.where(*_about(transitions, rule, account))
        if alert_id is not None:
            wanted = wanted.where(transitions.c.alert_id == alert_id)
        if since is not None:
            wanted = wanted.where(transitions.c.at >= since)
        with self._database.read() as connection:
            found = [codec.decode(Transition, body) for body in connection.scalars(wanted)]
        return found[::-1]

    def transitions_between(
        self, since: datetime, until: datetime, *, rule: str | None = None, account: AccountKey | None = None
    ) -> Iterator[Transition]:
        """Every transition of that time (`since` in, `until` out) that fits, in the order in which they were decided.

        Read in pages, so any number takes little memory.
        """
        span = (transitions.c.at >= since, transitions.c.at < until, *_about(transitions, rule, account))
        last = 0
        while True:
            wanted = sa.select(transitions.c.id, transitions.c.body).where(transitions.c.id > last, *span)
            with self._database.read() as connection:
                found = connection.execute(wanted.order_by(transitions.c.id).limit(_LIMIT)).all()
            yield from (codec.decode(Transition, row.body) for row in found)
            if len(found) < _LIMIT:
                return
            last = found[-1].id

    def ticks(self, since: datetime, until: datetime, account: AccountKey | None = None) -> Iterator[RecordedTick]:
        """Every tick of that time (`since` in, `until` out), oldest first, with all the engine was given in it.

        With `account`, of what was given only what concerns it: its observations, its failures and those of its whole
        venue, and its venue's cycles. Their order among each other is then not known, so `news` must not be asked for.

        To decide all of it again: where `seen.began_at` is set, `core.seen.left_by` the memory, `Memory.of` that, and
        `core.resuming.resume` as of then; unless `seen.resumed`, which says that this was all, `core.engine.decide` on
        nothing at each of `seen.silent`, and on `news` at `at` with `seen.wishes` and `seen.crowded`, where
        `seen.looked_again` with `Memory.look_again`; each decision to be remembered. Where `seen.reloaded` is set,
        `core.seeding.prepare` and `core.resuming.reload` alone, with the rules of its revision. From an empty memory at
        the first tick of the store, with the same rules, that gives every transition as it was stored, but for those of
        the built-in rules about marginwatch itself. A tick in which nothing came and nothing happened is not on record.

        Read in pages of bounded size, each a snapshot of its own: what retention drops meanwhile is missing.
        """
        return iter(Replay(self._database, since, until, account))

    def recorded(self) -> tuple[datetime, datetime] | None:
        """When the first and the last tick on record were; None when there is none."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(sa.func.min(ticks.c.at), sa.func.max(ticks.c.at))).one()
        return None if row[0] is None else (row[0], row[1])

    def prior(self, at: datetime) -> Prior:
        """What to begin a replay with in the middle of the past: accounts as they were last seen before `at`.

        Their venues count as listed.

        Of an account's `known` values, those that were null or missing in that observation are missing. No alert, no
        silence and no acknowledgement is in it: alerts of that time fire anew, as `transitions_between` tells when
        they really did.
        """
        with self._database.read() as connection:
            return prior(connection, at)

    def ended_lately(self, at: datetime) -> tuple[Alert, ...]:
        """Of each rule, account and subject the latest alert that ended before, where its firings count for more."""
        with self._database.read() as connection:
            return loading.ended_lately(connection, at)

    def observations(self, account: AccountKey, since: datetime, until: datetime) -> Iterator[StoredObservation]:
        """Every observation of that account committed in that time, unchanged ones included, oldest first."""
        for tick in Replay(self._database, since, until, account):
            yield from tick.observations

    def failures(self, since: datetime, *, limit: int = _LIMIT) -> list[FailureRun]:
        """Runs of failures that went on at `since` or later, latest first."""
        wanted = (
            sa.select(failures)
            .where(failures.c.last_at >= since)
            .order_by(failures.c.last_at.desc(), failures.c.id.desc())
        )
        with self._database.read() as connection:
            return [_failure_run(row) for row in connection.execute(wanted.limit(limit))]

    def cycles(self, since: datetime, *, limit: int = _LIMIT) -> list[CycleRun]:
        """Runs of cycles that ended at `since` or later, latest first."""
        wanted = (
            sa.select(cycles).where(cycles.c.ended_at >= since).order_by(cycles.c.ended_at.desc(), cycles.c.id.desc())
        )
        with self._database.read() as connection:
            return [_cycle_run(row) for row in connection.execute(wanted.limit(limit))]


def _about(table: sa.Table, rule: str | None, account: AccountKey | None) -> list[sa.ColumnElement[bool]]:
    found = []
    if rule is not None:
        found.append(table.c.rule == rule)
    if account is not None:
        found += [table.c.venue == account.venue, table.c.account == account.id]
    return found


def _failure_run(row: AnyRow) -> FailureRun:
    return FailureRun(
        venue=row.venue,
        account=None if row.account is None else AccountKey(row.venue, row.account),
        kind=FailureKind(row.kind),
        call=row.call,
        where=row.place,
        detail=row.detail,
        first_at=row.first_at,
        last_at=row.last_at,
        times=row.times,
        body=row.raw,
    )


def _cycle_run(row: AnyRow) -> CycleRun:
    return CycleRun(row.venue, row.started_at, row.ended_at, row.times, row.attempted, row.failed, row.cause)
