"""Turns a driver's error into the `StoreError` whose sentence says what to do."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from marginwatch.store.errors import (
    DatabaseBusyError,
    DatabaseCorruptError,
    DatabaseDirectoryError,
    DatabaseFailedError,
    DatabaseFullError,
    DatabaseReadOnlyError,
    DatabaseUnreachableError,
    DatabaseUnreadableError,
    NotADatabaseError,
    StoreError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


_PRIMARY = 0xFF
"""The part of a SQLite result code that says what kind it is."""
_PLAIN: Mapping[int, Callable[[str], StoreError]] = {
    sqlite3.SQLITE_FULL: DatabaseFullError,
    sqlite3.SQLITE_READONLY: DatabaseReadOnlyError,
    sqlite3.SQLITE_BUSY: DatabaseBusyError,
    sqlite3.SQLITE_LOCKED: DatabaseBusyError,
    sqlite3.SQLITE_NOTADB: NotADatabaseError,
}


def diagnose(error: BaseException | None, where: str, path: Path | None) -> StoreError:
    """The driver's error as ours. `where` names the database in the sentence, `path` is its file on SQLite."""
    return _postgres(error, where) if path is None else _sqlite(error, where, path)


def _sqlite(error: BaseException | None, where: str, path: Path) -> StoreError:
    why = str(error)
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    if code in _PLAIN:
        return _PLAIN[code](where)
    if code == sqlite3.SQLITE_CORRUPT:
        return DatabaseCorruptError(where, why)
    if code == sqlite3.SQLITE_CANTOPEN:
        return _cannot_open(where, path)
    return DatabaseFailedError(where, why)


def _cannot_open(where: str, path: Path) -> StoreError:
    if path.is_dir():
        return NotADatabaseError(where)
    if not os.access(path.parent, os.W_OK, effective_ids=True):
        return DatabaseDirectoryError(where, path.parent, "cannot be written to")
    return DatabaseUnreadableError(where, "permission denied")


def _postgres(error: BaseException | None, where: str) -> StoreError:
    state = getattr(error, "sqlstate", None) or ""
    why = str(error).partition("\n")[0].strip().rstrip(".")
    if state == "53100":
        return DatabaseFullError(where)
    if state in {"25006", "42501"}:
        return DatabaseReadOnlyError(where)
    if state in {"55P03", "57014", "40P01", "40001"}:
        return DatabaseBusyError(where)
    if not state or state[:2] in {"08", "28", "3D", "57"}:
        return DatabaseUnreachableError(where, why)
    return DatabaseFailedError(where, why)
