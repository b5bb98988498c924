"""Makes a consistent copy of a SQLite database while it is in use."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from marginwatch.store.errors import BackupTargetError, BackupUnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.store.engine import Database


def backup(database: Database, target: Path) -> None:
    """Write the copy to a new file, readable by its owner alone, durable when this returns.

    Raises `BackupTargetError` when the file is there already or cannot be written, leaving none behind, and
    `BackupUnsupportedError` for PostgreSQL.
    """
    if database.path is None:
        raise BackupUnsupportedError(database.where)
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise BackupTargetError(target, "there is a file of that name already") from None
    except OSError as error:
        raise BackupTargetError(target, (error.strerror or str(error)).lower()) from None
    try:
        with database.raw() as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
        sync(target)
        sync(target.parent)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise BackupTargetError(target, str(error)) from None


def sync(path: Path) -> None:
    """Have what was written to a file, or which names a folder holds, outlive a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
