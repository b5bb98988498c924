"""What goes into each table for each thing of a commit: pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from marginwatch.core.alert import State
from marginwatch.core.model import Account, AccountKey, FailureKind, Severity
from marginwatch.core.outbox import Kind
from marginwatch.core.state import Message
from marginwatch.store import codec
from marginwatch.store.columns import fits
from marginwatch.store.types import OutboxStatus

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.model import CycleEnd, Observation, VenueFailure
    from marginwatch.core.result import AlertKey
    from marginwatch.core.seen import Listed
    from marginwatch.core.state import AccountState, VenueState, Withheld
    from marginwatch.store.columns import AnyRow

Row: TypeAlias = "dict[str, Any]"
_RAW_LIMIT = 4096
"""Bytes kept of a malformed answer."""


@dataclass(frozen=True, slots=True)
class Run:
    """Equal things in a row: the row that the next equal one extends."""

    id: int
    same: tuple[object, ...]
    """What must be equal."""
    first_at: datetime
    last_at: datetime
    times: int


def account_row(row_id: int, key: AccountKey, state: AccountState | None = None) -> Row:
    """An account; without a state it is only a name for its observations."""
    body = codec.encode(state) if state else None
    return {
        "id": row_id,
        "venue": key.venue,
        "account": key.id,
        "name": state.account.name if state else key.id,
        "body": body,
    }


def observation_row(observation: Observation, tick: int, *, account: int, place: int) -> Row:
    """An observation in full."""
    return {
        "tick_id": tick,
        "place": place,
        "account_id": account,
        "fetched_at": observation.fetched_at,
        "as_of": observation.as_of,
        "data": observed(observation),
    }


def observed(observation: Observation) -> bytes:
    """What an observation says, without when and of whom; `replay.read_said` reads it."""
    positions = observation.positions
    said = {
        "fields": codec.plain_values(observation.fields),
        "positions": None if positions is None else [codec.plain_values(position) for position in positions],
        "optional": observation.optional,
    }
    return zlib.compress(codec.dumps(said), 1)


def failure_row(failure: VenueFailure, run: Run) -> Row:
    """The run the failure belongs to, brought up to date."""
    raw = failure.body[:_RAW_LIMIT] if failure.body and failure.kind is FailureKind.BAD_ANSWER else None
    return {
        "id": run.id,
        "venue": failure.venue,
        "account": failure.account.id if failure.account else None,
        "kind": failure.kind.value,
        "call": failure.call,
        "place": failure.where,
        "detail": failure.detail,
        "first_at": run.first_at,
        "last_at": run.last_at,
        "times": run.times,
        "raw": raw,
    }


def cycle_row(end: CycleEnd, run: Run, cause: str) -> Row:
    """The run the cycle belongs to, brought up to date."""
    return {
        "id": run.id,
        "venue": end.venue,
        "started_at": run.first_at,
        "ended_at": run.last_at,
        "times": run.times,
        "attempted": end.attempted,
        "failed": end.failed,
        "cause": cause,
    }


def listing_row(row_id: int, listed: Listed, tick: int) -> Row:
    """The accounts a venue listed."""
    venue, accounts = listed
    written = [{"id": each.key.id, "name": each.name, "viewable": each.viewable} for each in accounts]
    return {"id": row_id, "venue": venue, "tick_id": tick, "data": zlib.compress(codec.dumps(written), 1)}


def read_listing(venue: str, data: bytes) -> Listed:
    """The listing of such a row again."""
    written = codec.loads(zlib.decompress(data))
    return venue, tuple(Account(AccountKey(venue, each["id"]), each["name"], each["viewable"]) for each in written)


def venue_row(state: VenueState) -> Row:
    """What is remembered of a venue."""
    return {
        "name": state.venue,
        "failed_cycles": state.failed_cycles,
        "last_cycle_at": state.last_cycle_at,
        "last_good_at": state.last_good_at,
        "body": codec.encode(state),
    }


def alert_row(alert: Alert, at: datetime) -> Row:
    """An alert as it is now."""
    return {
        "alert_id": alert.alert_id,
        **_key(alert.key),
        "status": alert.status.value,
        "severity": int(alert.severity),
        "value": fits(alert.value),
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "ended_at": alert.ended_at,
        "changed_at": at,
        "body": codec.encode(alert),
    }


def transition_row(step: Transition, tick: int) -> Row:
    """One step of an alert."""
    return {
        "tick_id": tick,
        "alert_id": step.alert_id,
        **_key(step.key),
        "at": step.at,
        "after": step.after.value,
        "reason": step.reason.value,
        "state": step.state.value if step.state else None,
        "severity": int(step.severity),
        "value": fits(step.value),
        "body": codec.encode(step),
    }


def _key(key: AlertKey) -> Row:
    return {"rule": key.rule, "venue": key.account.venue, "account": key.account.id, "subject": key.subject}


def outbox_row(message: Message, at: datetime) -> Row:
    """A message that waits to be sent, by itself or in a digest."""
    status = OutboxStatus.HELD if message.held_until else OutboxStatus.PENDING
    return {
        "alert_id": message.alert_id,
        "receiver": message.receiver,
        "topic": message.topic,
        "number": message.number,
        "state": message.state.value,
        "severity": int(message.severity),
        "title": message.title,
        "body": message.body,
        "payload": codec.dumps(message.payload).decode(),
        "forms": codec.dumps({"roles": message.roles, **message.forms}).decode(),
        "created_at": at,
        "status": (OutboxStatus.DIGESTED if message.digest else status).value,
        "due_at": message.held_until or at,
        "attempts": 0,
        "settled_at": None,
        "detail": "",
        "kind": message.kind.value,
        "line": message.line,
        "digest": message.digest or None,
    }


def withheld_row(item: Withheld) -> Row:
    """A transition that is held back."""
    return {"alert_id": item.transition.alert_id, "body": codec.encode(item)}


def read_message(row: AnyRow) -> Message:
    """The message of a row of the outbox again."""
    held = row.status == OutboxStatus.HELD
    forms = codec.loads(row.forms) if row.forms else {}
    return Message(
        alert_id=row.alert_id,
        receiver=row.receiver,
        number=row.number,
        state=State(row.state),
        severity=Severity(row.severity),
        title=row.title,
        body=row.body,
        payload=codec.loads(row.payload),
        topic=row.topic,
        kind=Kind(row.kind),
        line=row.line,
        held_until=row.due_at if held else None,
        digest=row.digest or "",
        roles=tuple(forms.pop("roles", ())),
        forms=forms,
    )
