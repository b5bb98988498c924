"""What each line of a message says, and the operator's own forms of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add their column; messages of before have none."""
    what = "JSON: what each line of the body says, and the operator's own forms of it"
    op.add_column("outbox", sa.Column("forms", sa.Text, comment=what))
