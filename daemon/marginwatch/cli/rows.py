"""What the listings show of alerts, transitions and messages, as rows with stable keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Alert, Silence, Transition
    from marginwatch.store.types import OutboxRow

Row = dict[str, object]


def alert_row(alert: Alert, acknowledgements: Mapping[str, Acknowledgement], now: datetime) -> Row:
    """One alert."""
    given = acknowledgements.get(alert.alert_id)
    holds = given is not None and given.covers(now)
    return {
        "alert_id": alert.alert_id,
        "state": alert.status.value,
        "severity": alert.severity.label,
        "rule": alert.key.rule,
        "title": alert.title,
        "venue": alert.key.account.venue,
        "account": alert.key.account.id,
        "subject": alert.key.subject,
        "value": alert.value,
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "ended_at": alert.ended_at,
        "data_as_of": alert.as_of or alert.known_at,
        "unknown_since": alert.unknown_since,
        "acknowledged_by": given.by if given is not None and holds else None,
        "acknowledged_until": given.until if given is not None and holds else None,
        "told": dict(alert.told),
    }


def transition_row(transition: Transition) -> Row:
    """One step of an alert."""
    return {
        "at": transition.at,
        "alert_id": transition.alert_id,
        "rule": transition.key.rule,
        "venue": transition.key.account.venue,
        "account": transition.key.account.id,
        "subject": transition.key.subject,
        "before": transition.before.value,
        "after": transition.after.value,
        "reason": transition.reason.value,
        "told_as": None if transition.state is None else transition.state.value,
        "severity": transition.severity.label,
        "value": transition.value,
        "limit": transition.limit,
        "observed_at": transition.observed_at,
        "fetched_at": transition.fetched_at,
        "as_of": transition.as_of,
        "differences": [
            {"field": difference.field, "before": difference.before, "after": difference.after}
            for difference in transition.differences
        ],
        "detail": transition.detail or transition.because,
        "rules_revision": transition.revision,
    }


def outbox_row(row: OutboxRow) -> Row:
    """One message and what became of it."""
    return {
        "id": row.id,
        "status": row.status.value,
        "receiver": row.message.receiver,
        "alert_id": row.message.alert_id,
        "number": row.message.number,
        "state": row.message.state.value,
        "severity": row.message.severity.label,
        "title": row.message.title,
        "created_at": row.created_at,
        "due_at": row.due_at,
        "attempts": row.attempts,
        "settled_at": row.settled_at,
        "detail": row.detail,
    }


def silence_row(silence: Silence, now: datetime) -> Row:
    """One silence."""
    return {
        "id": silence.id,
        "active": silence.covers(now),
        "rule": silence.rule,
        "venue": silence.venue,
        "account": silence.account,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "by": silence.by,
        "note": silence.note,
    }
