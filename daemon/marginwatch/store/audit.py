"""The audit trail: steps of alerts, messages, attempts to send them and what people did, in the order of time.

Nothing is kept twice for it. Steps and deeds are rows that triggers protect from change, a message's words are fixed
when it is written, and an attempt is completed once.
"""

from __future__ import annotations

import enum
import heapq
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from marginwatch.core.alert import Transition
from marginwatch.core.model import Severity
from marginwatch.store import codec
from marginwatch.store.deeds import deeds
from marginwatch.store.tables import alerts, attempts, outbox, transitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from decimal import Decimal

    from marginwatch.core.model import AccountKey, Value
    from marginwatch.core.result import Difference
    from marginwatch.store.columns import AnyRow
    from marginwatch.store.engine import Database

_PAGE = 1000


class Kind(enum.StrEnum):
    """What a row of the trail is of."""

    STEP = "step"
    """An alert changed its state, or was told of."""
    MESSAGE = "message"
    """Words for one receiver were put in the outbox."""
    ATTEMPT = "attempt"
    """They were sent; `outcome` says what the receiver answered."""
    DEED = "deed"
    """Somebody did something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the trail; what does not apply to its kind is None."""

    at: datetime
    kind: Kind
    what: str
    """Of a step its reason, of a message what it tells, of an attempt its outcome, of a deed what was done."""
    alert_id: str | None = None
    rule: str | None = None
    venue: str | None = None
    account: str | None = None
    subject: str | None = None
    severity: str | None = None
    before: str | None = None
    after: str | None = None
    value: Decimal | None = None
    limit: Decimal | None = None
    observed_at: datetime | None = None
    """Of a step: when the data it was decided on were true."""
    fetched_at: datetime | None = None
    """Of a step: when they were fetched."""
    rules_revision: str | None = None
    """Of a step: the hash of the rules that decided it."""
    receiver: str | None = None
    number: int | None = None
    """Of a message and its attempts: counts from 1 within alert and receiver."""
    digest: str | None = None
    """Of a message: the alert_id of the digest that told of it in its place."""
    attempt: int | None = None
    ended_at: datetime | None = None
    text: str | None = None
    """Of a message its words, of an attempt what was answered, of a step what was known of it, of a deed its note."""
    by: str | None = None
    via: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    choice: str | None = None
    """Of a silence: the groups and labels it is of, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows of the trail; None is no bound."""

    since: datetime
    """In."""
    until: datetime
    """Out."""
    alert_id: str | None = None
    rule: str | None = None
    account: AccountKey | None = None


