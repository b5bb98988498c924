"""Every table of the store. What is queried has a column; the rest travels as JSON in `body`."""

from __future__ import annotations

import sqlalchemy as sa

from marginwatch.store.columns import DecText, Key, Utc, Words

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
    comment="epoch: raised by each owner; changes: by each operator's write; thinned: last tick without detail",
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("id", Key, primary_key=True, autoincrement=False),
    sa.Column("revision", Words, nullable=False, unique=True),
    sa.Column("first_at", Utc, nullable=False),
    comment="Hashes of the rule sets that decided",
)

rulebooks = sa.Table(
    "rulebooks",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("since", Utc, nullable=False),
    sa.Column("revision", Words, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    comment="Rules as they were written, from when on they were in force; body is zlib of JSON",
)

venues = sa.Table(
    "venues",
    metadata,
    sa.Column("name", Words, primary_key=True),
    sa.Column("failed_cycles", sa.Integer, nullable=False),
    sa.Column("last_cycle_at", Utc),
    sa.Column("last_good_at", Utc),
    sa.Column("body", sa.Text, nullable=False),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", Key, primary_key=True, autoincrement=False),
    sa.Column("venue", Words, nullable=False),
    sa.Column("account", Words, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("body", sa.Text),
    sa.UniqueConstraint("venue", "account"),
    comment="body is null for an account that was forgotten, or known only by its failures",
)

sightings = sa.Table(
    "sightings",
    metadata,
    sa.Column("account_id", Key, sa.ForeignKey("accounts.id"), primary_key=True, autoincrement=False),
    sa.Column("observed_at", Utc),
    sa.Column("fetched_at", Utc),
    comment="The part of an account's state that every observation changes, apart so that it costs a few bytes",
)

ticks = sa.Table(
    "ticks",
    metadata,
    sa.Column("id", Key, primary_key=True, autoincrement=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("revision_id", Key, sa.ForeignKey("revisions.id"), nullable=False),
    sa.Column("listing", sa.LargeBinary),
    sa.Index(None, "at"),
    comment="listing: unchanged observations, failures and cycle ends of the tick; null once thinned",
)

observations = sa.Table(
    "observations",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("tick_id", Key, sa.ForeignKey("ticks.id"), nullable=False),
    sa.Column("place", sa.Integer, nullable=False, comment="index among the tick's observations"),
    sa.Column("account_id", Key, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("fetched_at", Utc, nullable=False),
    sa.Column("as_of", Utc),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index(None, "account_id", "tick_id"),
    sa.Index(None, "tick_id"),
    comment="Observations that differ from the account's one before; data is zlib of JSON",
)

failures = sa.Table(
    "failures",
    metadata,
    sa.Column("id", Key, primary_key=True, autoincrement=False),
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
    sa.Index(None, "last_at"),
    comment="Runs of equal failures",
)

cycles = sa.Table(
    "cycles",
    metadata,
    sa.Column("id", Key, primary_key=True, autoincrement=False),
    sa.Column("venue", Words, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ended_at", Utc, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("attempted", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("cause", Words, nullable=False, comment="why the cycles failed as a whole; empty otherwise"),
    sa.Index(None, "ended_at"),
    comment="Runs of cycles with the same end",
)

listings = sa.Table(
    "listings",
    metadata,
    sa.Column("id", Key, primary_key=True, autoincrement=False),
    sa.Column("venue", Words, nullable=False),
    sa.Column("tick_id", Key, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Index(None, "venue", "id"),
    comment="Accounts a venue listed, where they differ from those it listed before; data is zlib of JSON",
)

OPEN_ALERT = sa.text("status IN ('pending', 'firing')")
"""Literals, not parameters: SQLite uses a partial index only for a condition it can compare at planning."""

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("alert_id", Words, primary_key=True),
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
    sa.Index("ix_alerts_open", "status", sqlite_where=OPEN_ALERT, postgresql_where=OPEN_ALERT),
    sa.Index(None, "changed_at"),
)

transitions = sa.Table(
    "transitions",
    metadata,
    sa.Column("id", Key, primary_key=True),
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
    sa.Index(None, "at"),
    sa.Index(None, "alert_id"),
    comment="tick_id outlives its tick, which is pruned sooner",
)

OPEN_ROW = sa.text("status IN ('pending', 'sending')")
DEAD_ROW = sa.text("status = 'dead'")
NOT_SETTLED = "status IN ('pending', 'sending', 'held', 'digested')"
"""Also those that only a digest moves on."""
_UNSETTLED_ROW = sa.text(NOT_SETTLED)
_IN_DIGEST = sa.text("digest IS NOT NULL")

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("alert_id", Words, nullable=False),
    sa.Column("receiver", Words, nullable=False),
    sa.Column("topic", Words, nullable=False, comment="what keeps its order, over all episodes of an alert"),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("severity", sa.Integer, nullable=False),
    sa.Column("title", Words, nullable=False),
    sa.Column("body", Words, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("forms", sa.Text, comment="JSON: what each line of the body says, and the operator's own forms of it"),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("due_at", Utc, nullable=False, comment="pending: not before; sending: end of the lease"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("settled_at", Utc, comment="when it was delivered or given up"),
    sa.Column("detail", Words, nullable=False, comment="what the latest attempt said"),
    sa.Column("kind", sa.Text, nullable=False, server_default="alert"),
    sa.Column("line", Words, nullable=False, server_default="", comment="in a digest"),
    sa.Column("digest", Words, comment="alert_id of the digest that tells of it"),
    sa.UniqueConstraint("alert_id", "receiver", "number"),
    sa.Index(
        "ix_outbox_open",
        "receiver",
        sa.text("severity DESC"),
        "id",
        sqlite_where=OPEN_ROW,
        postgresql_where=OPEN_ROW,
    ),
    sa.Index(
        "ix_outbox_topic", "receiver", "topic", "id", sqlite_where=_UNSETTLED_ROW, postgresql_where=_UNSETTLED_ROW
    ),
    sa.Index("ix_outbox_digest", "digest", sqlite_where=_IN_DIGEST, postgresql_where=_IN_DIGEST),
    sa.Index("ix_outbox_dead", "receiver", sqlite_where=DEAD_ROW, postgresql_where=DEAD_ROW),
    sa.Index("ix_outbox_settled", "settled_at"),
    comment="alert_id is no foreign key: a digest speaks of many alerts",
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("outbox_id", Key, sa.ForeignKey("outbox.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.Column("outcome", sa.Text),
    sa.Column("detail", Words, nullable=False),
    sa.UniqueConstraint("outbox_id", "number"),
    comment="Written before the send and completed after it",
)

absences = sa.Table(
    "absences",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("since", Utc, nullable=False),
    sa.Column("until", Utc, nullable=False),
    sa.Column("told_at", Utc, comment="when people were told what happened meanwhile"),
    comment="Times in which no process watched",
)

receivers = sa.Table(
    "receivers",
    metadata,
    sa.Column("name", Words, primary_key=True),
    sa.Column("last_good_at", Utc),
    sa.Column("failing_since", Utc, comment="start of the first failed attempt since the last good one"),
    sa.Column("failed_attempts", sa.Integer, nullable=False, comment="in a row"),
    sa.Column("detail", Words, nullable=False),
)

silences = sa.Table(
    "silences",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("by", Words, nullable=False),
    sa.Column("note", Words, nullable=False),
    sa.Column("starts_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("rule", Words, nullable=False),
    sa.Column("venue", Words, nullable=False),
    sa.Column("account", Words, nullable=False),
    sa.Column("settled_at", Utc, comment="when what it withheld was told"),
    sa.Column("choice", Words, comment="JSON: groups and labels; null without any"),
)

held = sa.Table(
    "held",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("alert_id", Words, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index(None, "alert_id"),
    comment="Transitions that something keeps from being told to some; body says what, whom and until when",
)

acknowledgements = sa.Table(
    "acknowledgements",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("alert_id", Words, nullable=False),
    sa.Column("by", Words, nullable=False),
    sa.Column("note", Words, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("until", Utc),
    sa.Column("lapsed_at", Utc, comment="when a worsening, or a later acknowledgement, voided it"),
    sa.Index(None, "alert_id"),
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("venue", Words, nullable=False),
    sa.Column("account", Words, nullable=False),
    sa.Column("by", Words, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("settled_at", Utc, comment="when the daemon carried it out"),
    comment="What operators ask the daemon to do at its next tick",
)
