"""The key that links and sessions are signed with."""

from __future__ import annotations

import pytest

from marginwatch.store.errors import NotOwnedError
from marginwatch.store.store import Store


def test_the_key_is_made_once(store: Store, url: str) -> None:
    """A restart, or another process that reads, has the same one."""
    made = store.keys.signing()
    other = Store.open(url)

    assert len(made) == 32
    assert (store.keys.signing(), other.keys.signing()) == (made, made)
    other.close()


def test_only_the_owner_makes_the_key(store: Store) -> None:
    """Two processes that begin at once must not sign with two."""
    store.close()
    with pytest.raises(NotOwnedError):
        store.keys.signing()
