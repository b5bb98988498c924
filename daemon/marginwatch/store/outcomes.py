"""Puts on record how attempts to send ended: many at once, for in a storm many end while one is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from marginwatch.core.outbox import AttemptOutcome
from marginwatch.store import digests
from marginwatch.store.tables import attempts, outbox, receivers
from marginwatch.store.types import OutboxStatus
from marginwatch.store.writing import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.store.columns import AnyRow
    from marginwatch.store.types import AttemptResult, Ended

_SETTLED = frozenset({OutboxStatus.DELIVERED, OutboxStatus.DEAD})
_SETTLE = (
    outbox.update()
    .where(outbox.c.id == sa.bindparam("which"))
    .values({name: sa.bindparam(f"its_{name}") for name in ("status", "detail", "due_at", "settled_at")})
)
_FINISH = (
    attempts.update()
    .where(attempts.c.outbox_id == sa.bindparam("which"), attempts.c.number == sa.bindparam("which_number"))
    .values({name: sa.bindparam(f"its_{name}") for name in ("ended_at", "outcome", "detail")})
)


def record(connection: Connection, ended: Sequence[Ended]) -> dict[int, OutboxStatus]:
    """Complete these attempts, one of each message, in the order in which they ended; gives where each now is."""
    ids = [each.row_id for each in ended]
    rows = {row.id: row for row in connection.execute(sa.select(outbox).where(outbox.c.id.in_(ids)))}
    found = {each.row_id: _after(OutboxStatus(rows[each.row_id].status), each.result) for each in ended}
    connection.execute(_SETTLE, [_settling(rows[each.row_id], each, found[each.row_id]) for each in ended])
    for each in ended:
        row, after = rows[each.row_id], found[each.row_id]
        if after in _SETTLED and after != row.status:
            digests.settle(connection, row, {"status": after, "detail": each.result.detail, "settled_at": each.at})
    connection.execute(_FINISH, [_finishing(rows[each.row_id], each) for each in ended])
    _note_health(connection, ended, rows)
    return found


def _after(before: OutboxStatus, result: AttemptResult) -> OutboxStatus:
    if AttemptOutcome.DELIVERED is result.outcome:
        return OutboxStatus.DELIVERED
    if before is not OutboxStatus.SENDING:
        return before
    if result.outcome is AttemptOutcome.PERMANENT or result.next_try is None:
        return OutboxStatus.DEAD
    return OutboxStatus.PENDING


def _settling(row: AnyRow, ended: Ended, after: OutboxStatus) -> dict[str, Any]:
    again = after is OutboxStatus.PENDING and ended.result.next_try is not None
    return {
        "which": row.id,
        "its_status": after.value,
        "its_detail": ended.result.detail,
        "its_due_at": ended.result.next_try if again else row.due_at,
        "its_settled_at": ended.at if after in _SETTLED and after != row.status else row.settled_at,
    }


def _finishing(row: AnyRow, ended: Ended) -> dict[str, Any]:
    said = {"its_outcome": ended.result.outcome.value, "its_detail": ended.result.detail}
    return {"which": row.id, "which_number": row.attempts, "its_ended_at": ended.at, **said}


def _note_health(connection: Connection, ended: Iterable[Ended], rows: Mapping[int, AnyRow]) -> None:
    names = {row.receiver for row in rows.values()}
    known = connection.execute(sa.select(receivers).where(receivers.c.name.in_(names)))
    health = {row.name: dict(row._mapping) for row in known}  # noqa: SLF001  (public in spite of its name)
    for each in ended:
        row = rows[each.row_id]
        before = health.get(row.receiver) or {"last_good_at": None, "failing_since": None, "failed_attempts": 0}
        health[row.receiver] = {"name": row.receiver, **_noted(connection, before, row, each)}
    upsert(connection, "receivers", list(health.values()))


def _noted(connection: Connection, before: Mapping[str, Any], row: AnyRow, ended: Ended) -> dict[str, Any]:
    if ended.result.outcome is AttemptOutcome.DELIVERED:
        return {"last_good_at": ended.at, "failing_since": None, "failed_attempts": 0, "detail": ""}
    return {
        "last_good_at": before["last_good_at"],
        "failing_since": before["failing_since"] or _begun(connection, row) or ended.at,
        "failed_attempts": before["failed_attempts"] + 1,
        "detail": ended.result.detail,
    }


def _begun(connection: Connection, row: AnyRow) -> datetime | None:
    """When the attempt that just ended began."""
    latest = (attempts.c.outbox_id == row.id, attempts.c.number == row.attempts)
    at: datetime | None = connection.scalar(sa.select(attempts.c.started_at).where(*latest))
    return at
