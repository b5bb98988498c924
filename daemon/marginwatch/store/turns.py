"""Whose turn it is in the outbox: of one topic a receiver hears in the order in which things were committed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from marginwatch.core.outbox import Kind
from marginwatch.store.columns import Utc
from marginwatch.store.tables import NOT_SETTLED, outbox
from marginwatch.store.types import OutboxStatus

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.sql.selectable import NamedFromClause

GIVES_WAY_AFTER = timedelta(minutes=5)
"""So long at least a message that is not taken holds back later episodes of its alert."""
_EARLIER, _STILL_EARLIER = outbox.alias("earlier"), outbox.alias("still_earlier")
NOW, _YOUNG = (sa.bindparam(name, type_=Utc()) for name in ("now", "young"))
_PART = outbox.alias("part")
_ITS_DIGEST = outbox.alias("its_digest")


def _in_front(earlier: NamedFromClause, row: sa.FromClause) -> sa.ColumnElement[bool]:
    """Committed before, of the same topic, and still on its way to the same receiver; a dead letter is not."""
    return sa.and_(
        earlier.c.receiver == row.c.receiver,
        earlier.c.topic == row.c.topic,
        earlier.c.id < row.c.id,
        sa.text(f"{earlier.name}.{NOT_SETTLED}"),
    )


def _holds_back(row: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether an earlier message keeps its successor waiting now.

    Within one episode always. A later episode overtakes it when it is neither young, nor being sent, nor could be
    sent at once itself: one message that is never taken must not keep a new alert from being told. One that a digest
    tells of goes by what that does.
    """
    head = ~sa.exists().where(_in_front(_STILL_EARLIER, _EARLIER), _STILL_EARLIER.c.alert_id == _EARLIER.c.alert_id)
    digest_moves = sa.exists().where(
        _ITS_DIGEST.c.alert_id == _EARLIER.c.digest,
        _ITS_DIGEST.c.receiver == _EARLIER.c.receiver,
        sa.or_(_ITS_DIGEST.c.status == OutboxStatus.SENDING.value, _ITS_DIGEST.c.due_at <= NOW),
    )
    return sa.or_(
        _EARLIER.c.alert_id == row.c.alert_id,
        _EARLIER.c.created_at > _YOUNG,
        _EARLIER.c.status == OutboxStatus.SENDING.value,
        sa.and_(_EARLIER.c.digest.is_(None), _EARLIER.c.due_at <= NOW, head),
        sa.and_(_EARLIER.c.digest.is_not(None), digest_moves),
    )


def held_back() -> sa.ColumnElement[bool]:
    """Whether a message of the outbox must wait for an earlier one; a digest for those of everything it tells of.

    What the query is asked with: `moments`.
    """
    of_a_part = sa.exists().where(_parts(), _before(_PART), _holds_back(_PART))
    return sa.or_(
        sa.exists().where(_in_front(_EARLIER, outbox), _holds_back(outbox)),
        sa.and_(outbox.c.kind != Kind.ALERT.value, of_a_part),
    )


def moments(now: datetime) -> dict[str, datetime]:
    """The parameters of `held_back` and `NOW`."""
    return {"now": now, "young": now - GIVES_WAY_AFTER}


def out_of_turn() -> sa.ColumnElement[bool]:
    """Whether anything is in front of it at all."""
    return sa.or_(
        sa.exists().where(_in_front(_EARLIER, outbox)),
        sa.and_(outbox.c.kind != Kind.ALERT.value, sa.exists().where(_parts(), _before(_PART))),
    )


def _parts() -> sa.ColumnElement[bool]:
    return sa.and_(_PART.c.digest == outbox.c.alert_id, _PART.c.receiver == outbox.c.receiver)


def _before(part: NamedFromClause) -> sa.ColumnElement[bool]:
    """In front of a part, and no part of the same digest."""
    return sa.and_(_in_front(_EARLIER, part), sa.func.coalesce(_EARLIER.c.digest, "") != part.c.digest)
