"""Puts a backup in the place of a SQLite database that no process owns."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING, BinaryIO

from marginwatch.store.backup import sync
from marginwatch.store.engine import MARKS, connect, hand_over
from marginwatch.store.errors import (
    DatabaseDirectoryError,
    RestoreSourceError,
    RestoreTargetError,
    RestoreUnsupportedError,
)
from marginwatch.store.ownership import acquire
from marginwatch.store.schema import REVISIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database; of another database it would be taken for this one's."""
REPLACED = ".replaced"
"""Added to the name of the database that was there before; behind a number where there is one of that name."""


def restore(url: str, source: Path, *, force: bool) -> Path | None:
    """Make the database at `url` a copy of the backup; gives where the one of before is kept, None where none was.

    Nothing is touched before the backup is known to be whole and of a version that this one reads.

    Raises `RestoreSourceError`, `RestoreTargetError` (there is a database already, and no `force`),
    `DatabaseOwnedError`, `DatabaseDirectoryError` and `RestoreUnsupportedError` for PostgreSQL.
    """
    _check(source)
    database = connect(url, create=True)  # a server is not asked before the first query
    path = database.path
    if path is None:
        raise RestoreUnsupportedError(database.where)
    there = path.stat().st_size > 0
    database.close()
    lock = acquire(database)
    try:
        if there and not force:
            raise RestoreTargetError(path)
        return _replace(path, source, kept=there)
    finally:
        lock.release()
        if not there and not path.stat().st_size:
            path.unlink()


def _check(source: Path) -> None:
    """Refuse what is no backup of ours, not whole, or of a later version."""
    if not source.is_file():
        raise RestoreSourceError(source, "it is no file" if source.exists() else "there is no such file")
    log = source.with_name(f"{source.name}-wal")
    if log.exists() and log.stat().st_size:
        raise RestoreSourceError(source, "it is a database in use; `marginwatch backup` makes a whole copy of it")
    try:
        uri = f"{source.absolute().as_uri()}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not names >= MARKS:
                raise RestoreSourceError(source, "it is no database of marginwatch")
            (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            if version not in REVISIONS:
                raise RestoreSourceError(source, f"it is of a newer version of marginwatch (schema {version})")
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise RestoreSourceError(source, str(error)) from None
    if said != "ok":
        raise RestoreSourceError(source, f"it is damaged ({' '.join(said.split())})")


def _replace(path: Path, source: Path, *, kept: bool) -> Path | None:
    """Copy first, then let the copy take the place of the database of before, which steps aside with all its files."""
    copy, aside = _copy(source, path), _free(path)
    try:
        for ending in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
        if kept:
            path.replace(aside)
        copy.replace(path)
        sync(path.parent)
    except OSError as error:
        copy.unlink(missing_ok=True)
        raise DatabaseDirectoryError(str(path), path.parent, f"cannot be written to ({_why(error)})") from None
    return aside if kept else None


def _copy(source: Path, path: Path) -> Path:
    copy = path.with_name(path.name + ".restoring")
    try:
        with source.open("rb") as read, _private(copy) as write:
            hand_over(write.fileno(), path)
            shutil.copyfileobj(read, write)
        sync(copy)
    except OSError as error:
        copy.unlink(missing_ok=True)
        raise RestoreSourceError(source, f"it cannot be copied to {path.parent} ({_why(error)})") from None
    return copy


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _free(path: Path) -> Path:
    """A name for the database of before that takes no other's: whoever restores twice still has the first one."""
    numbered = (f".{number}{REPLACED}" for number in itertools.count(2))
    names = (path.with_name(path.name + ending) for ending in itertools.chain((REPLACED,), numbered))
    return next(name for name in names if not any(name.with_name(name.name + each).exists() for each in ("", *_BESIDE)))


@contextlib.contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        yield file
