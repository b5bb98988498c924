"""The queue of messages: what may be sent now, and what became of every attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from marginwatch.core.outbox import AttemptOutcome, Kind
from marginwatch.store import digests
from marginwatch.store.rows import read_message
from marginwatch.store.tables import DEAD_ROW, NOT_SETTLED, OPEN_ROW, attempts, outbox, receivers
from marginwatch.store.turns import held_back, out_of_turn
from marginwatch.store.types import Attempt, AttemptResult, OutboxRow, OutboxStatus, ReceiverHealth
from marginwatch.store.writing import upsert

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database
    from marginwatch.store.ownership import Owner

_UNFINISHED = "the process ended, or its lease ran out, before the outcome was known"


class Outbox:
    """The messages of all commits. Claiming and recording are the owner's; the rest anyone may read."""

    def __init__(self, database: Database, owner: Callable[[], Owner]) -> None:
        self._database = database
        self._owner = owner

    def claim_due(self, now: datetime, room: Mapping[str, int], lease: timedelta) -> list[OutboxRow]:
        """Messages to send now, at most `room[receiver]` of each receiver, worst severity and then oldest first.

        Of one topic and receiver only the earliest undelivered message is given, and no later one before it is
        settled; but one that failed for `GIVES_WAY_AFTER` lets later episodes of its alert pass between its own
        tries. Each is marked as being sent and its attempt is on record before this returns; without a recorded
        outcome it is due again after `lease`.
        """
        with self._owner().write() as connection:
            found = [row for receiver, free in room.items() for row in _due(connection, receiver, free, now)]
            if not found:
                return []
            _record_claims(connection, found, now, now + lease)
            claimed = sa.select(outbox).where(outbox.c.id.in_([row.id for row in found]))
            by_id = {row.id: row for row in connection.execute(claimed)}
        return [_row(by_id[row.id]) for row in found]

    def record_attempt(self, row_id: int, result: AttemptResult, now: datetime) -> OutboxStatus:
        """Complete the attempt in flight and say where the message is now.

        A permanent failure, or one with no `next_try`, gives the message up. What was delivered stays delivered.
        """
        with self._owner().write() as connection:
            row = connection.execute(sa.select(outbox).where(outbox.c.id == row_id)).one()
            before = OutboxStatus(row.status)
            after = _after(before, result)
            settled = after in {OutboxStatus.DELIVERED, OutboxStatus.DEAD}
            values: dict[str, Any] = {"status": after, "detail": result.detail}
            if after is OutboxStatus.PENDING and result.next_try:
                values["due_at"] = result.next_try
            if settled and after is not before:
                values["settled_at"] = now
            connection.execute(outbox.update().where(outbox.c.id == row_id).values(values))
            if settled and after is not before:
                digests.settle(connection, row, {key: values[key] for key in ("status", "detail", "settled_at")})
            started = _finish_attempt(connection, row, result, now)
            _note_health(connection, row.receiver, result, started or now, now)
        return after

    def make_due(self, now: datetime, receiver: str | None = None) -> int:
        """Let every waiting message, or those to one receiver, be tried at once; gives how many were due later."""
        waiting = (outbox.c.status == OutboxStatus.PENDING, OPEN_ROW, outbox.c.due_at > now)
        whose = sa.true() if receiver is None else outbox.c.receiver == receiver
        with self._owner().write() as connection:
            return connection.execute(outbox.update().where(*waiting, whose).values(due_at=now)).rowcount

    def give_up_unknown(self, known: Collection[str], now: datetime) -> int:
        """Give up the messages to receivers that are no longer configured, so that they show as dead letters."""
        orphaned = (sa.text(NOT_SETTLED), outbox.c.receiver.not_in(known))
        detail = "its receiver is not configured any more"
        with self._owner().write() as connection:
            values = {"status": OutboxStatus.DEAD, "settled_at": now, "detail": detail}
            return connection.execute(outbox.update().where(*orphaned).values(values)).rowcount

    def next_due(self, among: Collection[str] | None = None) -> datetime | None:
        """When the next message in its turn is due, for the receivers named or for all; None when all is settled."""
        wanted = sa.select(sa.func.min(outbox.c.due_at)).where(sa.text(f"outbox.{OPEN_ROW}"), ~out_of_turn())
        if among is not None:
            wanted = wanted.where(outbox.c.receiver.in_(among))
        with self._database.read() as connection:
            due: datetime | None = connection.scalar(wanted)
        return due

    def receivers(self) -> dict[str, ReceiverHealth]:
        """How delivery goes, for every receiver that ever had a message."""
        with self._database.read() as connection:
            return _health(connection)

    def rows(
        self,
        *,
        statuses: Collection[OutboxStatus] = (),
        receiver: str | None = None,
        alert_id: str | None = None,
        limit: int = 1000,
    ) -> list[OutboxRow]:
        """Messages, newest first, of the given statuses (any when none are given), receiver and alert."""
        wanted = sa.select(outbox).order_by(outbox.c.id.desc()).limit(limit)
        if statuses:
            wanted = wanted.where(outbox.c.status.in_(statuses))
        if receiver is not None:
            wanted = wanted.where(outbox.c.receiver == receiver)
        if alert_id is not None:
            wanted = wanted.where(outbox.c.alert_id == alert_id)
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(wanted)]

    def attempts(self, row_id: int) -> list[Attempt]:
        """Every attempt to send that message, in order."""
        wanted = sa.select(attempts).where(attempts.c.outbox_id == row_id).order_by(attempts.c.number)
        with self._database.read() as connection:
            return [_attempt(row) for row in connection.execute(wanted)]


