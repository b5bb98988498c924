"""What the outbox knows of reports: when each was due last, whom they reached, and what was sent between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.outbox import Kind
from marginwatch.store.columns import from_micros, to_micros
from marginwatch.store.rows import outbox_row
from marginwatch.store.tables import meta, outbox
from marginwatch.store.types import OutboxStatus
from marginwatch.store.writing import add_new, upsert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.core.state import Message

_NOTED = "report:"
"""Begins the key, in `meta`, of when a report was due last."""


def queue(connection: Connection, messages: Sequence[Message], now: datetime) -> None:
    """Put messages that no tick made into the outbox."""
    add_new(connection, outbox, [outbox_row(message, now) for message in messages])


def note(connection: Connection, name: str, due: datetime) -> None:
    """Keep when that report was due last."""
    upsert(connection, "meta", [{"key": f"{_NOTED}{name}", "value": to_micros(due)}])


def noted(connection: Connection, name: str) -> datetime | None:
    """When that report was due last; None before its first time."""
    value = connection.scalar(sa.select(meta.c.value).where(meta.c.key == f"{_NOTED}{name}"))
    return None if value is None else from_micros(value)


def last(connection: Connection, before: datetime) -> datetime | None:
    """When the latest report to anybody was made."""
    made = sa.select(sa.func.max(outbox.c.created_at)).where(
        outbox.c.kind == Kind.REPORT.value, outbox.c.created_at < before
    )
    at: datetime | None = connection.scalar(made)
    return at


def reached(connection: Connection) -> dict[str, datetime]:
    """When the latest report reached each receiver."""
    came = (outbox.c.kind == Kind.REPORT.value, outbox.c.status == OutboxStatus.DELIVERED.value)
    wanted = sa.select(outbox.c.receiver, sa.func.max(outbox.c.settled_at)).where(*came).group_by(outbox.c.receiver)
    return {receiver: at for receiver, at in connection.execute(wanted)}  # noqa: C416  (a Row is no pair)


def settled(connection: Connection, since: datetime) -> tuple[int, int]:
    """How many messages were delivered and given up since then; a digest counts as everything that it told of."""
    wanted = (outbox.c.settled_at >= since, outbox.c.kind != Kind.DIGEST.value)
    found = connection.execute(sa.select(outbox.c.status, sa.func.count()).where(*wanted).group_by(outbox.c.status))
    counts = {status: number for status, number in found}  # noqa: C416  (a Row is no pair)
    return counts.get(OutboxStatus.DELIVERED.value, 0), counts.get(OutboxStatus.DEAD.value, 0)
