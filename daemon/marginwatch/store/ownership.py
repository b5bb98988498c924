"""One process owns the database: a lock that dies with it, and an epoch that every transaction of it checks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from marginwatch.store import tables
from marginwatch.store.engine import hand_over
from marginwatch.store.errors import (
    DatabaseDirectoryError,
    DatabaseOwnedError,
    DatabaseUnreadableError,
    EpochLostError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from marginwatch.store.engine import Database

_LOCK_CLASS = 0x6D617267
"""`marg`: the first half of PostgreSQL's advisory lock; the second is the hash of the schema's name."""
_TRY_LOCK = sa.text(
    "SELECT pg_try_advisory_lock(:class, hashtext(current_schema())) FROM set_config('application_name', :name, false)"
)
_HOLDER = sa.text(
    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :class AND l.objsubid = 2"
    " AND l.objid = (hashtext(current_schema())::bigint & 4294967295)::oid"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_EPOCH = "SELECT value FROM meta WHERE key = 'epoch'"
"""Plain, for every transaction begins with it."""


class Lock(Protocol):
    """Held until released, or until the process ends in whatever way."""

    def release(self) -> None:
        """Let another process have it."""
        ...


class Owner:
    """The right to write as the daemon: everything the daemon commits goes through `write`."""

    def __init__(self, database: Database, lock: Lock, epoch: int) -> None:
        self._database = database
        self._lock = lock
        self.epoch = epoch
        # Shared, so that a successor cannot raise it between this check and our commit; SQLite has one writer.
        self._check = _EPOCH if database.path is not None else f"{_EPOCH} FOR SHARE"

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """One writing transaction, refused with `EpochLostError` once another process took the database over."""
        with self._database.write() as connection:
            if connection.exec_driver_sql(self._check).scalar_one() != self.epoch:
                raise EpochLostError(self._database.where)
            yield connection

    def release(self) -> None:
        """Give the database up."""
        self._lock.release()


def own(database: Database) -> Owner:
    """Take the database over, or raise `DatabaseOwnedError` naming who has it."""
    lock = acquire(database)
    raise_epoch = tables.meta.update().where(tables.meta.c.key == "epoch").values(value=tables.meta.c.value + 1)
    try:
        with database.write() as connection:
            connection.execute(raise_epoch)
            epoch = connection.exec_driver_sql(_EPOCH).scalar_one()
    except BaseException:
        lock.release()
        raise
    return Owner(database, lock, epoch)


def acquire(database: Database) -> Lock:
    """The lock alone. Raises `DatabaseOwnedError`."""
    return _Advisory(database) if database.path is None else _File(database.where, database.path)


class _File:
    """flock on a file beside the database, which also says who holds it."""

    def __init__(self, where: str, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            self._file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            if path.exists():
                raise DatabaseUnreadableError(where, f"its lock {path} cannot be taken ({why})") from None
            raise DatabaseDirectoryError(where, path.parent, f"cannot be written to ({why})") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._file, 64, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise DatabaseOwnedError(where, owner) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"process {os.getpid()}\n".encode(), 0)
        hand_over(self._file, database)

    def release(self) -> None:
        """Closing lets go of the lock; the file stays, since removing it would race with the next owner."""
        os.close(self._file)


class _Advisory:
    """PostgreSQL's session lock, on a connection of its own: a pooled one would keep it after being returned."""

    def __init__(self, database: Database) -> None:
        with database.translated():
            self._connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.detach()
            name = f"marginwatch, process {os.getpid()} on {socket.gethostname()}"
            if not self._connection.scalar(_TRY_LOCK, {"class": _LOCK_CLASS, "name": name[:63]}):
                owner = self._connection.scalar(_HOLDER, {"class": _LOCK_CLASS}) or ""
                self._connection.close()
                raise DatabaseOwnedError(database.where, owner.removeprefix("marginwatch, "))

    def release(self) -> None:
        """Ending the session would let go of the lock, too, but a moment later."""
        with contextlib.suppress(DBAPIError):
            self._connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
        self._connection.close()
