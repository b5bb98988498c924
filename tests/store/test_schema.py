"""The schema is brought up to date at the start, by whoever comes first, and never backwards."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from marginwatch.store import engine, schema
from marginwatch.store.errors import DatabaseOutdatedError, DatabaseTooNewError, ForeignDatabaseError
from marginwatch.store.store import Store
from marginwatch.store.tables import metadata
from support.records import alert, commit

if TYPE_CHECKING:
    from pathlib import Path


def set_version(url: str, version: str) -> None:
    """Pretend that another version of marginwatch made the database."""
    database = engine.connect(url, create=False)
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    database.close()


def comparable(_thing: object, name: str, *_: object) -> bool:
    """Alembic cannot compare a descending index; the next test does."""
    return name != "ix_outbox_open"


def test_the_migrations_make_exactly_the_tables(store: Store) -> None:
    """What the migrations built and what the code expects do not differ in a table, column, index or type."""
    with store._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": comparable})
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_every_index_is_there(store: Store) -> None:
    """The one over unsettled messages is made as the code declares it."""
    with store._database.read() as connection:
        made = "sqlite_master WHERE name" if connection.dialect.name == "sqlite" else "pg_indexes WHERE indexname"
        column = "sql" if connection.dialect.name == "sqlite" else "indexdef"
        (text,) = connection.scalars(sa.text(f"SELECT {column} FROM {made} = 'ix_outbox_open'"))

    assert "(receiver, severity DESC, id) WHERE" in text


def test_the_code_knows_every_revision() -> None:
    """The list by which newer databases are recognised is the list of migrations."""
    config = Config()
    config.set_main_option("script_location", str(schema.SCRIPTS))
    config.set_main_option("path_separator", "os")
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]

    assert tuple(reversed(known)) == schema.REVISIONS


def test_opening_again_changes_nothing(empty_url: str) -> None:
    """An up-to-date database is used as it is, without loading the migration tool's environment again."""
    first = Store.open(empty_url)
    first.own()
    first.commit(commit(alerts=(alert(),)))
    first.close()
    second = Store.open(empty_url, create=False)
    alerts = second.history.alerts()
    second.close()

    assert alerts == [alert()]


def test_many_may_open_a_new_database_at_once(empty_url: str) -> None:
    """One of them makes the tables; the others wait and find them."""
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(Store.open, [empty_url] * 4))
    priors = [store.load_prior() for store in stores]
    for store in stores:
        store.close()

    assert priors == [priors[0]] * 4


def test_a_switch_to_the_write_ahead_log_waits_for_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself does not wait when another connection is about to write to the new file: it fails at once."""
    path = tmp_path / "new.db"
    waits: list[float] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as other, closing(sqlite3.connect(path)) as connection:
        other.execute("BEGIN IMMEDIATE")

        def wait(seconds: float) -> None:
            waits.append(seconds)
            other.execute("ROLLBACK")

        monkeypatch.setattr(engine, "time", SimpleNamespace(sleep=wait))
        engine._switch_to_wal(connection.cursor())
        modes = connection.execute("PRAGMA journal_mode").fetchall()

    assert (len(waits), modes) == (1, [("wal",)])


def test_a_lock_that_is_never_let_go_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is told to be locked, as by any other statement."""
    path = tmp_path / "new.db"
    monkeypatch.setattr(engine, "_BUSY_MS", 0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, closing(sqlite3.connect(path)) as connection:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            engine._switch_to_wal(connection.cursor())


def test_a_newer_database_is_refused(empty_url: str) -> None:
    """An old version would misread it: one sentence, and an exit code that systemd does not restart on."""
    Store.open(empty_url).close()
    set_version(empty_url, "9999")

    with pytest.raises(DatabaseTooNewError, match=r"newer version of marginwatch \(schema 9999\)") as refused:
        Store.open(empty_url)
    assert refused.value.exit_code == 78


def test_an_older_database_is_upgraded_unless_a_daemon_uses_it(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line does not change tables under a running daemon; without one, they are brought up to date."""
    daemon = Store.open(empty_url)
    daemon.own()
    daemon.commit(commit(alerts=(alert(),)))
    set_version(empty_url, "0000")
    monkeypatch.setattr(schema, "REVISIONS", ("0000", *schema.REVISIONS))
    upgraded: list[object] = []
    monkeypatch.setattr(schema, "_run", upgraded.append)

    with pytest.raises(DatabaseOutdatedError, match=f"process {os.getpid()}.*restart that one"):
        Store.open(empty_url)
    assert upgraded == []
    daemon.close()
    Store.open(empty_url).close()
    assert len(upgraded) == 1


def test_another_programs_database_is_refused(empty_url: str) -> None:
    """Tables that are not ours are never touched."""
    database = engine.connect(empty_url, create=True)
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE customers (id INTEGER)"))
    database.close()

    with pytest.raises(ForeignDatabaseError, match="another program"):
        Store.open(empty_url)


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("tables", [("customers",), ("alembic_version", "customers")])
def test_another_programs_file_stays_as_it_is(tmp_path: Path, mode: str, tables: tuple[str, ...]) -> None:
    """It is refused before anything of it is set: every byte stays, and nothing is left beside it."""
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA journal_mode={mode}")
        for table in tables:
            raw.execute(f"CREATE TABLE {table} (id INTEGER)")
    before = path.read_bytes()

    with pytest.raises(ForeignDatabaseError):
        Store.open(f"sqlite:///{path}")

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_restored_backup_is_made_durable_again(tmp_path: Path) -> None:
    """A copy made by SQLite is in another mode than the database was; opening it sets it as it should be."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    store.backup(tmp_path / "copy.db")
    store.close()
    copy = Store.open(f"sqlite:///{tmp_path}/copy.db")
    with copy._database.raw() as raw:
        mode = raw.execute("PRAGMA journal_mode").fetchone()
    copy.close()

    assert mode == ("wal",)


def test_a_failed_upgrade_leaves_the_database_empty(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tables or none: the next start finds nothing half made."""

    def fails(connection: sa.Connection) -> None:
        connection.execute(sa.text("CREATE TABLE meta (id INTEGER)"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(schema, "_run", fails)
        with pytest.raises(KeyboardInterrupt):
            Store.open(empty_url)

    Store.open(empty_url).close()


def test_the_file_is_private_durable_and_shrinkable(tmp_path: Path) -> None:
    """Only its owner may read it, a commit is flushed, constraints are checked, and freed pages can be given back."""
    path = tmp_path / "store.db"
    store = Store.open(f"sqlite:///{path}")
    store.own()
    with store._database.raw() as raw:
        found = {
            name: raw.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "auto_vacuum", "busy_timeout")
        }
    modes = {oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    store.close()

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "auto_vacuum": 2, "busy_timeout": 5000}
    assert modes == {"0o600"}
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
