"""Who hears in place of a receiver that cannot be reached. Pure.

it has been failing for as long as its config says   -> others stand in for it
what it did not get until then                        -> is told to them, once
what is routed to it from then on                     -> is told to them, too, see `Audience.stand_ins`
it works again                                        -> they still hear how that goes on which they were told of
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.health import OURSELVES, RECEIVER_FAILING, clock
from marginwatch.core.result import AlertKey
from marginwatch.core.route import concerns
from marginwatch.core.transition import transition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.desk import Desk
    from marginwatch.core.draft import Draft
    from marginwatch.core.health import Missed
    from marginwatch.core.route import Receiver


def stand_ins(draft: Draft) -> dict[str, dict[str, str]]:
    """By receiver that cannot be reached: who stands in for it, and why as half a sentence."""
    failed = {alert.key.subject: alert for alert in _failing(draft) if alert.failed_over_at is not None}
    if not failed:
        return {}
    receivers = {each.name: each for each in draft.ruling.receivers}
    return {
        name: dict.fromkeys(_chain(receivers[name], receivers, failed), lost(alert))
        for name, alert in failed.items()
        if name in receivers
    }


def lost(alert: Alert) -> str:
    """That a receiver cannot be reached, `alert` being the one about it."""
    return f"{alert.key.subject} cannot be reached since {clock(alert.active_at)}"


def fail_over(draft: Draft) -> list[str]:
    """Let others stand in for the receivers that have been failing for long enough; gives their names."""
    receivers = {each.name: each for each in draft.ruling.receivers}
    found = []
    for alert in sorted(_failing(draft), key=lambda each: each.key.subject):
        receiver = receivers.get(alert.key.subject)
        at = None if receiver is None else due(draft, alert, receiver)
        if receiver is not None and at is not None and at <= draft.now:
            found.append(receiver.name)
            over = replace(alert, failed_over_at=draft.now)
            draft.keep(over)
            draft.transitions.append(_over(draft, over, receiver))
    return found


def due(draft: Draft, alert: Alert, receiver: Receiver | None = None) -> datetime | None:
    """When others are to stand in for the receiver that the alert is about; None for never.

    Nor is it known as long as nobody said what the receiver did not get: that is asked for when a process starts.
    """
    if alert.key.rule != RECEIVER_FAILING or alert.failed_over_at is not None or alert.status is not Status.FIRING:
        return None
    if receiver is None:
        receiver = next((each for each in draft.ruling.receivers if each.name == alert.key.subject), None)
    if receiver is None or not receiver.fallback or draft.receiver(receiver.name) is None:
        return None
    return alert.active_at + receiver.fallback_after


def pass_on(draft: Draft, names: Sequence[str], desk: Desk) -> None:
    """Tell those who stand in for receivers that just failed over what these did not get."""
    for name in names:
        state = draft.receiver(name)
        standing = desk.audience.stand_ins.get(name, {})
        for missed in () if state is None else state.missed:
            _tell(draft, desk, missed, standing)


def _failing(draft: Draft) -> Iterator[Alert]:
    for key, alert in draft.live(OURSELVES).items():
        if key == AlertKey(RECEIVER_FAILING, OURSELVES, key.subject) and alert.status is Status.FIRING:
            yield alert


def _chain(receiver: Receiver, receivers: Mapping[str, Receiver], failed: Mapping[str, Alert]) -> list[str]:
    """Who stands in, and who does for those of them that cannot be reached themselves."""
    found: list[str] = []
    ahead = list(receiver.fallback)
    while ahead:
        name = ahead.pop(0)
        if name not in found and name != receiver.name and name in receivers:
            found.append(name)
            ahead += receivers[name].fallback if name in failed else ()
    return found


def _over(draft: Draft, alert: Alert, receiver: Receiver) -> Transition:
    step = transition_of(
        alert, before=alert.status, reason=Reason.FALLBACK, state=None, at=draft.now, revision=draft.ruling.revision
    )
    return replace(step, detail=f"{lost(alert)}; told in its place: {', '.join(receiver.fallback)}")


def _tell(draft: Draft, desk: Desk, missed: Missed, standing: Mapping[str, str]) -> None:
    alert = draft.find(missed.alert_id)
    told = None if alert is None else _standing(draft, alert)
    if alert is None and missed.ended is not None:
        alert, told = missed.ended
        alert = draft.alerts.get(alert.alert_id, alert)
    if alert is None or told is None:
        return
    heard = desk.changed.get(alert.alert_id, alert).told
    hearing = {
        name: because for name, because in standing.items() if name not in heard and not concerns(told.key, name)
    }
    if hearing:
        desk.pass_on(told, alert, hearing)


def _standing(draft: Draft, alert: Alert) -> Transition | None:
    """How an open alert stands; None where there is nothing to tell of it."""
    state = State.FIRING if alert.status is Status.FIRING else State.UNKNOWN if alert.unknown_told else None
    if state is None:
        return None
    rule = draft.ruling.rules.get(alert.key.rule)
    level = None if rule is None or alert.level >= len(rule.levels) else rule.levels[alert.level]
    return transition_of(
        alert,
        before=alert.status,
        reason=Reason.FALLBACK,
        state=state,
        at=draft.now,
        revision=draft.ruling.revision,
        level=level,
    )
