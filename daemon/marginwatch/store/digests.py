"""What a commit and a delivery do to messages that are held for a digest or told of in one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from marginwatch.core.digest import LONGEST_GATHER, Gathering
from marginwatch.core.outbox import Kind
from marginwatch.core.state import Absence
from marginwatch.store.rows import read_message
from marginwatch.store.tables import absences, alerts, outbox
from marginwatch.store.types import OutboxStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from marginwatch.core.state import Commit, Message
    from marginwatch.store.columns import AnyRow
    from marginwatch.store.types import OutboxRow

GROUPED = frozenset({Kind.DIGEST, Kind.SUMMARY})
"""Kinds of messages that may tell of others."""
_MOST = 20_000
"""Messages looked at for what went out lately."""


def move(connection: Connection, commit: Commit) -> None:
    """Let what was held go: into a digest of the same commit, or out by itself."""
    if not commit.moved:
        return
    which = (
        outbox.c.alert_id == sa.bindparam("the_alert"),
        outbox.c.receiver == sa.bindparam("the_receiver"),
        outbox.c.number == sa.bindparam("the_number"),
        outbox.c.status == OutboxStatus.HELD.value,  # it may have been given up with its receiver
    )
    values = {"status": sa.bindparam("to"), "digest": sa.bindparam("into"), "due_at": commit.at}
    connection.execute(
        outbox.update().where(*which).values(values),
        [
            {
                "the_alert": each.alert_id,
                "the_receiver": each.receiver,
                "the_number": each.number,
                "to": (OutboxStatus.DIGESTED if each.digest else OutboxStatus.PENDING).value,
                "into": each.digest or None,
            }
            for each in commit.moved
        ],
    )


def note_absence(connection: Connection, commit: Commit) -> None:
    """Keep that an absence is to be told of, or that it was."""
    if commit.absence_told:
        connection.execute(absences.update().where(absences.c.told_at.is_(None)).values(told_at=commit.at))
    if commit.absence is not None:
        connection.execute(absences.delete().where(absences.c.told_at.is_(None)))
        connection.execute(absences.insert().values(since=commit.absence.since, until=commit.absence.until))


def absence(connection: Connection) -> Absence | None:
    """The one that is still to be told of."""
    row = connection.execute(sa.select(absences).where(absences.c.told_at.is_(None))).first()
    return None if row is None else Absence(row.since, row.until)


def gathered(connection: Connection) -> dict[str, Gathering]:
    """What every receiver was told lately, and what is held for its digest."""
    held: defaultdict[str, list[Message]] = defaultdict(list)
    waiting = sa.select(outbox).where(outbox.c.status == OutboxStatus.HELD.value).order_by(outbox.c.id)
    for row in connection.execute(waiting):
        held[row.receiver].append(read_message(row))
    told: defaultdict[str, list[datetime]] = defaultdict(list)
    digested: dict[str, datetime] = {}
    for receiver, kind, at in _lately(connection):
        told[receiver].append(at)
        if kind in GROUPED:
            digested[receiver] = at
    return {
        name: Gathering(tuple(held[name]), tuple(told[name]), digested.get(name)) for name in sorted({*held, *told})
    }


def _lately(connection: Connection) -> list[tuple[str, str, datetime]]:
    """Receiver, kind and time of what went out by itself, up to the latest message, oldest first."""
    # By id: a time is no key of the table, and lately means some hundreds of rows.
    latest = connection.scalar(sa.select(outbox.c.created_at).order_by(outbox.c.id.desc()).limit(1))
    if latest is None:
        return []
    wanted = sa.select(outbox.c.receiver, outbox.c.kind, outbox.c.created_at, outbox.c.digest, outbox.c.status)
    found = []
    for row in connection.execute(wanted.order_by(outbox.c.id.desc()).limit(_MOST)):
        if row.created_at < latest - LONGEST_GATHER:
            break
        if row.digest is None and row.status != OutboxStatus.HELD and row.kind != Kind.REPORT:
            found.append((row.receiver, row.kind, row.created_at))
    return found[::-1]


def became(connection: Connection, digest: OutboxRow) -> dict[str, int]:
    """How many alerts that were open when the digest was written are `open` now, how many `resolved`, `closed`."""
    in_it = sa.select(outbox.c.alert_id).where(
        outbox.c.digest == digest.message.alert_id, outbox.c.receiver == digest.message.receiver
    )
    was_open = sa.or_(alerts.c.ended_at.is_(None), alerts.c.ended_at > digest.created_at)
    state = sa.case((alerts.c.ended_at.is_(None), "open"), else_=alerts.c.status)
    counted = sa.select(state, sa.func.count()).where(alerts.c.alert_id.in_(in_it), was_open).group_by(state)
    return {str(name): int(number) for name, number in connection.execute(counted)}


def settle(connection: Connection, digest: AnyRow, values: Mapping[str, Any]) -> None:
    """What a digest tells of is delivered or given up with it."""
    if digest.kind in GROUPED:
        in_it = (outbox.c.digest == digest.alert_id, outbox.c.receiver == digest.receiver)
        waiting = outbox.c.status == OutboxStatus.DIGESTED.value
        connection.execute(outbox.update().where(*in_it, waiting).values(values))