def requeue(connection: Connection) -> None:
    """Make every claim of an earlier owner due at once: nobody will record its outcome any more."""
    sending = outbox.c.status == OutboxStatus.SENDING
    ids = sa.select(outbox.c.id).where(OPEN_ROW, sending)
    _abandon_attempts(connection, attempts.c.outbox_id.in_(ids), ended_at=None)
    values = {"status": OutboxStatus.PENDING.value, "due_at": outbox.c.created_at}
    connection.execute(outbox.update().where(OPEN_ROW, sending).values(values))


def _due(connection: Connection, receiver: str, free: int, now: datetime) -> list[AnyRow]:
    if free <= 0:
        return []
    wanted = (outbox.c.receiver == receiver, sa.text(f"outbox.{OPEN_ROW}"), outbox.c.due_at <= now, ~held_back(now))
    ranked = (outbox.c.severity.desc(), outbox.c.id)
    columns = (outbox.c.id, outbox.c.attempts)
    return list(connection.execute(sa.select(*columns).where(*wanted).order_by(*ranked).limit(free)))


def _record_claims(connection: Connection, found: list[AnyRow], now: datetime, until: datetime) -> None:
    ids = [row.id for row in found]
    _abandon_attempts(connection, attempts.c.outbox_id.in_(ids), ended_at=now)
    values = {"status": OutboxStatus.SENDING.value, "due_at": until, "attempts": outbox.c.attempts + 1}
    connection.execute(outbox.update().where(outbox.c.id.in_(ids)).values(values))
    begun = [{"outbox_id": row.id, "number": row.attempts + 1, "started_at": now, "detail": ""} for row in found]
    connection.execute(attempts.insert(), begun)


def _abandon_attempts(connection: Connection, which: sa.ColumnElement[bool], ended_at: datetime | None) -> None:
    values = {"outcome": AttemptOutcome.AMBIGUOUS.value, "detail": _UNFINISHED, "ended_at": ended_at}
    connection.execute(attempts.update().where(which, attempts.c.outcome.is_(None)).values(values))


def _after(before: OutboxStatus, result: AttemptResult) -> OutboxStatus:
    if AttemptOutcome.DELIVERED is result.outcome:
        return OutboxStatus.DELIVERED
    if before is not OutboxStatus.SENDING:
        return before
    if result.outcome is AttemptOutcome.PERMANENT or result.next_try is None:
        return OutboxStatus.DEAD
    return OutboxStatus.PENDING


def _finish_attempt(connection: Connection, row: AnyRow, result: AttemptResult, now: datetime) -> datetime | None:
    """Gives when the attempt began."""
    latest = (attempts.c.outbox_id == row.id, attempts.c.number == row.attempts)
    values = {"ended_at": now, "outcome": result.outcome.value, "detail": result.detail}
    connection.execute(attempts.update().where(*latest).values(values))
    return connection.scalar(sa.select(attempts.c.started_at).where(*latest))


def _note_health(
    connection: Connection, receiver: str, result: AttemptResult, started: datetime, now: datetime
) -> None:
    row = connection.execute(sa.select(receivers).where(receivers.c.name == receiver)).one_or_none()
    if result.outcome is AttemptOutcome.DELIVERED:
        noted = {"last_good_at": now, "failing_since": None, "failed_attempts": 0, "detail": ""}
    else:
        noted = {
            "last_good_at": row.last_good_at if row else None,
            "failing_since": row.failing_since if row and row.failing_since else started,
            "failed_attempts": (row.failed_attempts if row else 0) + 1,
            "detail": result.detail,
        }
    upsert(connection, "receivers", [{"name": receiver, **noted}])


def _health(connection: Connection) -> dict[str, ReceiverHealth]:
    name = outbox.c.receiver
    alone = outbox.c.kind != Kind.DIGEST.value  # counted by what it tells of
    waiting = sa.select(name, sa.func.count(), sa.func.min(outbox.c.created_at)).where(sa.text(NOT_SETTLED), alone)
    backlog = {receiver: (number, oldest) for receiver, number, oldest in connection.execute(waiting.group_by(name))}
    buried = sa.select(name, sa.func.count()).where(DEAD_ROW, alone).group_by(name)
    dead = {receiver: number for receiver, number in connection.execute(buried)}  # noqa: C416  (a Row is no pair)
    known = {row.name: row for row in connection.execute(sa.select(receivers))}
    found = {}
    for receiver in sorted({*backlog, *dead, *known}):
        number, oldest = backlog.get(receiver, (0, None))
        row = known.get(receiver)
        found[receiver] = ReceiverHealth(
            receiver,
            waiting=number,
            oldest=oldest,
            dead=dead.get(receiver, 0),
            last_good_at=row.last_good_at if row else None,
            failing_since=row.failing_since if row else None,
            failed_attempts=row.failed_attempts if row else 0,
            detail=row.detail if row else "",
        )
    return found


def _row(row: AnyRow) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        message=read_message(row),
        created_at=row.created_at,
        status=OutboxStatus(row.status),
        due_at=row.due_at,
        attempts=row.attempts,
        settled_at=row.settled_at,
        detail=row.detail,
    )


def _attempt(row: AnyRow) -> Attempt:
    outcome = AttemptOutcome(row.outcome) if row.outcome else None
    return Attempt(row.number, row.started_at, row.ended_at, outcome, row.detail)
