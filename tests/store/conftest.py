"""The databases the store's tests run on: all of them on each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.store.store import Store
from support.postgres import Postgres, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.schema() as fresh:
        yield fresh


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An owned, empty store."""
    opened = Store.open(url)
    opened.own()
    yield opened
    opened.close()
