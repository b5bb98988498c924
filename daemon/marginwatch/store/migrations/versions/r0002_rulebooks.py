"""The rules that were in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marginwatch.store.columns import Key, Utc, Words

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make their table."""
    op.create_table(
        "rulebooks",
        sa.Column("id", Key, nullable=False),
        sa.Column("since", Utc, nullable=False),
        sa.Column("revision", Words, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rulebooks")),
        comment="Rules as they were written, from when on they were in force; body is zlib of JSON",
    )
