"""Digests: messages that are held for one or told of in one, and times in which nobody watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marginwatch.store.columns import Key, Utc, Words

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NOT_SETTLED = sa.text("status IN ('pending', 'sending', 'held', 'digested')")
_IN_DIGEST = sa.text("digest IS NOT NULL")


def upgrade() -> None:
    """Add columns to the outbox, widen the index that keeps the order, and make the table of absences."""
    op.add_column("outbox", sa.Column("kind", sa.Text, nullable=False, server_default="alert"))
    op.add_column("outbox", sa.Column("line", Words, nullable=False, server_default="", comment="in a digest"))
    op.add_column("outbox", sa.Column("digest", Words, comment="alert_id of the digest that tells of it"))
    op.drop_index("ix_outbox_topic", "outbox")
    columns = ["receiver", "topic", "id"]
    op.create_index("ix_outbox_topic", "outbox", columns, sqlite_where=_NOT_SETTLED, postgresql_where=_NOT_SETTLED)
    op.create_index("ix_outbox_digest", "outbox", ["digest"], sqlite_where=_IN_DIGEST, postgresql_where=_IN_DIGEST)
    op.create_table(
        "absences",
        sa.Column("id", Key, nullable=False),
        sa.Column("since", Utc, nullable=False),
        sa.Column("until", Utc, nullable=False),
        sa.Column("told_at", Utc, comment="when people were told what happened meanwhile"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
        comment="Times in which no process watched",
    )
