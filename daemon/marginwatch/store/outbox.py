"""The queue of messages: what may be sent now, and what became of every attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.outbox import AttemptOutcome, Kind
from marginwatch.store import outcomes, reporting
from marginwatch.store.digests import became
from marginwatch.store.missed import missed
from marginwatch.store.rows import read_message
from marginwatch.store.tables import DEAD_ROW, NOT_SETTLED, OPEN_ROW, attempts, outbox, receivers
from marginwatch.store.turns import NOW, held_back, moments, out_of_turn
from marginwatch.store.types import Attempt, AttemptResult, Ended, OutboxRow, OutboxStatus, ReceiverHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection

    from marginwatch.core.health import Missed
    from marginwatch.core.state import Message
    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database
    from marginwatch.store.ownership import Owner

_UNFINISHED = "the process ended, or its lease ran out, before the outcome was known"


_DUE = (
    sa.select(outbox.c.id, outbox.c.attempts)
    .where(outbox.c.receiver == sa.bindparam("whom"), sa.text(f"outbox.{OPEN_ROW}"), outbox.c.due_at <= NOW)
    .where(~held_back())
    .order_by(outbox.c.severity.desc(), outbox.c.id)
    .limit(sa.bindparam("free"))
)
"""Made once: making it takes longer than asking it."""


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
        return self.record_attempts([Ended(row_id, result, now)])[row_id]

    def record_attempts(self, ended: Sequence[Ended]) -> dict[int, OutboxStatus]:
        """The same for attempts of several messages, in the order in which they ended, by the message's row id."""
        with self._owner().write() as connection:
            return outcomes.record(connection, ended)

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

    def missed(self, receiver: str, since: datetime | None) -> tuple[Missed, ...]:
        """What the receiver did not get: what waits, and what was given up since then."""
        with self._database.read() as connection:
            return missed(connection, receiver, since)

    def queue(self, messages: Sequence[Message], now: datetime) -> None:
        """Put messages that no tick made into the outbox, from any process: the daemon sends them."""
        with self._database.write() as connection:
            reporting.queue(connection, messages, now)

    def report(self, name: str, due: datetime, messages: Sequence[Message], now: datetime) -> None:
        """Put a report into the outbox, and keep that it was due; without messages only that."""
        with self._owner().write() as connection:
            reporting.queue(connection, messages, now)
            reporting.note(connection, name, due)

    def reported(self, name: str) -> datetime | None:
        """When that report was due last, sent or not; None before its first time."""
        with self._database.read() as connection:
            return reporting.noted(connection, name)

    def last_report(self, before: datetime) -> datetime | None:
        """When the latest report to anybody was made."""
        with self._database.read() as connection:
            return reporting.last(connection, before)

    def reports_reached(self) -> dict[str, datetime]:
        """When the latest report reached each receiver that ever had one."""
        with self._database.read() as connection:
            return reporting.reached(connection)

    def settled(self, since: datetime) -> tuple[int, int]:
        """How many messages were delivered, and how many given up, since then."""
        with self._database.read() as connection:
            return reporting.settled(connection, since)

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

    def became(self, digest: OutboxRow) -> dict[str, int]:
        """How many alerts that were open when the digest was written are `open` now, how many `resolved`, `closed`."""
        with self._database.read() as connection:
            return became(connection, digest)

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
    return list(connection.execute(_DUE, {"whom": receiver, "free": free, **moments(now)}))


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
