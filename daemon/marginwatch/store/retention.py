"""Drops what is old, in chunks small enough that no tick waits for them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from marginwatch.core.alert import Status
from marginwatch.store.columns import to_micros
from marginwatch.store.deeds import deeds
from marginwatch.store.tables import (
    NOT_SETTLED,
    absences,
    acknowledgements,
    alerts,
    attempts,
    cycles,
    failures,
    listings,
    meta,
    observations,
    outbox,
    requests,
    silences,
    ticks,
    transitions,
)
from marginwatch.store.writing import upsert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database
    from marginwatch.store.ownership import Owner

_OPEN = (Status.PENDING, Status.FIRING)
CHUNK = 1000
"""Rows touched by one transaction: about 10 ms."""
PAUSE = 0.01
"""Seconds between two of them."""
_MINUTE = 60_000_000
_SLACK = timedelta(days=1)
"""A failure may be a little older than the tick that lists it."""
_SPARE_PAGES = 1000
_VACUUM_PAGES = 500


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept."""

    keep: timedelta
    """Everything that is over."""
    keep_observations: timedelta
    """Every observation; then one a minute where it changed, for `keep`."""


def prune(database: Database, owner: Owner, now: datetime, retention: Retention) -> int:
    """Thin and drop what is old; gives the number of rows dropped.

    Open alerts, messages not settled, and what a kept observation refers to stay whatever their age. Every chunk is
    a transaction of its own, so this may run beside commits, in another thread.
    """
    full = min(retention.keep, retention.keep_observations)
    detailed = _last_before(database, now - full)
    dropped = _thin(owner, detailed)
    dropped += _drop_observations(owner, _last_before(database, now - retention.keep), detailed)
    dropped += _drop_alerts(owner, now - retention.keep)
    dropped += _drop_rest(owner, now - retention.keep)
    if database.path is not None:
        _give_back_pages(database)
    return dropped


def _last_before(database: Database, moment: datetime) -> int:
    """The last tick with nothing as new as `moment` before it; 0 when there is none."""
    with database.read() as connection:
        first_new = connection.scalar(sa.select(sa.func.min(ticks.c.id)).where(ticks.c.at >= moment))
        latest = connection.scalar(sa.select(sa.func.max(ticks.c.id)))
    return (latest or 0) if first_new is None else first_new - 1


def _thin(owner: Owner, boundary: int) -> int:
    """One observation a minute and account, up to that tick; the last of the minute, which later ones refer to."""
    with _chunk(owner) as connection:
        done = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "thinned")) or 0
    # The listings go first: an unchanged observation listed there may refer to one that is about to go.
    for span in _spans(done, boundary):
        with _chunk(owner) as connection:
            connection.execute(ticks.update().where(ticks.c.id.between(*span)).values(listing=None))
    dropped = _thin_observations(owner, done, boundary)
    for span in _spans(done, boundary):
        with _chunk(owner) as connection:
            dropped += connection.execute(ticks.delete().where(ticks.c.id.between(*span), _childless())).rowcount
    if boundary > done:
        with _chunk(owner) as connection:
            upsert(connection, "meta", [{"key": "thinned", "value": boundary}])
    return dropped


def _spans(after: int, last: int) -> Iterator[tuple[int, int]]:
    for low in range(after + 1, last + 1, CHUNK):
        yield low, min(low + CHUNK - 1, last)


def _childless() -> sa.ColumnElement[bool]:
    return ~sa.exists().where(observations.c.tick_id == ticks.c.id)


def _thin_observations(owner: Owner, after: int, boundary: int) -> int:
    dropped, last = 0, (after, 0)
    while True:
        with _chunk(owner) as connection:
            found = _with_successor(connection, last, boundary)
            crowded = [row.id for row in found if _same_minute(row.fetched_at, row.next_at)]
            connection.execute(observations.delete().where(observations.c.id.in_(crowded)))
        dropped += len(crowded)
        if len(found) < CHUNK:
            return dropped
        last = (found[-1].tick_id, found[-1].id)


