"""The key that links and sessions are signed with, and which links were used: kept, so that both outlive a restart."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.store.columns import Utc, Words
from marginwatch.store.errors import StoreError
from marginwatch.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.store.engine import Database
    from marginwatch.store.ownership import Owner

SIGNING = "signing"
_BYTES = 32

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
    comment="Random, made once; whoever reads it can forge links and sessions",
)

link_uses = sa.Table(
    "link_uses",
    metadata,
    sa.Column("link", Words, primary_key=True, comment="Claim.serial"),
    sa.Column("action", sa.Text, primary_key=True),
    sa.Column("by", Words, nullable=False),
    sa.Column("at", Utc, nullable=False),
    comment="A link in a message does each of its actions once",
)

_FORGOTTEN_AFTER = timedelta(days=2)
"""A link is too old by then, so nobody needs to know that it was used."""


@dataclass(frozen=True, slots=True)
class LinkUse:
    """Somebody had a link do what it can do once."""

    by: str
    at: datetime


class LinkUsedError(StoreError):
    """The link did the same before."""

    def __init__(self, by: str, at: datetime) -> None:
        super().__init__(
            f"This link was used for that already, by {by} at {at:%Y-%m-%d %H:%M:%S} UTC. Nothing was done again"
        )


def use_link(connection: Connection, link: str, action: str, by: str, now: datetime) -> None:
    """Note, in the transaction that does it, that the link did that; a link does each action once.

    Raises:
        LinkUsedError: It did it before.
    """
    connection.execute(link_uses.delete().where(link_uses.c.at < now - _FORGOTTEN_AFTER))
    which = (link_uses.c.link == link, link_uses.c.action == action)
    used = connection.execute(sa.select(link_uses).where(*which)).one_or_none()
    if used is not None:
        raise LinkUsedError(used.by, used.at)
    connection.execute(link_uses.insert().values(link=link, action=action, by=by, at=now))


class Keys:
    """The signing key of this database."""

    def __init__(self, database: Database, owned: Callable[[], Owner]) -> None:
        """`owned` raises where this process is not the database's owner."""
        self._database = database
        self._owned = owned

    def signing(self) -> bytes:
        """32 random bytes, the same ever after; the owner makes them when they are first asked for.

        Raises `NotOwnedError` where there are none yet and this process is not the owner.
        """
        wanted = sa.select(keys.c.value).where(keys.c.name == SIGNING)
        with self._database.read() as connection:
            found: bytes | None = connection.scalar(wanted)
        if found is None:
            found = secrets.token_bytes(_BYTES)
            with self._owned().write() as connection:
                connection.execute(keys.insert().values(name=SIGNING, value=found))
        return bytes(found)

    def uses(self, link: str) -> Mapping[str, LinkUse]:
        """What that link (a `Claim.serial`) did so far, by the `Deed`."""
        wanted = sa.select(link_uses).where(link_uses.c.link == link)
        with self._database.read() as connection:
            return {row.action: LinkUse(row.by, row.at) for row in connection.execute(wanted)}
