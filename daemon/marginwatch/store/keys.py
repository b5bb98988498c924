"""The key that links and sessions are signed with, and which links were used: kept, so that both outlive a restart."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.store.columns import Utc, Words
from marginwatch.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable

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
