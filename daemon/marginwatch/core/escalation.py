"""Ladders: who is called when nobody acknowledges an alert that was told. Pure.

first told                     the clock starts
acknowledged                   it stops, and every step is to be taken again
lapsed, or over                it starts anew
a step's time has come         its receivers are called, once
held back from everybody then  it starts anew when that ends
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.transition import transition_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.draft import Draft
    from marginwatch.core.routing import Route, Rung


@dataclass(frozen=True, slots=True)
class Climb:
    """One step of the ladders that an alert may climb."""

    route: str
    rung: Rung

    @property
    def id(self) -> str:
        """What `Alert.climbed` keeps of it."""
        return f"{self.route}@{int(self.rung.after.total_seconds())}"


@dataclass(slots=True)
class Calls:
    """What the ladders of one tick brought."""

    transitions: list[Transition]
    called: dict[str, tuple[str, ...]]
    """Who is called, by alert_id."""


def climbs(routes: Iterable[Route], alert: Alert) -> list[Climb]:
    """The steps of an alert of this severity, `routes` being those of its rule and account; the soonest first."""
    taken = (route for route in routes if alert.severity in route.severities)
    found = (Climb(route.name, rung) for route in taken for rung in route.escalate)
    return sorted(found, key=lambda each: (each.rung.after, each.route))


def climb(draft: Draft, timers: Iterable[object]) -> Calls:
    """Keep the clocks of the alerts that this tick is about, and take the steps whose time has come."""
    calls = Calls([], {})
    touched = {*draft.alerts, *draft.acknowledgements, *(timer for timer in timers if isinstance(timer, str))}
    if draft.silences != draft.memory.silences or draft.memory.look_again:
        touched.update(each.alert_id for each in draft.memory.alerts() if _ahead(each, draft.now))
    for alert_id in sorted(touched):
        alert = draft.find(alert_id)
        if alert is not None:
            clocked = _clocked(draft, alert)
            kept = _climbed(draft, clocked, calls) if draft.ruling.routes.climb else clocked
            if kept is not alert:
                draft.keep(kept)
    draft.transitions.extend(calls.transitions)
    return calls


def due(draft: Draft, alert: Alert) -> datetime | None:
    """When the next step of the alert's ladders is to be taken if nobody acknowledges; None for never."""
    if not draft.ruling.routes.climb or not _waits(draft, alert):
        return None
    if alert.waiting_since is None:
        return draft.now if _left(draft, alert) else None
    times = (alert.waiting_since + each.rung.after for each in _left(draft, alert))
    first = min(times, default=None)
    return None if first is None else max(first, draft.now)


def called(routes: Iterable[Route], alert: Alert) -> frozenset[str]:
    """Who was called by the steps taken so far."""
    if not alert.climbed:
        return frozenset()
    steps = (Climb(route.name, rung) for route in routes for rung in route.escalate)
    return frozenset(name for each in steps if each.id in alert.climbed for name in each.rung.receivers)


def _waits(draft: Draft, alert: Alert) -> bool:
    """Whether somebody was told and nobody acknowledged."""
    return alert.status is Status.FIRING and bool(alert.told) and draft.acknowledgement(alert) is None


def _ahead(alert: Alert, now: datetime) -> bool:
    return alert.waiting_since is not None and alert.waiting_since > now


def _clocked(draft: Draft, alert: Alert) -> Alert:
    """The alert with its clock started or stopped."""
    if _waits(draft, alert):
        if alert.waiting_since is None:
            return replace(alert, waiting_since=_began(draft, alert), climbed=())
        if _ahead(alert, draft.now) and draft.held_from_all(alert) is None:
            return replace(alert, waiting_since=draft.now)
    elif alert.waiting_since is not None and draft.acknowledgement(alert) is not None:
        return replace(alert, waiting_since=None, climbed=())
    return alert


def _began(draft: Draft, alert: Alert) -> datetime:
    """From when on nobody is on it: the end of an acknowledgement that is over, else now."""
    given = draft.acknowledgements.get(alert.alert_id)
    if given is None or given.until is None or alert.alert_id in draft.lapsed:
        return draft.now
    return given.until


def _left(draft: Draft, alert: Alert) -> list[Climb]:
    """The steps not taken yet."""
    return [each for each in climbs(draft.routes(alert), alert) if each.id not in alert.climbed]


def _climbed(draft: Draft, alert: Alert, calls: Calls) -> Alert:
    if not _waits(draft, alert) or alert.waiting_since is None:
        return alert
    since = alert.waiting_since
    steps = [each for each in _left(draft, alert) if since + each.rung.after <= draft.now]
    if not steps:
        return alert
    held = draft.held_from_all(alert)
    if held is not None:
        return replace(alert, waiting_since=held)
    rule = draft.ruling.rules.get(alert.key.rule)
    level = None if rule is None or alert.level >= len(rule.levels) else rule.levels[alert.level]
    calls.transitions.append(
        transition_of(
            alert,
            before=alert.status,
            reason=Reason.ESCALATED,
            state=State.REMINDER,
            at=draft.now,
            revision=draft.ruling.revision,
            level=level,
        )
    )
    calls.called[alert.alert_id] = tuple(dict.fromkeys(name for each in steps for name in each.rung.receivers))
    return replace(alert, climbed=(*alert.climbed, *(each.id for each in steps)))
