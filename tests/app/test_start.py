"""Starting as a process: the folder of state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.app import start
from marginwatch.store.errors import DatabaseDirectoryError
from marginwatch.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "marginwatch"


def test_the_default_folder_is_made_for_its_owner_alone(state: Path) -> None:
    """A first start needs no preparation; nobody else may read what it stores."""
    start._make_state_folder(f"sqlite:///{state}/marginwatch.db")

    assert state.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_the_user_names_is_not_made(state: Path, tmp_path: Path) -> None:
    """A misspelt folder is an error that names it, not a new place."""
    url = f"sqlite:///{tmp_path}/typo/marginwatch.db"
    start._make_state_folder(url)

    assert not state.exists()
    with pytest.raises(DatabaseDirectoryError, match="typo"):
        Store.open(url)


def test_a_folder_that_cannot_be_made_is_left_to_the_store_to_report(state: Path) -> None:
    """The sentence a user reads is the store's."""
    state.parent.write_text("a file where the folder should be")

    start._make_state_folder(f"sqlite:///{state}/marginwatch.db")

    assert not state.exists()
