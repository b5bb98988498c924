"""History that was imported from a venue: apart from all that was seen live, and changing nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from marginwatch.core.model import Account, AccountKey, Observation
from marginwatch.store.columns import Key, Utc, Words, storable
from marginwatch.store.replay import read_said
from marginwatch.store.rows import observed
from marginwatch.store.tables import metadata
from marginwatch.store.writing import add_new

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database

imported = sa.Table(
    "imported",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("venue", Words, nullable=False),
    sa.Column("account", Words, nullable=False),
    sa.Column("as_of", Utc, nullable=False),
    sa.Column("imported_at", Utc, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("venue", "account", "as_of"),
    sa.Index(None, "as_of"),
    comment="Observations from a venue's history; none of them was seen live",
)

spans = sa.Table(
    "imported_spans",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("venue", Words, nullable=False),
    sa.Column("account", Words, nullable=False),
    sa.Column("name", Words, nullable=False, comment="what the venue called the account"),
    sa.Column("step", sa.Integer, nullable=False, comment="seconds between observations"),
    sa.Column("since", Utc, nullable=False),
    sa.Column("until", Utc, nullable=False),
    sa.Index(None, "venue", "account"),
    comment="Times whose history is imported whole, until excluded",
)

_PAGE: Final = 1000
"""Rows read at a time."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, `until` excluded."""

    since: datetime
    until: datetime

    def without(self, covered: Iterable[Span]) -> list[Span]:
        """What of it lies in none of the others, latest first."""
        left: list[Span] = []
        until = self.until
        for each in sorted(covered, key=lambda span: span.until, reverse=True):
            if each.until <= self.since or each.since >= until:
                continue
            if each.until < until:
                left.append(Span(each.until, until))
            until = each.since
        return [*left, Span(self.since, until)] if until > self.since else left


class Imports:
    """Writes without owning the database, also while the daemon runs; nothing the daemon reads is touched."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def missing(self, account: AccountKey, step: timedelta, span: Span) -> list[Span]:
        """Stretches of the span that are not imported yet with at most `step` between observations, latest first."""
        wanted = sa.select(spans).where(*_of(spans, account), spans.c.step <= step.total_seconds())
        with self._database.read() as connection:
            return span.without([Span(row.since, row.until) for row in connection.execute(wanted)])

    def add(
        self, account: Account, step: timedelta, observations: Sequence[Observation], whole: Span | None, now: datetime
    ) -> int:
        """Keep observations of the account by their `as_of`, those that are not there yet; gives how many.

        `whole` is a span of which nothing is missing any more once these are kept, None for none. Both are written
        in one transaction.
        """
        with self._database.write() as connection:
            rows = _new(connection, account.key, observations, now)
            add_new(connection, imported, rows)
            if whole is not None and whole.since < whole.until:
                _widen(connection, account, step, whole)
        return len(rows)

    def count(self, account: AccountKey, span: Span) -> int:
        """How many imported observations of the account there are in the span."""
        within = (imported.c.as_of >= span.since, imported.c.as_of < span.until)
        wanted = sa.select(sa.func.count()).select_from(imported).where(*_of(imported, account), *within)
        with self._database.read() as connection:
            return connection.scalar(wanted) or 0

    def accounts(self) -> list[Account]:
        """Every account something was imported of, under its latest name."""
        wanted = sa.select(spans.c.venue, spans.c.account, spans.c.name).order_by(spans.c.id)
        with self._database.read() as connection:
            named = {AccountKey(row.venue, row.account): row.name for row in connection.execute(wanted)}
        return [Account(key, named[key]) for key in sorted(named)]

    def reach(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last imported observation; None when there is none."""
        wanted = sa.select(sa.func.min(imported.c.as_of), sa.func.max(imported.c.as_of))
        with self._database.read() as connection:
            row = connection.execute(wanted).one()
        return None if row[0] is None else (row[0], row[1])

    def observations(self, account: AccountKey | None, span: Span) -> Iterator[Observation]:
        """Imported observations of the account, or of all, oldest first, as if each had come at its own time.

        Read in pages, so any number takes little memory.
        """
        at, last = span.since, 0
        while True:
            beyond = sa.or_(imported.c.as_of > at, imported.c.id > last)
            wanted = sa.select(imported).where(imported.c.as_of >= at, imported.c.as_of < span.until, beyond)
            if account is not None:
                wanted = wanted.where(*_of(imported, account))
            with self._database.read() as connection:
                found = connection.execute(wanted.order_by(imported.c.as_of, imported.c.id).limit(_PAGE)).all()
            yield from map(_observation, found)
            if len(found) < _PAGE:
                return
            at, last = found[-1].as_of, found[-1].id


def _observation(row: AnyRow) -> Observation:
    said = read_said(row.data)
    key = AccountKey(row.venue, row.account)
    return Observation(key, row.as_of, row.as_of, said.fields, said.positions, optional=said.optional)


def _new(
    connection: Connection, account: AccountKey, observations: Sequence[Observation], now: datetime
) -> list[dict[str, object]]:
    """Rows of the observations that are not there yet."""
    made = {
        each.as_of: {
            "venue": account.venue,
            "account": account.id,
            "as_of": each.as_of,
            "imported_at": now,
            "data": observed(each),
        }
        for each in observations
        if each.as_of is not None
    }
    if made:
        within = imported.c.as_of.between(min(made), max(made))
        for at in connection.scalars(sa.select(imported.c.as_of).where(*_of(imported, account), within)):
            made.pop(at, None)
    return list(made.values())


def _widen(connection: Connection, account: Account, step: timedelta, whole: Span) -> None:
    """Note the span, as one with those of the same step that touch it."""
    seconds = int(step.total_seconds())
    touching = (spans.c.step == seconds, spans.c.since <= whole.until, spans.c.until >= whole.since)
    met = connection.execute(sa.select(spans).where(*_of(spans, account.key), *touching)).all()
    connection.execute(spans.delete().where(spans.c.id.in_([row.id for row in met])))
    values = {
        "venue": account.key.venue,
        "account": account.key.id,
        "name": account.name,
        "step": seconds,
        "since": min(whole.since, *(row.since for row in met)) if met else whole.since,
        "until": max(whole.until, *(row.until for row in met)) if met else whole.until,
    }
    connection.execute(spans.insert().values(values))


def _of(table: sa.Table, account: AccountKey) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return table.c.venue == storable(account.venue), table.c.account == storable(account.id)
