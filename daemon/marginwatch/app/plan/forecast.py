"""What rules would make of the alerts that are live, decided by the engine itself on what is stored. Nothing is kept.

Every account's latest answer is taken once more, as if it came again now: rules are decided by the next answer, not by
the reload, and this is the best guess at what it will say.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core import engine, health, levels
from marginwatch.core.alert import Reason, Status
from marginwatch.core.engine import Answer
from marginwatch.core.memory import Memory
from marginwatch.core.model import Normalised
from marginwatch.core.seeding import fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from marginwatch.core.alert import Alert
    from marginwatch.core.engine import Decision
    from marginwatch.core.model import AccountKey, Observation, Severity
    from marginwatch.core.rule import Rule
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.seeding import Stored
    from marginwatch.core.state import Prior

_ZERO = timedelta(0)


class Outcome(enum.StrEnum):
    """What would become of an alert, what is worst first."""

    FIRES = "fires"
    WORSENS = "worsens"
    BEGINS = "begins"
    """It is pending, and fires after `wait`."""
    EASES = "eases"
    RESOLVES = "resolves"
    """At once, or after `wait`."""
    CLEARS = "clears"
    """It was pending, and nobody was told."""
    CLOSES = "closes"
    """Nothing decides it any more."""
    KEEPS = "keeps"


@dataclass(frozen=True, slots=True)
class Outlook:
    """One alert."""

    outcome: Outcome
    alert: Alert
    """As it would be."""
    before: Alert | None
    """As it is; None for one that would begin."""
    rule: Rule | None
    """The rule as it would be; None for one that is removed."""
    severity: Severity
    """Of the level it comes to, or ends at."""
    wait: timedelta = _ZERO
    """How long the numbers must stay as they are until it comes to that."""
    receivers: tuple[str, ...] = ()
    """Who would be told at once, silences considered."""
    reason: Reason | None = None
    """Why, where the engine would decide it at once."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """All of them."""

    outlooks: tuple[Outlook, ...]
    """Of the user's rules; the worst first."""
    undecidable: tuple[tuple[str, AccountKey], ...]
    """Rules that could not be decided for an account, and could before."""


def forecast(
    ruling: Ruling, prior: Prior, latest: Iterable[Observation], now: datetime, stored: Stored | None = None
) -> Forecast:
    """What the rules would make of what is remembered and of the latest answers.

    Args:
        ruling: The rules to be judged, for the venues as they are.
        prior: What the store holds.
        latest: The latest answer of each account.
        now: As of when.
        stored: What was observed before, for rules that look back.
    """
    silences = tuple(silence for silence in prior.silences if now < silence.ends_at)
    memory = Memory.of(replace(prior, silences=silences, withheld=()))
    reloaded = engine.start(memory, ruling, now)
    fill(memory, ruling, now, stored)
    engine.remember(memory, reloaded)
    news = [Answer(each.account.venue, Normalised(observations=(each,))) for each in latest]
    answered = engine.decide(memory, ruling, news, now)
    engine.remember(memory, answered)
    found = _outlooks(ruling, prior, (reloaded, answered))
    order = {outcome: number for number, outcome in enumerate(Outcome)}
    return Forecast(
        outlooks=tuple(sorted(found, key=lambda each: (order[each.outcome], str(each.alert.key)))),
        undecidable=tuple(_undecidable(ruling, prior, memory)),
    )


def _outlooks(ruling: Ruling, prior: Prior, decisions: tuple[Decision, ...]) -> Iterator[Outlook]:
    before = {alert.alert_id: alert for alert in prior.alerts}
    changed = {alert.alert_id: alert for decision in decisions for alert in decision.commit.alerts}
    told: dict[str, list[str]] = {}
    for decision in decisions:
        for notice in decision.notices:
            told.setdefault(notice.transition.alert_id, []).append(notice.receiver)
    reasons = {each.alert_id: each.reason for decision in decisions for each in decision.commit.transitions}
    for alert_id, alert in {**before, **changed}.items():
        if alert.key.rule not in health.RULES:
            rule, known = ruling.rules.get(alert.key.rule), before.get(alert_id)
            outcome, wait, severity = _outcome(known, alert, rule)
            quiet = outcome is Outcome.KEEPS or wait > _ZERO
            yield Outlook(
                outcome=outcome,
                alert=alert,
                before=known,
                rule=rule,
                severity=severity,
                wait=wait,
                receivers=() if quiet else tuple(dict.fromkeys(told.get(alert_id, ()))),
                reason=None if quiet else reasons.get(alert_id),
            )


_ENDS = {Status.CLOSED: Outcome.CLOSES, Status.RESOLVED: Outcome.RESOLVES, Status.INACTIVE: Outcome.CLEARS}


def _outcome(before: Alert | None, after: Alert, rule: Rule | None) -> tuple[Outcome, timedelta, Severity]:
    if after.status in _ENDS or rule is None:
        return _ENDS.get(after.status, Outcome.CLOSES), _ZERO, after.severity
    if after.status is Status.PENDING:
        begins = before is None
        return (Outcome.BEGINS if begins else Outcome.KEEPS), _to_fire(after, rule, after.level), after.severity
    if before is None or before.status is Status.PENDING:
        return Outcome.FIRES, _ZERO, after.severity
    if after.severity != before.severity:
        return (Outcome.WORSENS if after.severity > before.severity else Outcome.EASES), _ZERO, after.severity
    return _later(levels.fitted(before, rule), after, rule)


def _later(before: Alert, after: Alert, rule: Rule) -> tuple[Outcome, timedelta, Severity]:
    """Where a firing alert goes next that stays at its level for now, unless it was on its way before.

    It leaves its level when that has been clear for long enough, for the next one below that has not.
    """
    up = levels.highest_holding(after.timers)
    if up is not None and up > after.level and up != levels.highest_holding(before.timers):
        return Outcome.WORSENS, _to_fire(after, rule, up), rule.levels[up].severity
    if _heads_for(after) in {_heads_for(before), after.level}:
        return Outcome.KEEPS, _ZERO, after.severity
    wait = rule.clear_for - (after.timers[after.level].clear or _ZERO)
    down = levels.highest_kept(after.timers[: after.level], after.level, rule.clear_for - wait)
    return (
        (Outcome.RESOLVES, wait, after.severity) if down is None else (Outcome.EASES, wait, rule.levels[down].severity)
    )


def _heads_for(alert: Alert) -> int | None:
    """The level it goes down to if its numbers stay as they are; None when it ends."""
    return levels.highest_kept(alert.timers, alert.level, _ZERO)


def _to_fire(alert: Alert, rule: Rule, level: int) -> timedelta:
    return rule.hold - (alert.timers[level].held or _ZERO)


def _undecidable(ruling: Ruling, prior: Prior, memory: Memory) -> Iterator[tuple[str, AccountKey]]:
    for account, state in memory.accounts.items():
        known: Mapping[str, object] = prior.accounts[account].blind if account in prior.accounts else {}
        yield from ((rule, account) for rule in sorted(state.blind) if rule in ruling.rules and rule not in known)
