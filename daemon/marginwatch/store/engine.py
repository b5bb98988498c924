"""Opens the database, SQLite or PostgreSQL, with the settings that make a commit durable and a write exclusive."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError

from marginwatch import clock
from marginwatch.store.diagnosis import diagnose
from marginwatch.store.errors import (
    BadStoreUrlError,
    DatabaseDirectoryError,
    DatabaseMissingError,
    DriverMissingError,
    MemoryDatabaseError,
    UnknownDatabaseKindError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL, Connection, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

_BUSY_MS = 5000
"""How long a write waits for another program's lock."""
_LOOK_AGAIN = 0.01
"""Seconds between two looks for a lock that SQLite does not wait for."""
_WAL_LIMIT = 64 * 1024 * 1024
_READ = "marginwatch_read"
MARKS = frozenset({"alembic_version", "meta", "outbox"})
"""Tables that every database of ours has, and hardly any other program's."""


class Database:
    """One opened database: hands out transactions and turns the driver's errors into ours."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self.engine = engine
        self.path = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
        """The SQLite file; None for PostgreSQL."""
        self.where = str(self.path) if self.path else _shown(url)
        """How a sentence names it; never holds the password."""
        self._turn = threading.Lock()  # threads that wait for SQLite's own lock only look for it now and then
        self._reader = engine.execution_options(**{_READ: True})
        if self.path is None:
            self._reader = self._reader.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot; errors are a `StoreError`."""
        with self.translated(), self._reader.begin() as connection:
            yield connection

    def ask(self, question: str) -> Any:  # noqa: ANN401  (because it depends on the question)
        """The one value that a plain statement gives, None where it gives none; much cheaper than a `read`."""
        if self.path is None:
            with self.read() as connection:
                return connection.exec_driver_sql(question).scalar()
        with self.translated(), self.raw() as bare:
            row = bare.execute(question).fetchone()
            return None if row is None else row[0]

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """One exclusive writing transaction, committed at the end; on any error nothing of it stays."""
        with self._turn, self.translated(), self.engine.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def raw(self) -> Iterator[sqlite3.Connection]:
        """SQLite's own connection, outside any transaction, for what runs in none; its errors stay as they are."""
        pooled = self.engine.raw_connection()
        try:
            yield cast("sqlite3.Connection", pooled.driver_connection)
        finally:
            pooled.close()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Give every error of the driver as the `StoreError` whose sentence says what happened."""
        try:
            yield
        except DBAPIError as error:
            raise diagnose(error.orig, self.where, self.path) from None
        except sqlite3.Error as error:
            raise diagnose(error, self.where, self.path) from None

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _shown(url: URL) -> str:
    """Without what the query may hide, but with which server is meant: a command to copy must not ask another."""
    server = {key: value for key, value in url.query.items() if key in {"host", "port"}}
    return url.set(drivername=url.get_backend_name(), query=server).render_as_string(hide_password=True)


def connect(text: str, *, create: bool) -> Database:
    """The database of that URL, its SQLite file made (readable by its owner alone) where `create` allows it.

    Raises `BadStoreUrlError`, `DriverMissingError`, `DatabaseMissingError`, `DatabaseDirectoryError`; what only the
    first query shows is raised by that.
    """
    url = _parse(text)
    if url.get_backend_name() == "postgresql":
        return Database(url, _postgres(url))
    path = Path(url.database or "")
    if not _exists(path):
        if not create:
            raise DatabaseMissingError(str(path))
        _make_file(path)
    return Database(url, _sqlite(url))


def _parse(text: str) -> URL:
    try:
        url = sa.make_url(text)
    except ArgumentError:
        raise BadStoreUrlError from None
    backend = url.drivername.partition("+")[0]
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise UnknownDatabaseKindError(backend)
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise MemoryDatabaseError
    return url.set(drivername="sqlite+pysqlite", query={})


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DatabaseDirectoryError(str(path), path.parent, f"cannot be searched ({_why(error)})") from None
    return True


def _make_file(path: Path) -> None:
    """Made by us before SQLite sees it: it gives the write-ahead log the mode of the file."""
    try:
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        hand_over(made, path.parent)
        os.close(made)
    except FileExistsError:
        return
    except (FileNotFoundError, NotADirectoryError):
        raise DatabaseDirectoryError(str(path), path.parent, "does not exist") from None
    except OSError as error:
        raise DatabaseDirectoryError(str(path), path.parent, f"cannot be written to ({_why(error)})") from None


def hand_over(file: int, beside: Path) -> None:
    """What root makes, the service's own user must be able to open later: it gets the owner of `beside`."""
    if os.geteuid() == 0:
        owner = beside.stat()
        os.fchown(file, owner.st_uid, owner.st_gid)


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _sqlite(url: URL) -> Engine:
    engine = sa.create_engine(
        url, hide_parameters=True, connect_args={"isolation_level": None, "timeout": _BUSY_MS / 1000}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """FULL costs under a millisecond a commit and is what survives a power cut.

    What the file keeps of it is set in our own files alone: another program's stays as it is, to be refused.
    """
    with contextlib.closing(connection.cursor()) as cursor:
        if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",) and _ours(cursor):
            cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # counts only before the first table and before WAL
            _switch_to_wal(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT}")


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Write ahead from now on. SQLite does not wait for a lock here when several open a new file at once: we do."""
    until = clock.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or clock.monotonic() > until:
                raise
            time.sleep(_LOOK_AGAIN)
        else:
            return


def _ours(cursor: sqlite3.Cursor) -> bool:
    """Whether there is no table of another program: the file is new, or was made by us."""
    names = {name for (name,) in cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return not names or names >= MARKS


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads and then writes could lose its turn in between."""
    reading = connection.get_execution_options().get(_READ)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgres(url: URL) -> Engine:
    if importlib.util.find_spec("psycopg") is None:
        raise DriverMissingError
    given = url.query.get("options", "")
    options = [given] if isinstance(given, str) else list(given)
    return sa.create_engine(
        url.difference_update_query(["options"]),
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"options": " ".join([*options, f"-c lock_timeout={_BUSY_MS} -c timezone=UTC"]).strip()},
    )
