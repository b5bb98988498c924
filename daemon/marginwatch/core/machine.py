"""The alert machine: inactive, pending, firing, resolved, and the mark `unknown` on top of them. Pure.

`advance` takes one result, `elapse` what time does by itself, `close` an end that no observation brought.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marginwatch.core import flapping, levels
from marginwatch.core.alert import Alert, Reason, State, Status, Transition
from marginwatch.core.result import AlertKey, Known, Occurred, Result, Unknown
from marginwatch.core.rule import Rule, RuleKind
from marginwatch.core.transition import transition_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from marginwatch.core.alert import Flaps

NO_ANSWER = "no answer came"
"""Why data are unknown when not even a failure was heard of."""
OVERTAKEN = "the venue's own time of these numbers is earlier than that of numbers seen before"
"""Why an answer decides nothing of an alert that later numbers have spoken of."""

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides besides the rule."""

    stale_after: timedelta
    """The venue's: known results further apart than this leave the time between them unseen."""
    acknowledged: bool
    """An acknowledgement of this alert holds now."""
    revision: str
    """The whole rule set's, noted on every transition."""
    watching_since: datetime | None = None
    """When polling began. That no answer came before then says nothing; a restart alone must not tell of it."""
    before: Flaps | None = None
    """What the alert before it, of the same key, ended with; of an inactive one that ended lately."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of an alert."""

    alert: Alert | None
    """As it is now: the very same object when nothing changed, None when inactive. One that ended is given once."""
    transitions: tuple[Transition, ...] = ()
    lapsed: bool = False
    """Its acknowledgement is void: things got worse."""


def advance(rule: Rule, alert: Alert | None, result: Result, now: datetime, policy: Policy) -> Step:
    """What a new result makes of an alert. `alert` is the open one of the result's key, None when inactive."""
    tick = _Tick(rule, now, policy)
    outcome = result.outcome
    if isinstance(outcome, Occurred):
        return tick.occurred(result, outcome)
    if rule.kind is RuleKind.EVENT:
        return Step(alert)
    current = levels.fitted(alert, rule) if alert is not None and alert.is_open else None
    if current is not None and current.reminded and policy.acknowledged:
        current = replace(current, reminded=0)
    if current is not None and isinstance(outcome, Known) and _overtaken(current, result):
        outcome = Unknown(OVERTAKEN)
    if isinstance(outcome, Known):
        return tick.begin(result, outcome) if current is None else tick.observe(current, result, outcome)
    return Step(None) if current is None else tick.lose(current, outcome)


def elapse(rule: Rule, alert: Alert, now: datetime, policy: Policy) -> Step:
    """What time alone does: tells once that data are unknown, and reminds. Nothing before `due`."""
    if not alert.is_open:
        return Step(alert)
    current = levels.fitted(alert, rule)
    tick = _Tick(rule, now, policy)
    lost = _lost_at(rule, current, policy, since=policy.watching_since)
    if lost is not None and now >= lost:
        return tick.tell_unknown(current)
    remind = remind_at(rule, current, policy)
    if remind is not None and now >= remind:
        reminded = min(current.reminded + 1, len(rule.remind_then))
        return tick.record(replace(current, reminded=reminded), current.status, Reason.REMIND, State.REMINDER)
    return Step(alert)


def due(rule: Rule, alert: Alert, policy: Policy) -> datetime | None:
    """The next instant at which `elapse` does something, None for never.

    An acknowledgement stops reminders: ask again when it expires.
    """
    if not alert.is_open:
        return None
    instants = (_lost_at(rule, alert, policy, since=policy.watching_since), remind_at(rule, alert, policy))
    return min((instant for instant in instants if instant is not None), default=None)


def close(alert: Alert, reason: Reason, now: datetime, revision: str) -> Step:
    """End an alert that no observation will end. A pending one of which nobody was told is recorded, not told."""
    if not alert.is_open:
        return Step(alert)
    closed = replace(alert, status=Status.CLOSED, ended_at=now)
    told = alert.status is Status.FIRING or alert.told_at is not None
    state = State.CLOSED if told else None
    transition = transition_of(closed, before=alert.status, reason=reason, state=state, at=now, revision=revision)
    return Step(replace(closed, told_at=now if told else None), (transition,))


def rebase(alert: Alert, rule: Rule) -> Alert | None:
    """The alert under its edited rule, its clocks found again by severity; the next transition says it changed.

    None when the rule became one that can hold no such alert (an event, or per position and not): close it then.
    """
    per_position = rule.kind is not RuleKind.HEALTH and bool(rule.each) != bool(alert.key.subject)
    return None if rule.kind is RuleKind.EVENT or per_position else levels.fitted(alert, rule)


