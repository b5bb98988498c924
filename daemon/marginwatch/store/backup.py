"""Makes a consistent copy of a SQLite database while it is in use."""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import TYPE_CHECKING

from marginwatch.store.errors import BackupRoomError, BackupTargetError, BackupUnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.store.engine import Database


_OF_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_OF_SQLITE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
"""What a disk answers that is full or fails, and what SQLite makes of it."""


def backup(database: Database, target: Path) -> None:
    """Write the copy to a new file, readable by its owner alone, durable when this returns.

    Raises `BackupTargetError` when the file is there already or cannot be written, leaving none behind
    (`BackupRoomError` where its disk is full), and `BackupUnsupportedError` for PostgreSQL.
    """
    if database.path is None:
        raise BackupUnsupportedError(database.where)
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise BackupTargetError(target, "there is a file of that name already") from None
    except OSError as error:
        raise _refused(target, error) from None
    try:
        with database.raw() as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        sync(target)
        sync(target.parent)
    except (sqlite3.Error, OSError) as error:
        target.unlink(missing_ok=True)
        raise _refused(target, error) from None


def _refused(target: Path, error: sqlite3.Error | OSError) -> BackupTargetError:
    if isinstance(error, OSError):
        why, of_disk = (error.strerror or str(error)).lower(), error.errno in _OF_DISK
    else:
        why, of_disk = str(error), getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_SQLITE
    return (BackupRoomError if of_disk else BackupTargetError)(target, why)


def sync(path: Path) -> None:
    """Have what was written to a file, or which names a folder holds, outlive a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
