"""The key that links and sessions are signed with."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from marginwatch.store.deeds import Via
from marginwatch.store.errors import AlertNotFoundError, EmptySilenceError, NotOwnedError
from marginwatch.store.keys import LinkUsedError, link_uses
from marginwatch.store.store import Store
from support.records import after, alert, commit, silence


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


def test_a_link_does_each_of_its_actions_once(store: Store) -> None:
    """Whoever uses it again is told who did, and nothing is done; another link, and its other action, are free."""
    store.commit(commit(alerts=(alert(),)))
    alert_id = alert().alert_id
    store.operators.acknowledge(alert_id, by="bob", note="", now=after(10), via=Via.LINK, link="a/1/desk")
    with pytest.raises(LinkUsedError, match=r"used for that already, by bob at 2026-\d\d-\d\d \d\d:\d\d:10 UTC"):
        store.operators.acknowledge(alert_id, by="eve", note="", now=after(20), via=Via.LINK, link="a/1/desk")
    (given,) = store.history.all_acknowledgements(alert_id)
    assert given.by == "bob"

    store.operators.add_silence(silence(20, 30), via=Via.LINK, link="a/1/desk")
    store.operators.acknowledge(alert_id, by="eve", note="", now=after(30), via=Via.LINK, link="a/2/desk")
    with pytest.raises(LinkUsedError):
        store.operators.add_silence(silence(20, 30), via=Via.LINK, link="a/1/desk")
    assert len(store.operators.silences()) == 1


def test_what_fails_does_not_use_the_link_up(store: Store) -> None:
    """The link is used in the transaction that does it."""
    store.commit(commit(alerts=(alert(),)))
    with pytest.raises(EmptySilenceError):
        store.operators.add_silence(silence(30, 30), via=Via.LINK, link="a/1/desk")
    with pytest.raises(AlertNotFoundError):
        store.operators.acknowledge("zzzz", by="bob", note="", now=after(10), via=Via.LINK, link="a/1/desk")

    store.operators.add_silence(silence(20, 30), via=Via.LINK, link="a/1/desk")


def test_uses_too_old_to_matter_are_dropped(store: Store) -> None:
    """By then the link is refused for its age."""
    store.operators.add_silence(silence(0, 30), after(0), via=Via.LINK, link="old")
    store.operators.add_silence(silence(0, 30), after(3 * 86_400), via=Via.LINK, link="new")
    with store._database.read() as connection:
        assert list(connection.scalars(sa.select(link_uses.c.link))) == ["new"]
