"""A backup is a whole database, made while the original is in use."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from marginwatch.store.errors import BackupTargetError, BackupUnsupportedError
from marginwatch.store.store import Store
from support.records import alert, commit

if TYPE_CHECKING:
    from pathlib import Path

    from support.postgres import Postgres


@pytest.fixture
def full(tmp_path: Path) -> Store:
    """An owned store that remembers an alert."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    store.own()
    store.commit(commit(alerts=(alert(),)))
    return store


def test_a_backup_holds_everything_committed(full: Store, tmp_path: Path) -> None:
    """It opens as a database of its own, private, with what was committed, and the daemon goes on meanwhile."""
    target = tmp_path / "copy.db"
    full.backup(target)
    full.commit(commit(1))
    full.close()
    copy = Store.open(f"sqlite:///{target}", create=False)
    alerts = copy.history.alerts()
    copy.close()

    assert alerts == [alert()]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_backup_overwrites_nothing(full: Store, tmp_path: Path) -> None:
    """A file that is there already stays as it is."""
    target = tmp_path / "precious"
    target.write_text("mine")
    with pytest.raises(BackupTargetError, match="a file of that name"):
        full.backup(target)
    full.close()

    assert target.read_text() == "mine"


def test_a_backup_into_nowhere_is_one_sentence(full: Store, tmp_path: Path) -> None:
    """The sentence names the file; nothing is left behind."""
    with pytest.raises(BackupTargetError, match="no such file or directory"):
        full.backup(tmp_path / "missing" / "copy.db")
    full.close()


def test_a_failed_backup_leaves_no_file(full: Store, tmp_path: Path) -> None:
    """Half a backup would be taken for a whole one."""
    (tmp_path / "store.db").write_bytes(b"not a database any more" * 1000)
    full._database.close()
    with pytest.raises(BackupTargetError):
        full.backup(tmp_path / "copy.db")
    full.close()

    assert not (tmp_path / "copy.db").exists()


def test_postgresql_has_its_own_tool(postgres: Postgres) -> None:
    """The sentence says which."""
    with postgres.database() as url:
        store = Store.open(url)
        with pytest.raises(BackupUnsupportedError, match="pg_dump"):
            store.backup(None)  # type: ignore[arg-type]  # never looked at
        store.close()
