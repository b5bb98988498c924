"""Writes the staged rows of one commit into an open transaction."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from marginwatch.store import digests, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
        _put(connection, _plain(name), staged.rows[name])
    digests.move(connection, staged.commit)
    add_new(connection, tables.outbox, staged.rows["outbox"])  # the same notification is never queued twice
    digests.note_absence(connection, staged.commit)
    _settle(connection, staged.commit)


def upsert(connection: Connection, table: str, rows: Sequence[Row]) -> None:
    """Insert each row, or bring the row of that key up to date."""
    _put(connection, _upsert(connection.dialect.name, table), rows)


@functools.cache
def _plain(name: str) -> sa.Insert:
    return tables.metadata.tables[name].insert()


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
    _put(connection, _unless_there(connection.dialect.name, table.name), rows)


@functools.cache
def _unless_there(dialect: str, name: str) -> sa.Insert:
    inserting: sa.Insert = _insert(dialect, tables.metadata.tables[name]).on_conflict_do_nothing()
    return inserting


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as the driver takes it: what SQLAlchemy does for every row and tick anew takes as long as SQLite."""

    text: str
    binds: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    """Each column in its place, and what makes of its values what the driver takes."""
    is_positional: bool

    def filled(self, rows: Sequence[Row]) -> list[Any]:
        """The rows' values, as the driver takes them."""
        if self.is_positional:
            return [tuple([bind(row[key]) if bind else row[key] for key, bind in self.binds]) for row in rows]
        return [{key: bind(row[key]) if bind else row[key] for key, bind in self.binds} for row in rows]


def _put(connection: Connection, statement: sa.Insert, rows: Sequence[Row]) -> None:
    """Run the statement for each row; all have the same keys."""
    if rows:
        prepared = _prepared(connection.dialect, statement, tuple(rows[0]))
        connection.exec_driver_sql(prepared.text, prepared.filled(rows))


@functools.lru_cache(maxsize=100)
def _prepared(dialect: sa.Dialect, statement: sa.Insert, keys: tuple[str, ...]) -> _Prepared:
    compiled = statement.compile(dialect=dialect, column_keys=keys)
    columns = statement.table.c
    binds = (
        (key, columns[key].type.dialect_impl(dialect).bind_processor(dialect)) for key in compiled.positiontup or keys
    )
    return _Prepared(str(compiled), tuple(binds), is_positional=compiled.positional)


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
