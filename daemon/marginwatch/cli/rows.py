"""What listings show of alerts, transitions, messages and silences: rows with stable keys, and cells for tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from marginwatch.cli.output import age

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.app.reading import Reading
    from marginwatch.core.alert import Acknowledgement, Alert, Silence, Transition
    from marginwatch.core.fields import Unit
    from marginwatch.core.model import AccountKey
    from marginwatch.store.types import OutboxRow

Row = dict[str, object]


class Names(Protocol):
    """What things are called, and what numbers are."""

    @property
    def units(self) -> Mapping[str, Unit]:
        """Of the numbers of rules, by id."""
        ...

    def name(self, account: AccountKey) -> str:
        """What its venue calls the account."""
        ...


def alert_row(alert: Alert, given: Acknowledgement | None, now: datetime, reading: Reading) -> Row:
    """One alert; `given` is its acknowledgement, if it has one."""
    holds = given is not None and given.covers(now)
    return {
        "alert_id": alert.alert_id,
        "state": alert.status.value,
        "severity": alert.severity.label,
        "rule": alert.key.rule,
        "title": alert.title,
        **_subject(alert.key.account, reading),
        "subject": alert.key.subject,
        "value": alert.value,
        "unit": _unit(alert.key.rule, alert.value, reading),
        "detail": alert.detail,
        "active_at": alert.active_at,
        "fired_at": alert.fired_at,
        "ended_at": alert.ended_at,
        "data_as_of": alert.as_of or alert.known_at,
        "unknown_since": alert.unknown_since,
        "unknown_because": alert.because,
        "flapping_since": alert.flapping_since,
        "acknowledged_by": given.by if given is not None and holds else None,
        "acknowledged_until": given.until if given is not None and holds else None,
        "acknowledgement_note": given.note if given is not None and holds else None,
        "told": dict(alert.told),
    }


def alert_cells(alert: Alert, row: Row, now: datetime, reading: Reading) -> Row:
    """The same for a table."""
    old = age(alert.as_of or alert.known_at, now)
    return {
        **row,
        "account": reading.called(alert.key.account),
        "value": reading.amount(alert.value, alert.key.rule, alert.key.account),
        "for": age(alert.active_at, alert.ended_at or now),
        "data_age": f"unknown {age(alert.unknown_since, now)}" if alert.unknown_since else old,
        "detail": alert.because if alert.unknown_since else alert.detail or _flapping(alert),
    }


def _flapping(alert: Alert) -> str:
    flaps = alert.flaps
    if flaps is None or flaps.since is None:
        return ""
    return f"flapping, {'good' if flaps.good else 'true'} now: fired {flaps.times} times"


def transition_row(step: Transition, reading: Names) -> Row:
    """One step of an alert."""
    return {
        "at": step.at,
        "alert_id": step.alert_id,
        "rule": step.key.rule,
        "title": step.title,
        **_subject(step.key.account, reading),
        "subject": step.key.subject,
        "before": step.before.value,
        "after": step.after.value,
        "reason": step.reason.value,
        "told_as": None if step.state is None else step.state.value,
        "severity": step.severity.label,
        "value": step.value,
        "limit": step.limit,
        "unit": _unit(step.key.rule, step.value, reading),
        "observed_at": step.observed_at,
        "fetched_at": step.fetched_at,
        "as_of": step.as_of,
        "differences": [{"field": each.field, "before": each.before, "after": each.after} for each in step.differences],
        "detail": step.detail or step.because,
        "rules_revision": step.revision,
    }


def transition_cells(step: Transition, row: Row, reading: Reading) -> Row:
    """The same for a table."""
    from marginwatch.notify import words

    changes = "; ".join(words.difference(each, step.at) for each in step.differences)
    return {
        **row,
        "account": reading.called(step.key.account),
        "reason": step.reason.value.replace("_", " "),
        "value": reading.amount(step.value, step.key.rule, step.key.account),
        "detail": changes or row["detail"],
    }


def outbox_row(row: OutboxRow) -> Row:
    """One message and what became of it."""
    return {
        "id": row.id,
        "status": row.status.value,
        "receiver": row.message.receiver,
        "alert_id": row.message.alert_id,
        "number": row.message.number,
        "kind": row.message.kind.value,
        "digest": row.message.digest or None,
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
        "groups": list(silence.groups),
        "labels": dict(silence.labels),
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "by": silence.by,
        "note": silence.note,
    }


def _subject(account: AccountKey, reading: Names) -> Mapping[str, str]:
    return {"venue": account.venue, "account": account.id, "account_name": reading.name(account)}


def _unit(rule: str, value: object, reading: Names) -> str | None:
    unit = reading.units.get(rule)
    return None if value is None or unit is None else unit.value
