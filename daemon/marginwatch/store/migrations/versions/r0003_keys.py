"""The key that links and sessions are signed with, and the links that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marginwatch.store.columns import Utc, Words

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "keys",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_keys")),
        comment="Random, made once; whoever reads it can forge links and sessions",
    )
    op.create_table(
        "link_uses",
        sa.Column("link", Words, nullable=False, comment="Claim.serial"),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("by", Words, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("link", "action", name=op.f("pk_link_uses")),
        comment="A link in a message does each of its actions once",
    )
