"""What people did, one row each, written with the deed itself and never changed after."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from marginwatch.store.columns import Key, Utc, Words
from marginwatch.store.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

deeds = sa.Table(
    "deeds",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("by", Words, nullable=False, comment="as the person gave it"),
    sa.Column("via", sa.Text, nullable=False, comment="the way in: the command line, the page, a link in a message"),
    sa.Column("alert_id", Words),
    sa.Column("silence_id", Key),
    sa.Column("rule", Words),
    sa.Column("venue", Words),
    sa.Column("account", Words),
    sa.Column("note", Words, nullable=False),
    sa.Column("since", Utc, comment="when it begins to count, where that is not at once"),
    sa.Column("until", Utc),
    sa.Column("choice", Words, comment="groups and labels of a silence, in words"),
    sa.Index(None, "at"),
    comment="What people did; a trigger refuses every change of a row",
)


class Deed(enum.StrEnum):
    """What a person may do."""

    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    SILENCE_ENDED = "silence_ended"
    FORGOTTEN = "forgotten"
    """Asked for an account to be given up."""


class Via(enum.StrEnum):
    """The way in."""

    COMMAND_LINE = "command line"
    PAGE = "page"
    LINK = "link in a message"


def note_deed(connection: Connection, deed: Deed, via: Via, **about: Any) -> None:  # noqa: ANN401  (columns of `deeds`)
    """Put it on record, in the transaction that does it; `about` are the other columns."""
    connection.execute(deeds.insert().values(kind=deed.value, via=via.value, **{"note": "", **about}))
