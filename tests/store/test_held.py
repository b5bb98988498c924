"""What silences held back in a database of before goes on waiting when that is brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from marginwatch.core.state import Withheld
from marginwatch.store import codec, engine, schema
from marginwatch.store.store import Store
from support.records import alert, transition

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def upgrade(connection: Connection, revision: str) -> None:
    """Bring it up to that revision."""
    config = Config()
    config.set_main_option("script_location", str(schema.SCRIPTS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_what_waited_for_a_silence_waits_on(empty_url: str) -> None:
    """Every message, for the same receivers, under the silence's new name; to be looked at at the next start."""
    first = Withheld(transition(), alert(), "", ("desk", "pager"))
    second = Withheld(transition(alert_id="another"), alert(alert_id="another"), "", ())
    database = engine.connect(empty_url, create=True)
    with database.write() as connection:
        upgrade(connection, "0005")
        for silence, row in ((7, first), (8, second)):
            body = codec.dumps({**codec.plain(row), "silence": silence}).decode()
            written = sa.text("INSERT INTO withheld (silence_id, body) VALUES (:silence, :body)")
            connection.execute(written, {"silence": silence, "body": body})
    database.close()

    store = Store.open(empty_url)
    found = store.load_prior().withheld
    store.close()

    assert [(row.hold, row.receivers, row.until) for row in found] == [
        ("silence:7", ("desk", "pager"), None),
        ("silence:8", (), None),
    ]
    assert [(row.transition, row.alert) for row in found] == [(each.transition, each.alert) for each in (first, second)]


def test_a_database_in_which_nothing_waits_is_brought_up_to_date(empty_url: str) -> None:
    """Nothing is made up."""
    database = engine.connect(empty_url, create=True)
    with database.write() as connection:
        upgrade(connection, "0005")
    database.close()

    store = Store.open(empty_url)
    assert store.load_prior().withheld == ()
    store.close()