class Audit:
    """Reads the trail. Rows older than `keep` in [store] are dropped with their alerts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, wanted: Wanted) -> Iterator[Entry]:
        """The rows that fit, oldest first; of one instant first steps, then messages, attempts and deeds.

        Rows of one kind come as they were written, also where the clock was set back. Read in pages, so any number
        takes little memory.
        """
        streams = (_STEPS, _MESSAGES, _ATTEMPTS, _DEEDS)
        yield from heapq.merge(*(self._stream(stream, wanted) for stream in streams), key=attrgetter("at"))

    def _stream(self, stream: _Stream, wanted: Wanted) -> Iterator[Entry]:
        span = (stream.at >= wanted.since, stream.at < wanted.until)
        fits = stream.query.where(*span, *_about(stream, wanted)).order_by(stream.id).limit(_PAGE)
        last = 0
        while True:
            with self._database.read() as connection:
                found = connection.execute(fits.where(stream.id > last)).all()
            yield from map(stream.entry, found)
            if len(found) < _PAGE:
                return
            last = found[-1].place


@dataclass(frozen=True, slots=True)
class _Stream:
    """Where one kind of rows comes from."""

    query: sa.Select[Any]
    """With `place` among its columns, which is `id`."""
    at: sa.Column[datetime]
    id: sa.Column[int]
    alert_id: sa.Column[str]
    about: sa.Table
    """What has the columns rule, venue and account."""
    entry: Callable[[AnyRow], Entry]


def _about(stream: _Stream, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found = []
    if wanted.alert_id is not None:
        found.append(stream.alert_id == wanted.alert_id)
    if wanted.rule is not None:
        found.append(stream.about.c.rule == wanted.rule)
    if wanted.account is not None:
        key = wanted.account
        found += [stream.about.c.venue == key.venue, stream.about.c.account == key.id]
    return found


def _step(row: AnyRow) -> Entry:
    told = codec.decode(Transition, row.body)
    return Entry(
        at=told.at,
        kind=Kind.STEP,
        what=told.reason.value,
        alert_id=told.alert_id,
        rule=told.key.rule,
        venue=told.key.account.venue,
        account=told.key.account.id,
        subject=told.key.subject,
        severity=told.severity.label,
        before=told.before.value,
        after=told.after.value,
        value=told.value,
        limit=told.limit,
        observed_at=told.observed_at,
        fetched_at=told.fetched_at,
        rules_revision=told.revision,
        text="; ".join(filter(None, (told.detail, told.because, *map(_change, told.differences)))),
    )


def _change(difference: Difference) -> str:
    return f"{difference.field}: {_value(difference.before)} -> {_value(difference.after)}"


def _value(value: Value) -> str:
    return ", ".join(sorted(value)) or "none" if isinstance(value, frozenset) else str(value)


def _message(row: AnyRow) -> Entry:
    return Entry(
        at=row.created_at,
        kind=Kind.MESSAGE,
        what=row.state,
        text=f"{row.title}\n{row.body}",
        severity=Severity(row.severity).label,
        digest=row.digest,
        **_addressed(row),
    )


def _attempt(row: AnyRow) -> Entry:
    return Entry(
        at=row.started_at,
        kind=Kind.ATTEMPT,
        what=row.outcome or "unknown",
        attempt=row.attempt,
        ended_at=row.ended_at,
        text=row.detail,
        **_addressed(row),
    )


def _addressed(row: AnyRow) -> dict[str, Any]:
    about = {"rule": row.rule, "venue": row.venue, "account": row.account, "subject": row.subject}
    return {"alert_id": row.alert_id, "receiver": row.receiver, "number": row.number, **about}


def _deed(row: AnyRow) -> Entry:
    about = {"rule": row.rule, "venue": row.venue, "account": row.account, "alert_id": row.alert_id}
    span = {"since": row.since, "until": row.until, "choice": row.choice}
    return Entry(at=row.at, kind=Kind.DEED, what=row.kind, by=row.by, via=row.via, text=row.note, **about, **span)


_WHOSE = (alerts.c.rule, alerts.c.venue, alerts.c.account, alerts.c.subject)
_STEPS = _Stream(
    sa.select(transitions.c.body, transitions.c.id.label("place")),
    transitions.c.at,
    transitions.c.id,
    transitions.c.alert_id,
    transitions,
    _step,
)
_MESSAGES = _Stream(
    sa.select(outbox, *_WHOSE, outbox.c.id.label("place")).outerjoin_from(
        outbox, alerts, alerts.c.alert_id == outbox.c.alert_id
    ),
    outbox.c.created_at,
    outbox.c.id,
    outbox.c.alert_id,
    alerts,
    _message,
)
_ATTEMPTS = _Stream(
    sa.select(
        attempts.c.started_at,
        attempts.c.ended_at,
        attempts.c.outcome,
        attempts.c.detail,
        attempts.c.number.label("attempt"),
        outbox.c.alert_id,
        outbox.c.receiver,
        outbox.c.number,
        *_WHOSE,
        attempts.c.id.label("place"),
    )
    .join_from(attempts, outbox, attempts.c.outbox_id == outbox.c.id)
    .outerjoin(alerts, alerts.c.alert_id == outbox.c.alert_id),
    attempts.c.started_at,
    attempts.c.id,
    outbox.c.alert_id,
    alerts,
    _attempt,
)
_DEEDS = _Stream(
    sa.select(deeds, deeds.c.id.label("place")),
    deeds.c.at,
    deeds.c.id,
    deeds.c.alert_id,
    deeds,
    _deed,
)
