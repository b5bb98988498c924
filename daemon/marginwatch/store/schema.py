"""Brings the database's schema to this version's, with Alembic, inside one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.store.engine import MARKS
from marginwatch.store.errors import (
    DatabaseOutdatedError,
    DatabaseOwnedError,
    DatabaseTooNewError,
    ForeignDatabaseError,
)
from marginwatch.store.ownership import acquire

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from marginwatch.store.engine import Database

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""Every revision of the schema, oldest first; a database at another one was written by a later version."""
_OTHERS_MS = 30_000
"""How long to wait while another process brings the schema up to date, which takes longer than a commit."""
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Make the tables, or upgrade them; nothing when they are up to date.

    Raises `DatabaseTooNewError`, `ForeignDatabaseError`, and `DatabaseOutdatedError` when tables that a running
    daemon uses would change under it.
    """
    with database.read() as connection:
        version = _version(connection, database.where)
    if version == REVISIONS[-1]:
        return
    if version is None:
        _upgrade(database)
        return
    try:
        lock = acquire(database)
    except DatabaseOwnedError as error:
        raise DatabaseOutdatedError(database.where, error.owner) from None
    try:
        _upgrade(database)
    finally:
        lock.release()


def _version(connection: Connection, where: str) -> str | None:
    """The schema's revision; None for an empty database."""
    names = sa.inspect(connection).get_table_names()
    if not names:
        return None
    if not MARKS.issubset(names):
        raise ForeignDatabaseError(where)
    version = str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
    if version not in REVISIONS:
        raise DatabaseTooNewError(where, version)
    return version


def _upgrade(database: Database) -> None:
    with database.translated(), database.engine.connect() as connection:
        if database.path is not None:
            # Rebuilding a table with foreign keys on deletes the rows that refer to it; the switch works only
            # outside a transaction, and the connection is not used for anything else.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            connection.connection.cursor().execute(f"PRAGMA busy_timeout={_OTHERS_MS}")
            connection.detach()
        with connection.begin():
            if database.path is None:
                connection.execute(sa.text(f"SET LOCAL lock_timeout = {_OTHERS_MS}"))
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('marginwatch'))"))
            # Another process may have done it while this one waited for the lock.
            if _version(connection, database.where) != REVISIONS[-1]:
                _run(connection)


def _run(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  (slow to import, and needed once in the life of a schema)
    from alembic.config import Config  # noqa: PLC0415  (slow to import, and needed once in the life of a schema)

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