def _with_successor(connection: Connection, last: tuple[int, int], boundary: int) -> list[AnyRow]:
    """The next observations, each with the time of the one that follows it in its account."""
    later = observations.alias("later")
    next_at = (
        sa.select(later.c.fetched_at)
        .where(
            later.c.account_id == observations.c.account_id,
            later.c.tick_id.between(observations.c.tick_id, boundary),
            later.c.id > observations.c.id,
        )
        .order_by(later.c.tick_id, later.c.place)
        .limit(1)
        .scalar_subquery()
        .label("next_at")
    )
    columns = (observations.c.id, observations.c.tick_id, observations.c.fetched_at, next_at)
    place = sa.tuple_(observations.c.tick_id, observations.c.id)
    wanted = (observations.c.tick_id > last[0] - 1, place > last, observations.c.tick_id <= boundary)
    return list(
        connection.execute(
            sa.select(*columns).where(*wanted).order_by(observations.c.tick_id, observations.c.id).limit(CHUNK)
        )
    )


def _same_minute(moment: datetime, following: datetime | None) -> bool:
    return following is not None and to_micros(moment) // _MINUTE == to_micros(following) // _MINUTE


def _drop_observations(owner: Owner, boundary: int, detailed: int) -> int:
    """All up to `boundary`, except one that an unchanged observation after `detailed` may still refer to."""
    later = observations.alias("later")
    superseded = sa.exists().where(
        later.c.account_id == observations.c.account_id,
        later.c.tick_id <= detailed,
        later.c.id > observations.c.id,
    )
    dropped = _sweep(owner, observations.c.id, observations.c.tick_id <= boundary, superseded)
    newer = listings.alias("newer")
    replaced = sa.exists().where(
        newer.c.venue == listings.c.venue, newer.c.id > listings.c.id, newer.c.tick_id <= detailed
    )
    dropped += _sweep(owner, listings.c.id, listings.c.tick_id <= boundary, replaced)
    return dropped + _sweep(owner, ticks.c.id, ticks.c.id <= boundary, _childless())


def _drop_alerts(owner: Owner, cutoff: datetime) -> int:
    """Episodes that ended before, with all that was said of them, once every message of them is settled."""
    settled = (outbox.c.settled_at < cutoff, _episode_over(outbox.c.alert_id, cutoff))
    dropped = _sweep(owner, attempts.c.id, attempts.c.outbox_id.in_(sa.select(outbox.c.id).where(*settled)))
    dropped += _sweep(owner, outbox.c.id, *settled)
    for table in (transitions, acknowledgements):
        dropped += _sweep(owner, table.c.id, table.c.at < cutoff, _episode_over(table.c.alert_id, cutoff))
    settled_all = ~sa.exists().where(outbox.c.alert_id == alerts.c.alert_id, sa.text(f"outbox.{NOT_SETTLED}"))
    ended = alerts.c.status.not_in(_OPEN)
    return dropped + _sweep(owner, alerts.c.alert_id, ended, alerts.c.changed_at < cutoff, settled_all)


def _episode_over(alert_id: sa.Column[str], cutoff: datetime) -> sa.ColumnElement[bool]:
    """Its alert ended before, or is gone."""
    kept = alerts.c.status.in_(_OPEN) | (alerts.c.changed_at >= cutoff)
    return ~sa.exists().where(alerts.c.alert_id == alert_id, kept)


def _drop_rest(owner: Owner, cutoff: datetime) -> int:
    dropped = _sweep(owner, failures.c.id, failures.c.last_at < cutoff - _SLACK)
    dropped += _sweep(owner, cycles.c.id, cycles.c.ended_at < cutoff)
    dropped += _sweep(owner, silences.c.id, silences.c.settled_at < cutoff)
    dropped += _sweep(owner, absences.c.id, absences.c.told_at < cutoff)
    dropped += _sweep(owner, deeds.c.id, deeds.c.at < cutoff)
    return dropped + _sweep(owner, requests.c.id, requests.c.settled_at < cutoff)


def _sweep(owner: Owner, key: sa.Column[Any], *conditions: sa.ColumnElement[bool]) -> int:
    dropped = 0
    while True:
        with _chunk(owner) as connection:
            found = connection.scalars(sa.select(key).where(*conditions).limit(CHUNK)).all()
            connection.execute(key.table.delete().where(key.in_(found)))
        dropped += len(found)
        if len(found) < CHUNK:
            return dropped


def _give_back_pages(database: Database) -> None:
    """Return free pages to the disk, some at a time. Only executescript runs the pragma to its end."""
    with database.translated(), database.raw() as connection:
        while connection.execute("PRAGMA freelist_count").fetchone()[0] > _SPARE_PAGES:
            connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
            time.sleep(PAUSE)


@contextlib.contextmanager
def _chunk(owner: Owner) -> Iterator[Connection]:
    """One small transaction, and time for a commit that waits."""
    with owner.write() as connection:
        yield connection
    time.sleep(PAUSE)
