"""Writes the staged rows of one commit into an open transaction."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from marginwatch.store import digests, tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from marginwatch.core.state import Commit
    from marginwatch.store.rows import Row
    from marginwatch.store.staging import Staged

_FIXED: Mapping[str, tuple[str, ...]] = {
    "failures": ("first_at", "raw"),
    "cycles": ("started_at",),
}
"""Columns that a later write of the same row leaves as they are."""
_UPSERTED = ("revisions", "accounts", "sightings", "venues", "failures", "cycles", "alerts")
_INSERTED = ("ticks", "observations", "listings", "transitions", "held")


def write(connection: Connection, staged: Staged) -> None:
    """Every row of the commit. The caller's transaction makes it all or nothing."""
    for name in _UPSERTED:
        upsert(connection, name, staged.rows[name])
    if staged.commit.released:
        held = tables.held
        released = held.delete().where(held.c.alert_id == sa.bindparam("which"))
        connection.execute(released, _which(staged.commit.released))
    for name in _INSERTED:
        if rows := staged.rows[name]:
            connection.execute(tables.metadata.tables[name].insert(), rows)
    digests.move(connection, staged.commit)
    add_new(connection, tables.outbox, staged.rows["outbox"])  # the same notification is never queued twice
    digests.note_absence(connection, staged.commit)
    _settle(connection, staged.commit)


def upsert(connection: Connection, table: str, rows: Sequence[Row]) -> None:
    """Insert each row, or bring the row of that key up to date."""
    if rows:
        connection.execute(_upsert(connection.dialect.name, table), rows)


@functools.cache
def _upsert(dialect: str, name: str) -> sa.Insert:
    table = tables.metadata.tables[name]
    keys = [column.name for column in table.primary_key]
    statement = _insert(dialect, table)
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys and column.name not in _FIXED.get(name, ())
    }
    upserting: sa.Insert = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return upserting


def _insert(dialect: str, table: sa.Table) -> Any:  # noqa: ANN401  (the two dialects' inserts share no base with these methods)
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def add_new(connection: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert each row, unless one of its unique key is there: that one stays as it is."""
    if rows:
        connection.execute(_insert(connection.dialect.name, table).on_conflict_do_nothing(), rows)


def _settle(connection: Connection, commit: Commit) -> None:
    """Close what operators wrote and this commit dealt with."""
    if commit.settled:
        _each(connection, tables.silences.c.id, commit.settled, {"settled_at": commit.at})
    if commit.lapsed:
        acks = tables.acknowledgements
        lapse = acks.update().where(acks.c.alert_id == sa.bindparam("which"), acks.c.lapsed_at.is_(None))
        connection.execute(lapse.values(lapsed_at=commit.at), _which(commit.lapsed))
    if commit.requests:
        _each(connection, tables.requests.c.id, commit.requests, {"settled_at": commit.at})
    for key in commit.forgotten:
        same = (tables.accounts.c.venue == key.venue, tables.accounts.c.account == key.id)
        connection.execute(tables.accounts.update().where(*same).values(body=None))


def _each(connection: Connection, column: sa.Column[Any], wanted: Sequence[int], values: Row) -> None:
    connection.execute(column.table.update().where(column == sa.bindparam("which")).values(values), _which(wanted))


def _which(wanted: Sequence[object]) -> list[Row]:
    return [{"which": one} for one in wanted]
