"""What operators write reaches the daemon, and only once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.alert import Acknowledgement, Status
from marginwatch.core.model import AccountKey
from marginwatch.store.errors import (
    AccountNotFoundError,
    AlertEndedError,
    AlertNotFoundError,
    AmbiguousAlertError,
    EmptySilenceError,
    ShortAlertError,
    SilenceNotFoundError,
)
from marginwatch.store.store import Store
from marginwatch.store.types import Request, RequestKind
from support.records import ACCOUNT, NOON, account_state, after, alert, commit, observation, silence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion


@pytest.fixture
def desk(url: str, store: Store) -> Iterator[Store]:
    """A second store on the same database, as the command line opens it while the daemon runs."""
    del store
    opened = Store.open(url, create=False)
    yield opened
    opened.close()


def test_an_acknowledgement_is_seen_by_the_daemon(store: Store, desk: Store) -> None:
    """The change counter moves, and what changed is there to be read."""
    store.commit(commit(alerts=(alert("a1b2"), alert("c3d4"))))
    before = store.changes()
    found, made = desk.operators.acknowledge("a1b2", by="ann", note="on it", now=after(5), until=after(65))

    assert (found, made) == (alert("a1b2"), Acknowledgement("a1b2", "ann", "on it", after(5), after(65)))
    assert store.changes() == before + 1
    assert store.operator_input().changes == before + 1
    assert store.operator_input().acknowledgements == {"a1b2": made}
    assert store.load_prior().acknowledgements == desk.history.acknowledgements() == {"a1b2": made}


def test_a_prefix_names_an_alert_when_it_fits_only_one(store: Store, desk: Store) -> None:
    """Nobody types a whole id at night; but a guess is never made."""
    ended = alert("zz9zz9", status=Status.RESOLVED)
    store.commit(commit(alerts=(alert("a1b2c3"), alert("a1b2d4"), alert("a1b2"), alert("a1"), ended)))

    assert desk.operators.acknowledge("a1b2c", by="ann", note="", now=NOON)[0].alert_id == "a1b2c3"
    assert desk.operators.acknowledge("a1b2", by="ann", note="", now=NOON)[0].alert_id == "a1b2"
    assert desk.operators.acknowledge("a1", by="ann", note="", now=NOON)[0].alert_id == "a1"
    assert desk.history.alert_named("zz9z") == ended
    for wanted, error in [("a1b", ShortAlertError), ("a1b%", AlertNotFoundError), ("a1__", AlertNotFoundError)]:
        with pytest.raises(error):
            desk.history.alert_named(wanted)


def test_an_ended_alert_makes_a_prefix_ambiguous_too(store: Store, desk: Store) -> None:
    """What names an alert names the same one whatever is asked of it."""
    store.commit(commit(alerts=(alert("a1b2c3"), alert("a1b2d4", status=Status.RESOLVED))))

    for ask in (desk.history.alert_named, lambda name: desk.operators.acknowledge(name, by="ann", note="", now=NOON)):
        with pytest.raises(AmbiguousAlertError):
            ask("a1b2")


def test_a_wrong_id_is_one_sentence(store: Store, desk: Store, snapshot: SnapshotAssertion) -> None:
    """It says what is wrong and, where it can, what was meant."""
    ended = alert("dead01", status=Status.RESOLVED, ended_at=after(60))
    store.commit(commit(alerts=(*(alert(f"a1b2c{number}") for number in range(6)), ended)))
    said = []
    for wanted, error in [
        ("a2b2c3", AlertNotFoundError),
        ("a1b", ShortAlertError),
        ("a1b2", AmbiguousAlertError),
        ("dead", AlertEndedError),
    ]:
        with pytest.raises(error) as raised:
            desk.operators.acknowledge(wanted, by="ann", note="", now=NOON)
        said.append(str(raised.value))

    assert said == snapshot
    assert store.changes() == 0


def test_a_later_acknowledgement_replaces_an_earlier_one(store: Store, desk: Store) -> None:
    """One is in force at a time; all are on record."""
    store.commit(commit(alerts=(alert(),)))
    first = desk.operators.acknowledge("a1b2c3", by="ann", note="", now=after(1))[1]
    second = desk.operators.acknowledge("a1b2c3", by="bob", note="mine", now=after(2))[1]

    assert store.operator_input().acknowledgements == {"a1b2c3": second}
    assert desk.history.all_acknowledgements("a1b2c3") == [first, second]


def test_a_lapsed_acknowledgement_is_not_loaded(store: Store, desk: Store) -> None:
    """What a worsening voided stays void after a restart."""
    store.commit(commit(alerts=(alert(),)))
    desk.operators.acknowledge("a1b2c3", by="ann", note="", now=after(1))
    store.commit(commit(2, lapsed=("a1b2c3",)))

    assert store.load_prior().acknowledgements == {}


def test_a_silence_is_stored_and_can_be_ended(store: Store, desk: Store) -> None:
    """Its id is given by the store; ended early it still waits to be settled, so that nothing it held is lost."""
    asked = silence(rule="margin-*", venue="futures", account="A-?", groups=("desk",), labels={"book": "x,y=z"})
    made = desk.operators.add_silence(asked)
    assert replace(made, id=0) == asked
    assert store.operator_input().silences == (made,)

    ended = desk.operators.end_silence(made.id, after(60), by="bob")
    assert ended == replace(made, ends_at=after(60))
    assert store.operator_input().silences == (ended,)
    store.commit(commit(61, settled=(made.id,)))
    assert store.operator_input().silences == ()
    assert (desk.operators.silences(), desk.operators.silences(ended=True)) == ([], [ended])


def test_a_silence_that_has_not_begun_never_will(desk: Store) -> None:
    """Ending it before its start leaves no moment that it covers."""
    made = desk.operators.add_silence(silence(100, 200))
    ended = desk.operators.end_silence(made.id, after(50), by="bob")

    assert not any(ended.covers(after(second)) for second in (49, 50, 150))


def test_a_wrong_silence_is_one_sentence(desk: Store, snapshot: SnapshotAssertion) -> None:
    """A silence that is over, or was never there, cannot be ended; one that ends first cannot be made."""
    said = []
    with pytest.raises(EmptySilenceError) as empty:
        desk.operators.add_silence(silence(10, 10))
    said.append(str(empty.value))
    for wanted in (7, 1):
        with pytest.raises(SilenceNotFoundError) as missing:
            desk.operators.end_silence(wanted, NOON, by="bob")
        said.append(str(missing.value))
        desk.operators.add_silence(silence(-10, -5))
        desk.operators.add_silence(silence())

    assert said == snapshot


def test_a_request_to_forget_waits_for_the_daemon(store: Store, desk: Store) -> None:
    """It is asked once however often, and settled by the commit that carries it out."""
    store.commit(commit(accounts=(account_state(observation()),)))
    number = desk.operators.forget(ACCOUNT, by="ann", now=after(1))
    assert desk.operators.forget(ACCOUNT, by="bob", now=after(2)) == number
    request = Request(number, RequestKind.FORGET, ACCOUNT, "ann", after(1))
    assert store.operator_input().requests == (request,)

    store.commit(commit(3, forgotten=(ACCOUNT,), requests=(number,)))
    assert store.operator_input().requests == ()


def test_an_unknown_account_cannot_be_forgotten(store: Store, desk: Store, snapshot: SnapshotAssertion) -> None:
    """The sentence names the account and the nearest one that is known."""
    store.commit(commit(accounts=(account_state(observation()),)))
    with pytest.raises(AccountNotFoundError) as near:
        desk.operators.forget(AccountKey("futures", "A1"), by="ann", now=NOON)
    with pytest.raises(AccountNotFoundError) as far:
        desk.operators.forget(AccountKey("fx", "99"), by="ann", now=NOON)

    assert [str(near.value), str(far.value)] == snapshot
