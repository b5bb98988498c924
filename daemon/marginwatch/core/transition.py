"""How a transition is made from the alert it is a step of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.alert import Transition

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.core.alert import Alert, Reason, State, Status
    from marginwatch.core.rule import Level


def transition_of(
    alert: Alert,
    *,
    before: Status,
    reason: Reason,
    state: State | None,
    at: datetime,
    revision: str,
    level: Level | None = None,
    rule_changed: bool = False,
) -> Transition:
    """The step that led to `alert` as it stands now.

    `level` is the one to compare the value with; None where no rule is at hand. `revision` is the whole rule set's.
    """
    return Transition(
        alert_id=alert.alert_id,
        key=alert.key,
        title=alert.title,
        at=at,
        before=before,
        after=alert.status,
        reason=reason,
        state=state,
        severity=alert.severity,
        observed_at=alert.observed_at,
        fetched_at=alert.known_at,
        as_of=alert.as_of,
        value=alert.value,
        limit=None if level is None else level.limit,
        operator="" if level is None else level.operator,
        active_at=alert.active_at,
        fired_at=alert.fired_at,
        unknown_since=alert.unknown_since,
        because=alert.because,
        already_true=alert.already_true,
        rule_changed=rule_changed,
        previous_value=alert.told_value,
        previous_at=alert.told_at,
        detail=alert.detail,
        flapping_since=alert.flapping_since,
        times_fired=0 if alert.flaps is None else alert.flaps.times,
        revision=revision,
    )
