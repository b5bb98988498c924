"""What each line of a message says, and the operator's own forms of it, kept with the message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.store.tables import outbox
from support.records import commit, message

if TYPE_CHECKING:
    from marginwatch.store.store import Store


def test_roles_and_forms_come_back_as_they_were(store: Store) -> None:
    """So that every attempt gives a service the same form."""
    sent = message(roles=("value", "why"), forms={"markdown": "**é** \\* \u200b", "html": "<b>é</b>"})
    store.commit(commit(messages=(sent, message(number=2))))

    plain, kept = (row.message for row in store.outbox.rows())

    assert (kept.roles, kept.forms) == (sent.roles, sent.forms)
    assert (plain.roles, plain.forms) == ((), {})


def test_a_message_of_an_older_version_has_neither(store: Store) -> None:
    """Its row has nothing in their place."""
    store.commit(commit(messages=(message(roles=("value",)),)))
    with store._owned().write() as connection:
        connection.execute(sa.update(outbox).values(forms=None))

    [row] = store.outbox.rows()

    assert (row.message.roles, row.message.forms) == ((), {})
