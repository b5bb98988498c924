"""Which rules were in force when, as they were written."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.rulebook import Rulebook
from marginwatch.store import codec
from marginwatch.store.tables import rulebooks

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.store.engine import Database
    from marginwatch.store.ownership import Owner


class Rulebooks:
    """The record of rules in force."""

    def __init__(self, database: Database, owned: Callable[[], Owner]) -> None:
        """`owned` raises where this process is not the database's owner."""
        self._database = database
        self._owned = owned

    def record(self, book: Rulebook, since: datetime) -> None:
        """Note that these are in force from then on; nothing when they were already. Only for the owner."""
        with self._owned().write() as connection:
            latest = _read(connection, None)
            if latest is None or replace(latest, since=None) != replace(book, since=None):
                body = zlib.compress(codec.encode(replace(book, since=None)).encode())
                connection.execute(rulebooks.insert().values(since=since, revision=book.revision, body=body))

    def in_force(self, at: datetime | None = None) -> Rulebook | None:
        """Those in force at that time, the latest without one; None when none are on record."""
        with self._database.read() as connection:
            return _read(connection, at)


def _read(connection: Connection, at: datetime | None) -> Rulebook | None:
    wanted = sa.select(rulebooks).order_by(rulebooks.c.id.desc()).limit(1)
    row = connection.execute(wanted if at is None else wanted.where(rulebooks.c.since <= at)).one_or_none()
    if row is None:
        return None
    return replace(codec.decode(Rulebook, zlib.decompress(row.body).decode()), since=row.since)
