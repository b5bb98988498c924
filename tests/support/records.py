"""What the store keeps, built with sensible parts so that a test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marginwatch.core.alert import Alert, LevelTimer, Reason, Silence, State, Status, Transition
from marginwatch.core.model import Account, AccountKey, FailureKind, Observation, Severity, VenueFailure
from marginwatch.core.result import AlertKey
from marginwatch.core.state import AccountState, Commit, Message, StoredObservation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.model import Value

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ACCOUNT = AccountKey("futures", "A-1")


def after(seconds: float) -> datetime:
    """That many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def observation(seconds: float = 0, fields: Mapping[str, Value] | None = None, **changes: Any) -> Observation:  # noqa: ANN401  (any field of it)
    """An observation of the account."""
    given = {"equity": Decimal("1000.50")} if fields is None else fields
    return replace(Observation(ACCOUNT, after(seconds), None, given, positions=()), **changes)


def seen(observed: Observation, *, unchanged: bool = False) -> StoredObservation:
    """As a commit holds it."""
    return StoredObservation(observed, unchanged=unchanged)


def account_state(observed: Observation, **changes: Any) -> AccountState:  # noqa: ANN401  (any field of it)
    """What is remembered after that observation."""
    account = Account(observed.account, f"Account {observed.account.id}")
    state = AccountState(account, NOON, observed.fields, observed.observed_at, observed.fetched_at)
    return replace(state, **changes)


def failure(seconds: float = 0, **changes: Any) -> VenueFailure:  # noqa: ANN401  (any field of it)
    """A call for the account that timed out."""
    made = VenueFailure("futures", FailureKind.TIMED_OUT, after(seconds), "no answer in 10 s", "summary", ACCOUNT)
    return replace(made, **changes)


def alert(alert_id: str = "a1b2c3", **changes: Any) -> Alert:  # noqa: ANN401  (any field of it)
    """A firing alert of the account."""
    made = Alert(
        alert_id=alert_id,
        key=AlertKey("margin-usage", ACCOUNT),
        title="Margin usage",
        status=Status.FIRING,
        level=0,
        severity=Severity.WARNING,
        timers=(LevelTimer(Severity.WARNING, held=timedelta(minutes=1)),),
        count=1,
        active_at=NOON,
        observed_at=NOON,
        known_at=NOON,
        value=Decimal("0.8512"),
    )
    return replace(made, **changes)


def transition(alert_id: str = "a1b2c3", seconds: float = 0, **changes: Any) -> Transition:  # noqa: ANN401  (any field of it)
    """The alert fires."""
    made = Transition(
        alert_id=alert_id,
        key=AlertKey("margin-usage", ACCOUNT),
        title="Margin usage",
        at=after(seconds),
        before=Status.PENDING,
        after=Status.FIRING,
        reason=Reason.HELD,
        state=State.FIRING,
        severity=Severity.WARNING,
        observed_at=after(seconds),
        fetched_at=after(seconds),
        value=Decimal("0.8512"),
    )
    return replace(made, **changes)


def message(alert_id: str = "a1b2c3", receiver: str = "desk", number: int = 1, **changes: Any) -> Message:  # noqa: ANN401  (any field of it)
    """A notification of the alert."""
    keys = {"alert_id": alert_id}
    made = Message(
        alert_id, receiver, number, State.FIRING, Severity.WARNING, "Margin usage", "85.1%", keys, topic=alert_id
    )
    return replace(made, **changes)


def commit(seconds: float = 0, **parts: Any) -> Commit:  # noqa: ANN401  (any field of it)
    """What one tick writes."""
    return Commit(after(seconds), "rules-1", **parts)


def silence(begins: float = 0, ends: float = 3600, **changes: Any) -> Silence:  # noqa: ANN401  (any field of it)
    """A silence of everything."""
    return replace(Silence(0, "ann", "maintenance", after(begins), after(ends)), **changes)
