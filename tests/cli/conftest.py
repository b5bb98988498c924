"""What the tests of commands share: a shell, and a store to look at."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from support import ledger
from support.logging_state import logging_restored
from support.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed in an empty folder."""
    return Shell(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all of `support.ledger`; to copy, which is faster than making it."""
    folder = tmp_path_factory.mktemp("ledger")
    ledger.fill(folder)
    return folder / "marginwatch.db"


@pytest.fixture
def desk(shell: Shell, filled: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed at ten past twelve, beside a config and a store with something of everything."""
    ledger.write(shell.folder)
    shutil.copy(filled, shell.folder / "marginwatch.db")
    monkeypatch.setattr(clock, "now", lambda: ledger.NOW)
    return shell
