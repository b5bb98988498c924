"""Notices to render and messages to send, with sensible figures for all that a test does not care about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marginwatch.core.alert import Alert, Reason, State, Status, Transition
from marginwatch.core.fields import Unit
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.result import AlertKey
from marginwatch.core.route import Notice, Why
from marginwatch.core.rule import Level, Rule, RuleKind
from marginwatch.core.state import Message
from marginwatch.notify.draft import About

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 8, 3, 14, 3, 22, tzinfo=UTC)
ACCOUNT = Account(AccountKey("futures", "a1b2"), "STONEX:000000/JDoe")
FIELDS: Mapping[str, Any] = {
    "margin_usage": Decimal("0.921"),
    "margin_used": Decimal("92099.5"),
    "margin_excess": Decimal("7900.5"),
    "equity": Decimal(100000),
    "in_margin_call": True,
    "in_stop_out": False,
    "currency": "USD",
}
LADDER = Rule(
    id="margin-usage",
    title="Margin usage",
    kind=RuleKind.LADDER,
    levels=(
        Level(Severity.WARNING, ">", Decimal("0.8"), Decimal("0.77")),
        Level(Severity.CRITICAL, ">", Decimal("0.9"), Decimal("0.87")),
    ),
    expression="margin_usage",
    unit=Unit.RATIO,
)
CONDITION = Rule(
    id="margin-call",
    title="Margin call",
    kind=RuleKind.CONDITION,
    levels=(Level(Severity.CRITICAL),),
    expression="in_margin_call or in_stop_out",
)
EVENT = Rule(
    id="permissions-changed",
    title="Permissions changed",
    kind=RuleKind.EVENT,
    levels=(Level(Severity.WARNING),),
    expression="changed(permissions)",
)


def transition(
    state: State | None = State.FIRING,
    reason: Reason = Reason.HELD,
    **changes: Any,  # noqa: ANN401  (whatever the type has)
) -> Transition:
    """A margin-usage alert's step, 12 s after its data."""
    made = Transition(
        alert_id="k3f9",
        key=AlertKey("margin-usage", ACCOUNT.key),
        title="Margin usage",
        at=NOW,
        before=Status.PENDING,
        after=Status.FIRING,
        reason=reason,
        state=state,
        severity=Severity.CRITICAL,
        observed_at=NOW - timedelta(seconds=12),
        fetched_at=NOW - timedelta(seconds=2),
        as_of=NOW - timedelta(seconds=12),
        value=Decimal("0.921"),
        limit=Decimal("0.9"),
        operator=">",
        active_at=NOW - timedelta(minutes=1, seconds=12),
        fired_at=NOW,
    )
    return replace(made, **changes)


def notice(told: Transition, receiver: str = "desk", number: int = 1) -> Notice:
    """The transition, to be told to a receiver."""
    alert = Alert(
        alert_id=told.alert_id,
        key=told.key,
        title=told.title,
        status=told.after,
        level=1,
        severity=told.severity,
        timers=(),
        count=1,
        active_at=told.active_at or told.observed_at,
        observed_at=told.observed_at,
        known_at=told.fetched_at,
        told={receiver: number},
    )
    return Notice(told, alert, receiver, number, Why.SEVERE_ENOUGH)


def about(rule: Rule | None = LADDER, fields: Mapping[str, Any] = FIELDS, account: Account = ACCOUNT) -> About:
    """What is known around it."""
    return About(account, fields, rule, "USD", current=fields)


def message(
    receiver: str = "desk",
    *,
    alert_id: str = "k3f9",
    number: int = 1,
    **changes: Any,  # noqa: ANN401  (whatever the type has)
) -> Message:
    """A rendered message."""
    made = Message(
        alert_id=alert_id,
        receiver=receiver,
        number=number,
        state=State.FIRING,
        severity=Severity.CRITICAL,
        title="CRITICAL: JDoe (futures): Margin usage",
        body="margin_usage 92.1%, 2.1 points above the limit.\nCritical since 14:02:10 UTC.",
        payload={
            "alert_id": alert_id,
            "rule": "margin-usage",
            "state": "firing",
            "severity": "critical",
            "venue": "futures",
            "account": "a1b2",
            "subject": "",
            "value": "0.921",
            "limit": "0.9",
            "as_of": "2026-08-03T14:03:10Z",
            "fetched_at": "2026-08-03T14:03:20Z",
            "reason": "held",
            "runbook": "",
            "link": "",
        },
        topic=alert_id,
        roles=("value", "standing"),
    )
    return replace(made, **changes)
