"""The course of one number, of one account or sketched for many, and what an account holds: for charts."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.model import AccountKey
from marginwatch.store import codec
from marginwatch.store.replay import read_said
from marginwatch.store.tables import accounts, observations, ticks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.core.model import Value
    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database

MOST = 2_000
"""Observations read for one course; of more, as many at even distances."""
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Course:
    """One number over a span of time."""

    points: tuple[tuple[datetime, Decimal | None], ...]
    """When it was fetched and what it was from then on; None where the venue left it out. The first may lie before the
    span: what was so when it began."""
    sampled: bool = False
    """There were more observations than were read: what a chart shows may have been higher or lower between."""


@dataclass(frozen=True, slots=True)
class Holding:
    """An account's positions."""

    fetched_at: datetime
    """When they were answered first as they still are."""
    positions: Sequence[Mapping[str, Value]]


class Courses:
    """Reads what charts and account pages show; nothing here writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def course(self, account: AccountKey, field: str, since: datetime, until: datetime) -> Course:
        """That field of the account in that time."""
        with self._database.read() as connection:
            number = _number(connection, account)
            span = _span(connection, since, until)
            if number is None or span is None:
                return Course(())
            ids = _ids(connection, number, *span)
            step = -(-len(ids) // MOST)
            chosen = ids[::-1][:: max(1, step)][::-1]  # the latest is always among them
            before = _before(connection, number, span[0])
            rows = [*before, *_rows(connection, chosen)]
        return Course(tuple((row.fetched_at, _read(row.data, field)) for row in rows), sampled=step > 1)

    def sketches(
        self, wanted: Collection[AccountKey], field: str, since: datetime, until: datetime, points: int
    ) -> dict[AccountKey, list[tuple[datetime, Decimal]]]:
        """That field of each account at up to so many moments of that time, at even distances.

        It looks each moment up and reads no more than these, however much is stored: about 1 ms an account.
        """
        with self._database.read() as connection:
            moments = _moments(connection, since, until, points)
            newest = (
                sa.select(observations.c.id)
                .where(observations.c.account_id == accounts.c.id, observations.c.tick_id <= ticks.c.id)
                .order_by(observations.c.tick_id.desc(), observations.c.place.desc())
                .limit(1)
                .scalar_subquery()
            )
            columns = (accounts.c.venue, accounts.c.account, ticks.c.at, newest.label("found"))
            some = sa.tuple_(accounts.c.venue, accounts.c.account).in_([(key.venue, key.id) for key in wanted])
            each = sa.select(*columns).select_from(accounts.join(ticks, ticks.c.id.in_(moments)))
            rows = connection.execute(each.where(some).order_by(ticks.c.at)).all()
            numbers = sorted({row.found for row in rows if row.found is not None})
            values = {row.id: _read(row.data, field) for row in _rows(connection, numbers)}
        found: dict[AccountKey, list[tuple[datetime, Decimal]]] = {}
        for row in rows:
            value = values.get(row.found)
            if value is not None:
                found.setdefault(AccountKey(row.venue, row.account), []).append((row.at, value))
        return found

    def holding(self, account: AccountKey) -> Holding | None:
        """The account's positions as answered last; None where none were."""
        with self._database.read() as connection:
            number = _number(connection, account)
            latest = None if number is None else _latest(connection, number)
        if latest is None:
            return None
        positions = read_said(latest.data).positions
        return None if positions is None else Holding(latest.fetched_at, positions)


def _number(connection: Connection, account: AccountKey) -> int | None:
    wanted = sa.select(accounts.c.id).where(accounts.c.venue == account.venue, accounts.c.account == account.id)
    found: int | None = connection.scalar(wanted)
    return found


def _span(connection: Connection, since: datetime, until: datetime) -> tuple[int, int] | None:
    """The first and the last tick of that time."""
    inside = (ticks.c.at >= since, ticks.c.at <= until)
    first = connection.scalar(sa.select(ticks.c.id).where(*inside).order_by(ticks.c.at).limit(1))
    last = connection.scalar(sa.select(ticks.c.id).where(*inside).order_by(ticks.c.at.desc()).limit(1))
    return None if first is None or last is None else (first, last)


def _moments(connection: Connection, since: datetime, until: datetime, points: int) -> list[int]:
    """The ticks at even distances from the first one of that time to its end."""
    inside = sa.select(ticks.c.at).where(ticks.c.at >= since, ticks.c.at <= until)
    first = connection.scalar(inside.order_by(ticks.c.at).limit(1))
    if first is None:
        return []
    apart = (until - first) / max(points - 1, 1)
    before = sa.select(ticks.c.id).order_by(ticks.c.at.desc()).limit(1)
    found = (connection.scalar(before.where(ticks.c.at <= first + place * apart)) for place in range(points))
    return list(dict.fromkeys(number for number in found if number is not None))


def _ids(connection: Connection, account: int, first: int, last: int) -> list[int]:
    wanted = (observations.c.account_id == account, observations.c.tick_id.between(first, last))
    found = sa.select(observations.c.id).where(*wanted).order_by(observations.c.tick_id, observations.c.place)
    return list(connection.scalars(found))


def _rows(connection: Connection, ids: Sequence[int]) -> Iterable[AnyRow]:
    columns = (observations.c.id, observations.c.fetched_at, observations.c.data)
    for start in range(0, len(ids), _CHUNK):
        chunk = observations.c.id.in_(ids[start : start + _CHUNK])
        yield from connection.execute(sa.select(*columns).where(chunk).order_by(observations.c.id))


def _before(connection: Connection, account: int, tick: int) -> Sequence[AnyRow]:
    return connection.execute(
        _newest(account).where(observations.c.tick_id < tick),
    ).all()


def _latest(connection: Connection, account: int) -> AnyRow | None:
    return connection.execute(_newest(account)).one_or_none()


def _newest(account: int) -> sa.Select[tuple[datetime, bytes]]:
    return (
        sa.select(observations.c.fetched_at, observations.c.data)
        .where(observations.c.account_id == account)
        .order_by(observations.c.tick_id.desc(), observations.c.place.desc())
        .limit(1)
    )


def _read(data: bytes, field: str) -> Decimal | None:
    """One field alone: reading all of them takes ten times as long."""
    written = codec.loads(zlib.decompress(data))["fields"]
    value = codec.values({field: written[field]})[field] if field in written else None
    return value if isinstance(value, Decimal) else None
