"""Silences of groups and labels, and the record of who made them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marginwatch.store.columns import Words

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add their columns; what was silenced before names neither."""
    op.add_column("silences", sa.Column("choice", Words, comment="JSON: groups and labels; null without any"))
    op.add_column("deeds", sa.Column("choice", Words, comment="groups and labels of a silence, in words"))
