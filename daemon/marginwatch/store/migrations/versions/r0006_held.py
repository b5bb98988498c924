"""What is held back, whatever holds it; what silences held back before goes on waiting."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marginwatch.store import codec
from marginwatch.store.columns import Key, Words

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make its table in the place of the one that knew of silences alone."""
    held = op.create_table(
        "held",
        sa.Column("id", Key, nullable=False),
        sa.Column("alert_id", Words, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held")),
        comment="Transitions that something keeps from being told to some; body says what, whom and until when",
    )
    op.create_index(op.f("ix_held_alert_id"), "held", ["alert_id"])
    before = op.get_bind().execute(sa.text("SELECT silence_id, body FROM withheld ORDER BY id")).all()
    rows = [_held(silence, body) for silence, body in before]
    if rows:
        op.bulk_insert(held, rows)
    op.drop_table("withheld")


def _held(silence: int, body: str) -> dict[str, object]:
    """Looked at again at the first tick, as everything held back is after a start."""
    written = codec.loads(body)
    written.pop("silence", None)
    return {
        "alert_id": written["transition"]["alert_id"],
        "body": codec.dumps({**written, "hold": f"silence:{silence}"}).decode(),
    }
