"""A database of a test's own, opened as the daemon opens it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from marginwatch.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def opened(file: Path) -> Store:
    """The store in that file, made if need be, and owned; whoever asks for it closes it."""
    store = Store.open(f"sqlite:///{file}")
    store.own()
    return store


@contextmanager
def owned(folder: Path, name: str = "marginwatch.db") -> Iterator[Store]:
    """The store in that folder, made if need be, owned until the end of the block."""
    with closing(opened(folder / name)) as store:
        yield store
