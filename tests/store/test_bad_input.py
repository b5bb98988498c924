"""Whatever is wrong with the database is one sentence, of its own class, and loses nothing."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest

from marginwatch.store import diagnosis, engine
from marginwatch.store.errors import (
    BadStoreUrlError,
    DatabaseBusyError,
    DatabaseCorruptError,
    DatabaseDirectoryError,
    DatabaseFailedError,
    DatabaseFullError,
    DatabaseMissingError,
    DatabaseReadOnlyError,
    DatabaseUnreachableError,
    DatabaseUnreadableError,
    DriverMissingError,
    MemoryDatabaseError,
    NotADatabaseError,
    StoreError,
    UnknownDatabaseKindError,
)
from marginwatch.store.store import Store
from support.records import alert, commit, message, observation, seen
from support.unprivileged import open_folder, unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from support.postgres import Postgres


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    with open_folder() as made:
        yield made


@pytest.fixture
def said(folder: Path) -> Callable[[StoreError], str]:
    """An error's sentence without the folder's random name."""
    return lambda error: str(error).replace(str(folder), "FOLDER")


def url(folder: Path) -> str:
    """Of the database in that folder."""
    return f"sqlite:///{folder}/store.db"


@pytest.fixture
def used(folder: Path) -> Store:
    """An owned store that remembers one alert."""
    with unprivileged():
        store = Store.open(url(folder))
        store.own()
        store.commit(commit(alerts=(alert(),)))
    return store


def large(seconds: float, *, kilobytes: int = 400) -> dict[str, object]:
    """A commit that does not fit where room is short."""
    noise = {f"f{number}": os.urandom(512).hex() for number in range(kilobytes)}
    return {"observations": (seen(observation(seconds, noise)),), "messages": (message("large"),)}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", BadStoreUrlError),
        ("/var/lib/marginwatch.db", BadStoreUrlError),
        ("mysql://root:hunter2@host/db", UnknownDatabaseKindError),
        ("sqlite://", MemoryDatabaseError),
        ("sqlite:///:memory:", MemoryDatabaseError),
        ("sqlite:///file:x.db?mode=ro&uri=true", MemoryDatabaseError),
    ],
)
def test_a_bad_url_is_one_sentence(text: str, error: type[StoreError], snapshot: SnapshotAssertion) -> None:
    """It says how a URL is written and never repeats the password."""
    with pytest.raises(error) as raised:
        Store.open(text)

    assert str(raised.value) == snapshot
    assert "hunter2" not in str(raised.value)


def test_a_missing_database_is_not_made_by_a_reading_command(
    folder: Path, said: Callable[[StoreError], str], snapshot: SnapshotAssertion
) -> None:
    """`status` on a mistyped path must not leave an empty database there."""
    with pytest.raises(DatabaseMissingError) as raised:
        Store.open(url(folder), create=False)

    assert said(raised.value) == snapshot
    assert list(folder.iterdir()) == []


def test_a_missing_folder_is_one_sentence(
    folder: Path, said: Callable[[StoreError], str], snapshot: SnapshotAssertion
) -> None:
    """Also when a file stands where the folder should be."""
    (folder / "file").touch()
    sentences = []
    for name in ("nowhere", "file"):
        with pytest.raises(DatabaseDirectoryError) as raised:
            Store.open(url(folder / name))
        sentences.append(said(raised.value))

    assert sentences == snapshot


def test_a_closed_folder_is_one_sentence(
    folder: Path, said: Callable[[StoreError], str], snapshot: SnapshotAssertion
) -> None:
    """One that may not be searched, one that may not be written to, and one that takes no lock file."""
    sentences = []
    Store.open(url(folder)).close()
    (folder / "store.db").chmod(0o666)
    for mode in (0o000, 0o555):
        folder.chmod(mode)
        with unprivileged(), pytest.raises(DatabaseDirectoryError) as raised:
            Store.open(f"sqlite:///{folder}/new.db")
        sentences.append(said(raised.value))
    with unprivileged(), pytest.raises(StoreError) as raised_:
        Store.open(url(folder)).own()
    sentences.append(said(raised_.value))

    assert sentences == snapshot


def test_a_file_of_somebody_else_is_one_sentence(
    folder: Path, said: Callable[[StoreError], str], snapshot: SnapshotAssertion
) -> None:
    """A database that may not even be read."""
    Store.open(url(folder)).close()
    (folder / "store.db").chmod(0o000)
    with unprivileged(), pytest.raises(DatabaseUnreadableError) as raised:
        Store.open(url(folder))

    assert said(raised.value) == snapshot


def test_a_read_only_file_is_one_sentence(
    folder: Path, used: Store, said: Callable[[StoreError], str], snapshot: SnapshotAssertion
) -> None:
    """What is there can be read; writing is refused without harm."""
    used.close()
    (folder / "store.db").chmod(0o444)
    with unprivileged():
        store = Store.open(url(folder), create=False)
        alerts = store.history.alerts()
        with pytest.raises(DatabaseReadOnlyError) as raised:
            store.own()
        with pytest.raises(DatabaseReadOnlyError):
            store.operators.acknowledge("a1b2c3", by="ann", note="", now=alert().active_at)
        store.close()

    assert alerts == [alert()]
    assert said(raised.value) == snapshot


def test_a_full_disk_loses_nothing(used: Store, said: Callable[[StoreError], str], snapshot: SnapshotAssertion) -> None:
    """The refused commit leaves no trace, what fits goes on, and the same commit is taken when there is room."""
    with used._database.raw() as raw:
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count={pages + 3}")
    refused = commit(1, **large(1))
    with pytest.raises(DatabaseFullError) as raised:
        used.commit(refused)

    assert said(raised.value) == snapshot
    assert used.outbox.rows() == []
    used.commit(commit(2, messages=(message("small"),)))
    with used._database.raw() as raw:
        raw.execute("PRAGMA max_page_count=1000000")
    used.commit(refused)
    assert {row.message.alert_id for row in used.outbox.rows()} == {"small", "large"}
    used.close()


def test_a_disk_that_refuses_to_write_loses_nothing(
    used: Store, said: Callable[[StoreError], str], snapshot: SnapshotAssertion
) -> None:
    """The system's own limit on a file's size stands for a quota or a broken disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError) as raised:
            used.commit(commit(1, **large(1)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    assert said(raised.value) == snapshot
    assert used.commit(commit(1, **large(1))).receivers == {"desk"}
    assert used.history.alerts() == [alert()]
    used.close()


def test_a_locked_database_is_one_sentence(
    folder: Path,
    used: Store,
    said: Callable[[StoreError], str],
    monkeypatch: pytest.MonkeyPatch,
    snapshot: SnapshotAssertion,
) -> None:
    """Another program holds the write lock; afterwards the commit goes through."""
    used.close()
    monkeypatch.setattr(engine, "_BUSY_MS", 20)
    store = Store.open(url(folder))
    store.own()
    with contextlib.closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusyError) as raised:
            store.commit(commit(1))
        assert store.history.alerts() == [alert()]
    store.commit(commit(1))
    store.close()

    assert said(raised.value) == snapshot


def test_a_file_that_is_no_database_is_one_sentence(
    folder: Path, said: Callable[[StoreError], str], snapshot: SnapshotAssertion
) -> None:
    """A text file, or a folder, of that name; the file stays as it is."""
    (folder / "store.db").write_text("[log]\nlevel = 'info'\n" * 100)
    with pytest.raises(NotADatabaseError) as text:
        Store.open(url(folder))
    (folder / "dir.db").mkdir()
    with pytest.raises(NotADatabaseError) as directory:
        Store.open(f"sqlite:///{folder}/dir.db")

    assert [said(text.value), said(directory.value)] == snapshot
    assert (folder / "store.db").read_text().startswith("[log]")


def test_a_damaged_database_is_one_sentence(
    folder: Path, used: Store, said: Callable[[StoreError], str], snapshot: SnapshotAssertion
) -> None:
    """It points to the backup."""
    used.commit(commit(1, **large(1)))
    used.close()
    path = folder / "store.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(DatabaseCorruptError) as raised:
        Store.open(url(folder)).load_prior()
    assert said(raised.value) == snapshot


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    """PostgreSQL is an extra."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DriverMissingError) as raised:
        Store.open("postgresql://me@localhost/db")

    assert str(raised.value) == snapshot


def test_an_unreachable_server_is_one_sentence(folder: Path) -> None:
    """The sentence names the server and never the password."""
    with pytest.raises(DatabaseUnreachableError, match="cannot be reached") as raised:
        Store.open(f"postgresql://me:hunter2@/db?host={folder}")

    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_a_server_refuses_is_told_apart(postgres: Postgres) -> None:
    """A database that is not there, and one that may not be written to."""
    with pytest.raises(DatabaseUnreachableError, match='database "nowhere" does not exist'):
        Store.open(f"postgres://marginwatch@/nowhere?host={postgres.folder}")
    with postgres.database() as server_url:
        Store.open(server_url).close()
        store = Store.open(f"{server_url}&options=-cdefault_transaction_read_only%3Don")
        with pytest.raises(DatabaseReadOnlyError):
            store.own()
        store.close()


def test_a_server_that_goes_away_is_one_sentence(postgres: Postgres) -> None:
    """A connection that ends in the middle is told, and the next transaction finds a new one."""
    with postgres.database() as server_url:
        store = Store.open(server_url)
        store.own()
        with pytest.raises(DatabaseUnreachableError), store._database.write() as connection:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        store.commit(commit())
        store.close()


class _ServerError(Exception):
    """What psycopg raises, as far as it matters."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__("could not do it\nDETAIL: at length")


@pytest.mark.parametrize(
    ("state", "error"),
    [("53100", DatabaseFullError), ("55P03", DatabaseBusyError), ("23505", DatabaseFailedError)],
)
def test_server_errors_have_the_same_classes(state: str, error: type[StoreError]) -> None:
    """A full disk is a full disk on any database; what has no class of its own keeps its first line."""
    found = diagnosis.diagnose(_ServerError(state), "db", None)

    assert type(found) is error
    assert "DETAIL" not in str(found)
