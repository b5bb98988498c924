"""One process owns the database, and says so to the others."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from marginwatch.store import loading
from marginwatch.store.errors import DatabaseOwnedError, DatabaseUnreadableError
from marginwatch.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from marginwatch.store.store import Store
store = Store.open(sys.argv[1])
store.own()
print("owned", flush=True)
sys.stdin.read()
"""


def test_each_owner_has_a_higher_epoch(url: str) -> None:
    """The number that fences an old owner off only ever grows."""
    epochs = []
    for _ in range(3):
        store = Store.open(url)
        epochs.append(store.own())
        store.close()

    assert epochs == [1, 2, 3]


def test_a_second_owner_is_refused_and_told_who_is_first(url: str, store: Store) -> None:
    """The sentence names the process to stop; reading goes on."""
    other = Store.open(url)
    with pytest.raises(DatabaseOwnedError, match=f"process {os.getpid()}"):
        other.own()

    assert other.load_prior() == store.load_prior()
    other.close()


def test_ownership_ends_with_the_process(url: str) -> None:
    """However it ends: after kill -9 the next one owns the database at once."""
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"owned\n"
        store = Store.open(url)
        with pytest.raises(DatabaseOwnedError, match=f"process {child.pid}"):
            store.own()
        child.kill()
        child.wait()
        if store._database.path is None:
            wait_until_released(store)
        else:
            store.own()
        store.close()


def wait_until_released(store: Store) -> None:
    """PostgreSQL learns of a killed client when its socket closes, a moment later."""
    for _ in range(1000):
        try:
            store.own()
        except DatabaseOwnedError:
            continue
        return
    pytest.fail("the lock of a killed process was never released")


def test_a_start_that_fails_half_way_gives_the_database_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong while taking over, the next attempt is not locked out by this one."""

    def breaks(_: object) -> None:
        raise KeyboardInterrupt

    store = Store.open(url)
    for module, name in ((loading, "memory"), (type(store._database), "write")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, breaks)
            with pytest.raises(KeyboardInterrupt):
                store.own()

    assert store.own() >= 1
    store.close()


def test_a_lock_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """It names what is in the way, and not the folder, which takes files."""
    (tmp_path / "store.db.lock").mkdir()
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(
        DatabaseUnreadableError, match=r"its lock .*/store\.db\.lock cannot be taken \(is a directory\)"
    ):
        store.own()
    store.close()


def test_a_lock_file_made_by_root_can_be_used_by_the_service(tmp_path: Path) -> None:
    """It belongs to whoever the database belongs to."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    if os.geteuid() == 0:
        os.chown(tmp_path / "store.db", 65534, 65534)
    store.own()
    owners = {file.stat().st_uid for file in (tmp_path / "store.db", tmp_path / "store.db.lock")}
    store.close()

    assert len(owners) == 1
