"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marginwatch.store.columns import DecText, Key, Utc, Words

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, on an empty database."""
    _meta()
    _revisions()
    _venues()
    _accounts()
    _sightings()
    _ticks()
    _observations()
    _failures()
    _cycles()
    _listings()
    _alerts()
    _transitions()
    _outbox()
    _attempts()
    _receivers()
    _silences()
    _withheld()
    _acknowledgements()
    _requests()
    _imported()


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
        comment="epoch: raised by each owner; changes: by each operator's write; thinned: last tick without detail",
    )
    op.execute("INSERT INTO meta (key, value) VALUES ('epoch', 0), ('changes', 0), ('thinned', 0)")


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("revision", Words, nullable=False),
        sa.Column("first_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("revision", name=op.f("uq_revisions_revision")),
        comment="Hashes of the rule sets that decided",
    )


def _venues() -> None:
    op.create_table(
        "venues",
        sa.Column("name", Words, nullable=False),
        sa.Column("failed_cycles", sa.Integer, nullable=False),
        sa.Column("last_cycle_at", Utc),
        sa.Column("last_good_at", Utc),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_venues")),
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("account", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("body", sa.Text),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("venue", "account", name=op.f("uq_accounts_venue_account")),
        comment="body is null for an account that was forgotten, or known only by its failures",
    )


def _sightings() -> None:
    op.create_table(
        "sightings",
        sa.Column("account_id", Key, autoincrement=False, nullable=False),
        sa.Column("observed_at", Utc),
        sa.Column("fetched_at", Utc),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sightings_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_sightings")),
        comment="The part of an account's state that every observation changes, apart so that it costs a few bytes",
    )


def _ticks() -> None:
    op.create_table(
        "ticks",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("revision_id", Key, nullable=False),
        sa.Column("listing", sa.LargeBinary),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_ticks_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticks")),
        comment="listing: unchanged observations, failures and cycle ends of the tick; null once thinned",
    )
    op.create_index(op.f("ix_ticks_at"), "ticks", ["at"])


def _observations() -> None:
    op.create_table(
        "observations",
        sa.Column("id", Key, nullable=False),
        sa.Column("tick_id", Key, nullable=False),
        sa.Column("place", sa.Integer, nullable=False, comment="index among the tick's observations"),
        sa.Column("account_id", Key, nullable=False),
        sa.Column("fetched_at", Utc, nullable=False),
        sa.Column("as_of", Utc),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_observations_account_id")),
        sa.ForeignKeyConstraint(["tick_id"], ["ticks.id"], name=op.f("fk_observations_tick_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observations")),
        comment="Observations that differ from the account's one before; data is zlib of JSON",
    )
    op.create_index(op.f("ix_observations_account_id_tick_id"), "observations", ["account_id", "tick_id"])
    op.create_index(op.f("ix_observations_tick_id"), "observations", ["tick_id"])


def _failures() -> None:
    op.create_table(
        "failures",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("account", Words, comment="null when it concerns the whole venue"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("call", Words, nullable=False),
        sa.Column("place", Words, comment="where in the answer"),
        sa.Column("detail", Words, nullable=False),
        sa.Column("first_at", Utc, nullable=False),
        sa.Column("last_at", Utc, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("raw", sa.LargeBinary, comment="start of the first malformed answer of the run"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failures")),
        comment="Runs of equal failures",
    )
    op.create_index(op.f("ix_failures_last_at"), "failures", ["last_at"])


def _cycles() -> None:
    op.create_table(
        "cycles",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("started_at", Utc, nullable=False),
        sa.Column("ended_at", Utc, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("attempted", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("cause", Words, nullable=False, comment="why the cycles failed as a whole; empty otherwise"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycles")),
        comment="Runs of cycles with the same end",
    )
    op.create_index(op.f("ix_cycles_ended_at"), "cycles", ["ended_at"])


def _listings() -> None:
    op.create_table(
        "listings",
        sa.Column("id", Key, autoincrement=False, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("tick_id", Key, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
        comment="Accounts a venue listed, where they differ from those it listed before; data is zlib of JSON",
    )
    op.create_index(op.f("ix_listings_venue_id"), "listings", ["venue", "id"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", Words, nullable=False),
        sa.Column("rule", Words, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("account", Words, nullable=False),
        sa.Column("subject", Words, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("value", DecText),
        sa.Column("active_at", Utc, nullable=False),
        sa.Column("fired_at", Utc),
        sa.Column("ended_at", Utc),
        sa.Column("changed_at", Utc, nullable=False, comment="our clock at the tick that last wrote it"),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    op.create_index(op.f("ix_alerts_changed_at"), "alerts", ["changed_at"])
    op.create_index(
        "ix_alerts_open",
        "alerts",
        ["status"],
        sqlite_where=sa.text("status IN ('pending', 'firing')"),
        postgresql_where=sa.text("status IN ('pending', 'firing')"),
    )


def _transitions() -> None:
    op.create_table(
        "transitions",
        sa.Column("id", Key, nullable=False),
        sa.Column("tick_id", Key, nullable=False),
        sa.Column("alert_id", Words, nullable=False),
        sa.Column("rule", Words, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("account", Words, nullable=False),
        sa.Column("subject", Words, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("value", DecText),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transitions")),
        comment="tick_id outlives its tick, which is pruned sooner",
    )
    op.create_index(op.f("ix_transitions_alert_id"), "transitions", ["alert_id"])
    op.create_index(op.f("ix_transitions_at"), "transitions", ["at"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", Key, nullable=False),
        sa.Column("alert_id", Words, nullable=False),
        sa.Column("receiver", Words, nullable=False),
        sa.Column("topic", Words, nullable=False, comment="what keeps its order, over all episodes of an alert"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("title", Words, nullable=False),
        sa.Column("body", Words, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", Utc, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("due_at", Utc, nullable=False, comment="pending: not before; sending: end of the lease"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("settled_at", Utc, comment="when it was delivered or given up"),
        sa.Column("detail", Words, nullable=False, comment="what the latest attempt said"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("alert_id", "receiver", "number", name=op.f("uq_outbox_alert_id_receiver_number")),
        comment="alert_id is no foreign key: a digest speaks of many alerts",
    )
    op.create_index("ix_outbox_settled", "outbox", ["settled_at"])
    still_open = sa.text("status IN ('pending', 'sending')")
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["receiver", sa.text("severity DESC"), "id"],
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_index(
        "ix_outbox_topic",
        "outbox",
        ["receiver", "topic", "id"],
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    dead = sa.text("status = 'dead'")
    op.create_index("ix_outbox_dead", "outbox", ["receiver"], sqlite_where=dead, postgresql_where=dead)


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", Key, nullable=False),
        sa.Column("outbox_id", Key, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", Utc, nullable=False),
        sa.Column("ended_at", Utc),
        sa.Column("outcome", sa.Text),
        sa.Column("detail", Words, nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_attempts_outbox_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("outbox_id", "number", name=op.f("uq_attempts_outbox_id_number")),
        comment="Written before the send and completed after it",
    )


def _receivers() -> None:
    op.create_table(
        "receivers",
        sa.Column("name", Words, nullable=False),
        sa.Column("last_good_at", Utc),
        sa.Column("failing_since", Utc, comment="start of the first failed attempt since the last good one"),
        sa.Column("failed_attempts", sa.Integer, nullable=False, comment="in a row"),
        sa.Column("detail", Words, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_receivers")),
    )


def _silences() -> None:
    op.create_table(
        "silences",
        sa.Column("id", Key, nullable=False),
        sa.Column("by", Words, nullable=False),
        sa.Column("note", Words, nullable=False),
        sa.Column("starts_at", Utc, nullable=False),
        sa.Column("ends_at", Utc, nullable=False),
        sa.Column("rule", Words, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("account", Words, nullable=False),
        sa.Column("settled_at", Utc, comment="when what it withheld was told"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
    )


def _withheld() -> None:
    op.create_table(
        "withheld",
        sa.Column("id", Key, nullable=False),
        sa.Column("silence_id", Key, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withheld")),
    )
    op.create_index(op.f("ix_withheld_silence_id"), "withheld", ["silence_id"])


def _acknowledgements() -> None:
    op.create_table(
        "acknowledgements",
        sa.Column("id", Key, nullable=False),
        sa.Column("alert_id", Words, nullable=False),
        sa.Column("by", Words, nullable=False),
        sa.Column("note", Words, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("until", Utc),
        sa.Column("lapsed_at", Utc, comment="when a worsening, or a later acknowledgement, voided it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgements")),
    )
    op.create_index(op.f("ix_acknowledgements_alert_id"), "acknowledgements", ["alert_id"])


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("account", Words, nullable=False),
        sa.Column("by", Words, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("settled_at", Utc, comment="when the daemon carried it out"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        comment="What operators ask the daemon to do at its next tick",
    )


def _imported() -> None:
    op.create_table(
        "imported",
        sa.Column("id", Key, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("account", Words, nullable=False),
        sa.Column("as_of", Utc, nullable=False),
        sa.Column("imported_at", Utc, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported")),
        sa.UniqueConstraint("venue", "account", "as_of", name=op.f("uq_imported_venue_account_as_of")),
        comment="Observations from a venue's history; none of them was seen live",
    )
    op.create_index(op.f("ix_imported_as_of"), "imported", ["as_of"])
    op.create_table(
        "imported_spans",
        sa.Column("id", Key, nullable=False),
        sa.Column("venue", Words, nullable=False),
        sa.Column("account", Words, nullable=False),
        sa.Column("name", Words, nullable=False, comment="what the venue called the account"),
        sa.Column("step", sa.Integer, nullable=False, comment="seconds between observations"),
        sa.Column("since", Utc, nullable=False),
        sa.Column("until", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_spans")),
        comment="Times whose history is imported whole, until excluded",
    )
    op.create_index(op.f("ix_imported_spans_venue_account"), "imported_spans", ["venue", "account"])
