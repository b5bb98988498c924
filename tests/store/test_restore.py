"""A backup is put in place whole, or nothing is changed."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from marginwatch.store.errors import (
    DatabaseOwnedError,
    RestoreSourceError,
    RestoreTargetError,
    RestoreUnsupportedError,
)
from marginwatch.store.restore import restore
from marginwatch.store.store import Store
from support.records import alert, commit
from support.unprivileged import open_folder, unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.postgres import Postgres


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def ids(path: Path) -> list[str]:
    """The alerts in a database."""
    store = Store.open(url(path), create=False)
    try:
        return [each.alert_id for each in store.history.alerts()]
    finally:
        store.close()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a store that went on afterwards, and lies beside it as `store.db`."""
    store = Store.open(url(tmp_path / "store.db"))
    store.own()
    store.commit(commit(alerts=(alert(alert_id="then"),)))
    store.backup(tmp_path / "backup.db")
    store.commit(commit(1, alerts=(alert(alert_id="now"),)))
    store.close()
    return tmp_path / "backup.db"


def test_what_is_restored_is_what_was_backed_up(backup: Path, tmp_path: Path) -> None:
    """Private, while the database of before is kept aside; the backup stays as it was."""
    before = backup.read_bytes()
    replaced = restore(url(tmp_path / "store.db"), backup, force=True)

    assert replaced == tmp_path / "store.db.replaced"
    assert ids(tmp_path / "store.db") == ["then"]
    assert sorted(ids(replaced)) == ["now", "then"]
    assert stat.S_IMODE((tmp_path / "store.db").stat().st_mode) == 0o600
    assert backup.read_bytes() == before


def test_what_a_killed_process_left_beside_goes_with_it(backup: Path, tmp_path: Path) -> None:
    """A log of the database of before would be taken for a log of the one restored."""
    store = tmp_path / "store.db"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("DELETE FROM alerts")
        connection.commit()
        left = {ending: store.with_name(f"store.db{ending}").read_bytes() for ending in ("-wal", "-shm")}
    for ending, content in left.items():
        store.with_name(f"store.db{ending}").write_bytes(content)
    restore(url(store), backup, force=True)

    assert ids(store) == ["then"]
    assert (tmp_path / "store.db.replaced-wal").read_bytes() == left["-wal"]


def test_a_new_machine_has_no_database_yet(backup: Path, tmp_path: Path) -> None:
    """Then nothing is put aside, and nothing needs to be forced."""
    assert restore(url(tmp_path / "new.db"), backup, force=False) is None
    assert ids(tmp_path / "new.db") == ["then"]


def test_whoever_restores_twice_still_has_the_first_database(backup: Path, tmp_path: Path) -> None:
    """As after a wrong backup was taken first."""
    kept = [restore(url(tmp_path / "store.db"), backup, force=True) for _ in range(3)]

    assert [each.name for each in kept if each] == ["store.db.replaced", "store.db.2.replaced", "store.db.3.replaced"]
    assert kept[0] is not None
    assert sorted(ids(kept[0])) == ["now", "then"]


def test_what_root_restores_belongs_to_whom_the_folder_does(backup: Path) -> None:
    """So that the service's own user can start on it: the database, and the lock beside it."""
    with open_folder() as folder:
        restore(url(folder / "new.db"), backup, force=False)
        with unprivileged():
            store = Store.open(url(folder / "new.db"))
            store.own()
            store.close()


def test_a_database_is_not_replaced_by_accident(backup: Path, tmp_path: Path) -> None:
    """The sentence names it and the way."""
    with pytest.raises(RestoreTargetError, match=r"store\.db already; --force"):
        restore(url(tmp_path / "store.db"), backup, force=False)
    assert sorted(ids(tmp_path / "store.db")) == ["now", "then"]


def test_a_database_in_use_is_not_replaced(backup: Path, tmp_path: Path) -> None:
    """Whatever is asked for: a daemon would go on writing to what is aside."""
    store = Store.open(url(tmp_path / "store.db"))
    store.own()
    with pytest.raises(DatabaseOwnedError):
        restore(url(tmp_path / "store.db"), backup, force=True)
    store.close()
    assert sorted(ids(tmp_path / "store.db")) == ["now", "then"]


def missing(backup: Path) -> None:
    backup.unlink()


def text(backup: Path) -> None:
    backup.write_text("not a database at all" * 100)


def foreign(backup: Path) -> None:
    backup.unlink()
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("CREATE TABLE mine (a)")


def folder(backup: Path) -> None:
    backup.unlink()
    backup.mkdir()


def newer(backup: Path) -> None:
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def damaged(backup: Path) -> None:
    body = bytearray(backup.read_bytes())
    middle = len(body) // 2
    body[middle : middle + 8192] = b"\xff" * 8192
    backup.write_bytes(body)


def in_use(backup: Path) -> None:
    backup.with_name("backup.db-wal").write_bytes(b"x")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (missing, "there is no such file"),
        (folder, "it is no file"),
        (text, "file is not a database"),
        (foreign, "it is no database of marginwatch"),
        (newer, "it is of a newer version of marginwatch .schema 9999."),
        (damaged, "(it is damaged|malformed)"),
        (in_use, "it is a database in use"),
    ],
)
def test_what_is_no_good_backup_is_refused(
    backup: Path, tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    """Before anything is touched, and nothing is left behind."""
    spoil(backup)
    with pytest.raises(RestoreSourceError, match=f"{why}.*; nothing was changed"):
        restore(url(tmp_path / "store.db"), backup, force=True)
    assert sorted(ids(tmp_path / "store.db")) == ["now", "then"]
    assert not list(tmp_path.glob("*.restoring"))


def test_a_copy_that_cannot_be_made_leaves_the_database(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the disk is full."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", fail)
    with pytest.raises(RestoreSourceError, match=r"cannot be copied to .* \(no space left on device\); nothing was"):
        restore(url(tmp_path / "store.db"), backup, force=True)
    with pytest.raises(RestoreSourceError):
        restore(url(tmp_path / "new.db"), backup, force=False)
    assert sorted(ids(tmp_path / "store.db")) == ["now", "then"]
    assert not (tmp_path / "new.db").exists()


def test_postgresql_has_its_own_tool_for_this(backup: Path, postgres: Postgres) -> None:
    """The sentence says which, and of which server, without what else the URL asks for."""
    with postgres.database() as where, pytest.raises(RestoreUnsupportedError, match="pg_restore") as raised:
        restore(f"{where}&sslpassword=hunter2", backup, force=True)
    assert f"--dbname='{where}' FILE" in str(raised.value).replace("%2F", "/")
    assert "hunter2" not in str(raised.value)