def alert_id(key: AlertKey, now: datetime, fetched_at: datetime) -> str:
    """A short name of the episode that begins with this answer: 60 bits, without letters that read like digits."""
    text = "\0".join((key.rule, key.account.venue, key.account.id, key.subject, str(now), str(fetched_at)))
    number = int.from_bytes(hashlib.blake2s(text.encode(), digest_size=8).digest())
    return "".join(_LETTERS[number >> 5 * place & 31] for place in range(_ID_LENGTH))


def _overtaken(alert: Alert, result: Result) -> bool:
    """True when by the venue's own time these numbers are older than those before: of a server that lags behind."""
    if alert.as_of is None or result.as_of is None:
        return False
    return result.as_of < min(alert.as_of, alert.known_at)  # a time that lay ahead of ours was wrong


def _lost_at(rule: Rule, alert: Alert, policy: Policy, *, since: datetime | None) -> datetime | None:
    """When it is told that data are unknown. Never for a data-health alert: it tells of lost data itself."""
    if alert.unknown_told or rule.kind is RuleKind.HEALTH:
        return None
    return (alert.known_at if since is None else max(alert.known_at, since)) + policy.stale_after


def remind_at(rule: Rule, alert: Alert, policy: Policy) -> datetime | None:
    """When it is told again if nothing changes; None for never, or not while it is acknowledged."""
    after = rule.remind_after(alert.reminded)
    if alert.status is not Status.FIRING or after is None or policy.acknowledged or alert.told_at is None:
        return None
    return alert.told_at + after


