"""A database in a folder, opened as the daemon opens it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from marginwatch.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def owned(folder: Path) -> Iterator[Store]:
    """The store in that folder, made if need be, owned until the end of the block."""
    store = Store.open(f"sqlite:///{folder}/marginwatch.db")
    try:
        store.own()
        yield store
    finally:
        store.close()
