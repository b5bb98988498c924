"""The databases the store's tests run on: all of them on each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from marginwatch.store.store import Store
from support.postgres import Postgres, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables and no rows: to copy, which is much faster than making one."""
    path = tmp_path_factory.mktemp("made") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def made_on_server(postgres: Postgres) -> Iterator[str]:
    """The same on PostgreSQL; emptied for each test."""
    with postgres.database() as url:
        Store.open(url).close()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with all tables and no rows."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("made"), tmp_path / "store.db")
        return f"sqlite:///{tmp_path}/store.db"
    on_server: str = request.getfixturevalue("made_on_server")
    server: Postgres = request.getfixturevalue("postgres")
    server.empty(on_server)
    return on_server


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An owned, empty store."""
    opened = Store.open(url)
    opened.own()
    yield opened
    opened.close()
