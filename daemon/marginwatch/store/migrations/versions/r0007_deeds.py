"""What people did, and that neither it nor a step of an alert is ever changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marginwatch.store.columns import Key, Utc, Words

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEPT = ("deeds", "transitions")


def upgrade() -> None:
    """Make the table and the triggers."""
    op.create_table(
        "deeds",
        sa.Column("id", Key, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("by", Words, nullable=False, comment="as the person gave it"),
        sa.Column(
            "via", sa.Text, nullable=False, comment="the way in: the command line, the page, a link in a message"
        ),
        sa.Column("alert_id", Words),
        sa.Column("silence_id", Key),
        sa.Column("rule", Words),
        sa.Column("venue", Words),
        sa.Column("account", Words),
        sa.Column("note", Words, nullable=False),
        sa.Column("since", Utc, comment="when it begins to count, where that is not at once"),
        sa.Column("until", Utc),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deeds")),
        comment="What people did; a trigger refuses every change of a row",
    )
    op.create_index("ix_deeds_at", "deeds", ["at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION marginwatch_kept() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'a row of % is never changed', TG_TABLE_NAME; END $$"
        )
        for table in KEPT:
            op.execute(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION marginwatch_kept()"
            )
        return
    for table in KEPT:
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'a row of {table} is never changed'); END"
        )
