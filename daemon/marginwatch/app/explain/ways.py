"""Which way an alert goes, to whom, and who is called when nobody acknowledges: as of a moment, by today's config."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marginwatch.core.alert import Alert, Reason, State, Status
from marginwatch.core.audience import Audience
from marginwatch.core.escalation import climbs
from marginwatch.core.fallback import lost
from marginwatch.core.health import OURSELVES, RECEIVER_FAILING
from marginwatch.core.result import AlertKey
from marginwatch.core.transition import transition_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from marginwatch.core.model import Account, Severity
    from marginwatch.core.route import Verdict, Why
    from marginwatch.core.rule import Rule
    from marginwatch.core.ruling import Ruling
    from marginwatch.store.store import Store


@dataclass(frozen=True, slots=True)
class Way:
    """What a receiver would hear of an alert of one severity that is told at the moment."""

    severity: Severity
    why: Why
    routes: tuple[str, ...]
    """Those that lead to it."""
    until: datetime | None
    """When it hears, where hours hold that back."""
    waits_for: str
    """The route whose hours begin then."""


@dataclass(frozen=True, slots=True)
class Call:
    """One step of a ladder that the alert may climb."""

    route: str
    after: timedelta
    receivers: tuple[str, ...]
    at: datetime | None
    """When it is taken if nobody acknowledges; None where no clock runs."""
    taken: bool


def ways(ruling: Ruling, rule: Rule, account: Account, alert: Alert | None, at: datetime) -> dict[str, tuple[Way, ...]]:
    """By receiver, for each level of the rule; `alert` is the open one."""
    audience = Audience(ruling.receivers, at, ruling.routes, {account.key: account})
    found: dict[str, list[Way]] = {each.name: [] for each in ruling.receivers}
    for level in rule.levels:
        told = replace(alert or _imagined(rule, account, at), severity=level.severity)
        leading = [route for route in audience.taken(told.key) if level.severity in route.severities]
        for name, verdict in verdicts(audience, told).items():
            names = tuple(route.name for route in leading if name in route.receivers)
            found[name].append(_way(level.severity, verdict, names))
    return {name: tuple(each) for name, each in found.items()}


def verdicts(audience: Audience, alert: Alert, state: State = State.FIRING) -> dict[str, Verdict]:
    """What every receiver is to hear, by name, if the alert is told so at the audience's moment."""
    step = transition_of(alert, before=Status.INACTIVE, reason=Reason.HELD, state=state, at=audience.now, revision="")
    return audience.verdicts(step, alert)


def calls(ruling: Ruling, account: Account, alert: Alert | None, *, acknowledged: bool) -> tuple[Call, ...]:
    """The steps of its ladders at its severity, the soonest first; none where nothing is open."""
    if alert is None or alert.status is not Status.FIRING:
        return ()
    since = None if acknowledged else alert.waiting_since
    return tuple(
        Call(
            route=each.route,
            after=each.rung.after,
            receivers=each.rung.receivers,
            at=None if since is None else since + each.rung.after,
            taken=each.id in alert.climbed,
        )
        for each in climbs(ruling.routes.of(account, alert.key.rule), alert)
    )


def failovers(store: Store) -> dict[str, str]:
    """The receivers that others stand in for now, and why as half a sentence."""
    failing = store.history.alerts(rule=RECEIVER_FAILING, account=OURSELVES)
    return {alert.key.subject: lost(alert) for alert in failing if alert.failed_over_at is not None}


def _imagined(rule: Rule, account: Account, at: datetime) -> Alert:
    """One that nobody was told of yet."""
    return Alert(
        alert_id="",
        key=AlertKey(rule.id, account.key),
        title=rule.title,
        status=Status.FIRING,
        level=0,
        severity=rule.levels[0].severity,
        timers=(),
        count=1,
        active_at=at,
        observed_at=at,
        known_at=at,
    )


def _way(severity: Severity, verdict: Verdict, routes: Iterable[str]) -> Way:
    return Way(severity, verdict.why, tuple(routes), verdict.until, verdict.route)