@dataclass(frozen=True, slots=True)
class _Tick:
    """One alert's turn in a tick."""

    rule: Rule
    now: datetime
    policy: Policy

    def occurred(self, result: Result, occurred: Occurred) -> Step:
        """An event: an alert that is closed as soon as it is made."""
        event = self._new(result, None, already_true=occurred.already_true)
        event = replace(event, status=Status.CLOSED, ended_at=self.now)
        step = self.record(event, Status.INACTIVE, Reason.OCCURRED, State.EVENT)
        (told,) = step.transitions
        return Step(step.alert, (replace(told, differences=occurred.differences),))

    def begin(self, result: Result, known: Known) -> Step:
        """Inactive, and a known result came."""
        timers = levels.run(levels.stopped(self.rule), known, None)
        level = levels.highest_holding(timers)
        if level is None:
            return Step(None)
        alert = self._new(result, known, timers, level, already_true=result.first)
        step = self._fire(alert, Status.INACTIVE)
        return step or self.record(alert, Status.INACTIVE, Reason.BECAME_TRUE, None)

    def observe(self, alert: Alert, result: Result, known: Known) -> Step:
        """Pending or firing, and a known result came."""
        seen = flapping.follow(self.rule, self._seen(alert, result, known))
        if seen.status is Status.FIRING:
            step = self._firing(seen, gone=result.gone)
        else:
            seen = self._counted(seen)
            step = self._pending(seen)
        if step is None and alert.unknown_told and not seen.unknown_told:
            step = self.record(seen, seen.status, Reason.DATA_BACK, State.REMINDER)
            (back,) = step.transitions
            step = Step(step.alert, (replace(back, unknown_since=alert.unknown_since, because=alert.because),))
        if step is None and self.rule.retold and seen.detail != alert.detail:
            step = self.record(seen, seen.status, Reason.OTHER_TROUBLE, State.REMINDER, lapsed=True)
        if step is None and flapping.fired_again(alert, seen):
            step = self.record(seen, seen.status, Reason.FIRED_AGAIN, None)
        return step or Step(seen)

    def lose(self, alert: Alert, unknown: Unknown) -> Step:
        """Pending or firing, and it cannot be said whether it still holds."""
        alert = replace(alert, known=False, unknown_since=alert.known_at, because=unknown.because)
        lost = _lost_at(self.rule, alert, self.policy, since=None)
        return self.tell_unknown(alert) if lost is not None and self.now >= lost else Step(alert)

    def tell_unknown(self, alert: Alert) -> Step:
        """Say once that data are unknown. The time up to the next known result then counts for nothing."""
        because = alert.because or NO_ANSWER
        alert = replace(alert, known=False, unknown_since=alert.known_at, unknown_told=True, because=because)
        return self.record(alert, alert.status, Reason.DATA_LOST, State.UNKNOWN)

    def record(
        self, alert: Alert, before: Status, reason: Reason, state: State | None, *, lapsed: bool = False
    ) -> Step:
        """One transition to the alert as given; what is told becomes what the next is compared with."""
        revision, level = self.rule.revision, self.rule.levels[alert.level]
        transition = transition_of(
            alert,
            before=before,
            reason=reason,
            state=state,
            at=self.now,
            revision=self.policy.revision,
            level=level,
            rule_changed=alert.revision != revision,
        )
        if state is not None:
            alert = replace(
                alert,
                revision=revision,
                told_at=self.now,
                told_value=alert.value,
                reminded=0 if state is State.WORSENED else alert.reminded,
                flaps=flapping.told(alert, level),
            )
        elif alert.revision != revision:
            alert = replace(alert, revision=revision)
        return Step(alert, (transition,), lapsed=lapsed and self.policy.acknowledged)

    def _new(
        self, result: Result, known: Known | None, timers: levels.Timers = (), level: int = 0, *, already_true: bool
    ) -> Alert:
        return Alert(
            alert_id=alert_id(result.key, self.now, result.fetched_at),
            key=result.key,
            title=self.rule.title,
            status=Status.PENDING,
            level=level,
            severity=self.rule.levels[level].severity,
            timers=timers,
            count=1,
            active_at=result.observed_at,
            observed_at=result.observed_at,
            known_at=result.fetched_at,
            as_of=result.as_of,
            started_at=self.now,
            value=None if known is None else known.value,
            already_true=already_true,
            revision=self.rule.revision,
            detail=result.detail,
            flaps=flapping.carried(self.rule, self.policy.before),
        )

    def _seen(self, alert: Alert, result: Result, known: Known) -> Alert:
        # Our own clock was set back: measuring begins anew, or nothing would count until it is as late as before.
        anew = result.fetched_at < alert.known_at
        observed_at = result.observed_at if anew else max(alert.observed_at, result.observed_at)
        elapsed = observed_at - alert.observed_at
        # What is wrong with the data themselves is learnt from cycles, however far apart they end.
        unbroken = self.rule.kind is RuleKind.HEALTH or elapsed <= self.policy.stale_after
        counts = alert.known and unbroken and not anew
        # Decided so late, it says what was, not that data are back; the next would be told as lost again at once.
        late = alert.unknown_told and self.now - result.fetched_at >= self.policy.stale_after
        return replace(
            alert,
            title=self.rule.title,
            timers=levels.run(alert.timers, known, elapsed if counts else None),
            observed_at=observed_at,
            known_at=result.fetched_at,
            as_of=result.as_of,
            known=True,
            unknown_since=result.fetched_at if late else None,
            unknown_told=late,
            because=alert.because if late else "",
            value=known.value,
            detail=result.detail,
        )

    def _counted(self, alert: Alert) -> Alert:
        level = levels.highest_holding(alert.timers)
        if level is None:
            return alert
        return replace(alert, level=level, severity=self.rule.levels[level].severity, count=alert.count + 1)

    def _pending(self, alert: Alert) -> Step | None:
        if levels.highest_holding(alert.timers) is not None:
            return self._fire(alert, Status.PENDING)
        cleared = replace(alert, status=Status.INACTIVE, ended_at=self.now)
        state = None if alert.told_at is None else State.RESOLVED
        return self.record(cleared, Status.PENDING, Reason.PENDING_CLEARED, state)

    def _fire(self, alert: Alert, before: Status) -> Step | None:
        level = levels.highest_held(alert.timers, self.rule.hold)
        if level is None or alert.count < self.rule.count:
            return None
        reason = Reason.ALREADY_TRUE if alert.already_true else Reason.HELD
        severity = self.rule.levels[level].severity
        fired = replace(alert, level=level, severity=severity, status=Status.FIRING, fired_at=self.now)
        fired = replace(fired, flaps=flapping.fired(self.rule, fired))
        return self.record(fired, before, reason, State.FIRING, lapsed=True)

    def _firing(self, alert: Alert, *, gone: bool) -> Step | None:
        rule, status = self.rule, Status.FIRING
        held = levels.highest_held(alert.timers, rule.hold)
        if held is not None and rule.levels[held].severity > alert.severity:
            return self.record(self._at(alert, held), status, Reason.HIGHER_LEVEL, State.WORSENED, lapsed=True)
        kept = levels.highest_kept(alert.timers, alert.level, flapping.clear_for(rule, alert))
        if kept is None and (flaps := flapping.begun(rule, alert)) is not None:
            return self.record(replace(alert, flaps=flaps), status, Reason.FLAPPING, State.REMINDER)
        if kept is None:
            resolved = replace(alert, status=Status.RESOLVED, ended_at=self.now)
            return self.record(resolved, status, Reason.SUBJECT_GONE if gone else Reason.CLEARED, State.RESOLVED)
        if rule.levels[kept].severity < alert.severity and not flapping.seems_good(alert):
            return self.record(self._at(alert, kept), status, Reason.LOWER_LEVEL, State.EASED)
        worse = levels.worse_by(rule.levels[alert.level], alert.value, flapping.to_worsen(alert))
        if worse is not None and rule.worsens_by is not None and worse >= rule.worsens_by:
            return self.record(alert, status, Reason.WORSENED_BY, State.WORSENED, lapsed=True)
        return None

    def _at(self, alert: Alert, level: int) -> Alert:
        return replace(alert, level=level, severity=self.rule.levels[level].severity)
