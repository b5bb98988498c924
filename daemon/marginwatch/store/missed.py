"""What a receiver that cannot be reached did not get, for those who are to hear it in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.alert import Alert, State, Transition
from marginwatch.core.health import Missed
from marginwatch.core.outbox import Kind
from marginwatch.store import codec
from marginwatch.store.tables import NOT_SETTLED, alerts, outbox, transitions
from marginwatch.store.types import OutboxStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

_MOST = 1_000
"""Messages looked at, the latest ones: a receiver that lacks more has to be looked after by a person."""
_ENDED = frozenset({State.RESOLVED, State.CLOSED, State.EVENT})


def missed(connection: Connection, receiver: str, since: datetime | None) -> tuple[Missed, ...]:
    """Each alert of which it did not get a message, in the order in which they were written.

    What waits still counts, and what was given up since then.
    """
    which: sa.ColumnElement[bool] = sa.literal_column(f"({NOT_SETTLED})")
    if since is not None:
        given_up = sa.and_(outbox.c.status == OutboxStatus.DEAD.value, outbox.c.settled_at >= since)
        which = sa.or_(which, given_up)
    wanted = sa.select(outbox.c.alert_id, outbox.c.state).where(outbox.c.receiver == receiver, which)
    wanted = wanted.where(outbox.c.kind == Kind.ALERT.value).order_by(outbox.c.id.desc()).limit(_MOST)
    latest: dict[str, State] = {}
    for row in connection.execute(wanted):
        latest.setdefault(row.alert_id, State(row.state))
    found = (_missed(connection, alert_id, state) for alert_id, state in reversed(latest.items()))
    return tuple(each for each in found if each is not None)


def _missed(connection: Connection, alert_id: str, state: State) -> Missed | None:
    if state not in _ENDED:
        return Missed(alert_id)
    alert = connection.scalar(sa.select(alerts.c.body).where(alerts.c.alert_id == alert_id))
    steps = sa.select(transitions.c.body).where(transitions.c.alert_id == alert_id).order_by(transitions.c.id.desc())
    for body in connection.scalars(steps):
        step = codec.decode(Transition, body)
        if step.state is state and alert is not None:
            return Missed(alert_id, (codec.decode(Alert, alert), step))
    return None
