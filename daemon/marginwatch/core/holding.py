"""What is held back, and what the end of a hold brings. Pure.

a transition    -> told to who is to hear of it, but for those for whom something holds it back
the end of it   -> what is still true goes out once, what ended is closed where it was told, events go out
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from marginwatch.core.alert import Reason, State
from marginwatch.core.desk import ENDINGS, Desk, state_now
from marginwatch.core.health import explains
from marginwatch.core.hold import Hold, HoldKind, kind_of
from marginwatch.core.route import ROUSING, Why
from marginwatch.core.transition import transition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.audience import Audience
    from marginwatch.core.hold import Holds
    from marginwatch.core.route import Routed, Verdict
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import Withheld
    from marginwatch.core.withheld import Rows

_ENDED: Final[Mapping[HoldKind, Reason]] = {
    HoldKind.SILENCE: Reason.SILENCE_ENDED,
    HoldKind.MAINTENANCE: Reason.MAINTENANCE_ENDED,
    HoldKind.QUIET: Reason.QUIET_ENDED,
    HoldKind.HOURS: Reason.HOURS_BEGAN,
    HoldKind.OUTAGE: Reason.STILL_UNKNOWN,
}


def route(
    transitions: Iterable[Transition], alerts: Mapping[str, Alert], *, audience: Audience, holds: Holds, rows: Rows
) -> Routed:
    """Who is told of the tick's transitions; what is held back is added to `rows`.

    `alerts` holds every alert the transitions belong to, those that ended in this tick included, by alert_id.
    """
    desk = Desk(alerts, audience, holds, rows)
    told = [transition for transition in transitions if transition.state is not None]
    # What explains the others comes first: who is told of it hears less of them.
    for transition in sorted(told, key=lambda each: not explains(each.key, each.severity)):
        desk.tell(transition)
    return desk.routed()


def settle(
    due: Iterable[str],
    alerts: Mapping[str, Alert],
    rules: Mapping[str, Rule],
    *,
    desk: Desk,
    revision: str,
) -> Routed:
    """What the end of holds brings: what nothing holds back any more goes out, the rest waits on.

    `due` are ids of alerts of which something is held back, `alerts` the open ones among them. To be called before
    the tick's own results are taken.
    """
    for alert_id in due:
        alert = alerts.get(alert_id)
        if alert is None:
            _wind_up(desk, alert_id)
        else:
            _catch_up(desk, alert, rules.get(alert.key.rule), revision)
    return desk.routed()


def free(outage: str, alerts: Iterable[str], rows: Rows, until: datetime) -> None:
    """The alert `outage` has ended: look again at `until` at what it held back, for data come back one by one."""
    over = Hold(HoldKind.OUTAGE, outage, None).id
    for alert_id in alerts:
        behind = rows.of(alert_id)
        if any(row.hold == over for row in behind):
            rows.put(alert_id, [replace(row, until=until) if row.hold == over else row for row in behind])


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of what one receiver missed of one alert."""

    receiver: str
    missed: Sequence[Withheld]
    told: Transition | None = None
    """What it is told; None: nothing, now or ever."""
    why: Why = Why.SILENCE_ENDED
    hold: Hold | None = None
    """What holds it back still."""


def _catch_up(desk: Desk, alert: Alert, rule: Rule | None, revision: str) -> None:
    """Tell once how an open alert stands, each receiver according to what it missed.

    Who never heard of it and is by now not to hear of it, being milder, has missed nothing that is still true.
    """
    standing = _Standing(desk, alert, rule, revision)
    held = desk.rows.of(alert.alert_id)
    fates = [_fate(desk, alert, name, missed, standing) for name, missed in _missed(held)]
    _keep(desk, alert.alert_id, fates)
    hearing: dict[tuple[State | None, Reason], list[tuple[str, Why]]] = {}
    for fate in fates:
        if fate.told is not None and fate.hold is None:
            hearing.setdefault((fate.told.state, fate.told.reason), []).append((fate.receiver, fate.why))
    names = {name for group in hearing.values() for name, _ in group}
    current = alert
    there = {receiver.name for receiver in desk.audience.receivers}
    # Reminders go on at their pace where others were told in time, or where all it waited for was to see an outage.
    long = any(kind_of(row.hold) is not HoldKind.OUTAGE for row in held)
    if names and long and alert.told.keys() & there <= names:
        current = replace(alert, told_at=desk.audience.now, told_value=alert.value)
    for (state, reason), group in hearing.items():
        step = standing.of(state, reason)
        desk.transitions.append(step)
        names |= _knowing(desk, alert, standing.verdicts(state, reason))
        current = desk.changed[alert.alert_id] = desk.notify(step, current, group, names)


def _knowing(desk: Desk, alert: Alert, verdicts: Mapping[str, Verdict]) -> set[str]:
    """Who was told of the alert and nothing of it was held back from: nobody needs to tell it in another's place."""
    waiting = {name for row in desk.rows.of(alert.alert_id) for name in row.receivers}
    told = alert.told.keys() - waiting
    return {name for name in told if name in verdicts and verdicts[name].why.tells}


class _Standing:
    """Transitions that tell how an open alert stands, and what the receivers are to hear of them."""

    def __init__(self, desk: Desk, alert: Alert, rule: Rule | None, revision: str) -> None:
        self._desk = desk
        self._alert = alert
        self._level = None if rule is None or alert.level >= len(rule.levels) else rule.levels[alert.level]
        self._revision = revision
        self._made: dict[tuple[State | None, Reason], Transition] = {}
        self._verdicts: dict[tuple[State | None, Reason], Mapping[str, Verdict]] = {}

    def of(self, state: State | None, reason: Reason) -> Transition:
        """The transition of that state."""
        key = (state, reason)
        if key not in self._made:
            self._made[key] = transition_of(
                self._alert,
                before=self._alert.status,
                reason=reason,
                state=state,
                at=self._desk.audience.now,
                revision=self._revision,
                level=self._level,
            )
        return self._made[key]

    def verdicts(self, state: State | None, reason: Reason) -> Mapping[str, Verdict]:
        """What each receiver is to hear of it."""
        key = (state, reason)
        if key not in self._verdicts:
            self._verdicts[key] = self._desk.audience.verdicts(self.of(state, reason), self._alert)
        return self._verdicts[key]


def _fate(desk: Desk, alert: Alert, receiver: str, missed: Sequence[Withheld], standing: _Standing) -> _Fate:
    told = receiver in alert.told
    state, reason = state_now(alert, missed, told=told), _ended(desk, alert, missed[-1])
    verdict = None if state is None else standing.verdicts(state, reason).get(receiver)
    if verdict is None or not (told or verdict.why.tells):
        return _Fate(receiver, missed)
    step = standing.of(state, reason)
    why = verdict.why if verdict.why in ROUSING else Why.SILENCE_ENDED
    hold = desk.holds.still(step, receiver, verdict) or _afterwards(missed, desk.audience.now)
    return _Fate(receiver, missed, step, why, hold)


def _ended(desk: Desk, alert: Alert, last: Withheld) -> Reason:
    """Why it is told now; an outage that goes on, and that the receiver was not told of, explains nothing to it."""
    kind = kind_of(last.hold)
    goes_on = kind is HoldKind.OUTAGE and any(desk.holds.outages(alert.key.account))
    return Reason.DATA_LOST if goes_on else _ENDED[kind]


def _afterwards(missed: Sequence[Withheld], now: datetime) -> Hold | None:
    """The venue is back, or failed, and has not for long enough to say anything of the account."""
    last = missed[-1]
    waits = kind_of(last.hold) is HoldKind.OUTAGE and last.until is not None and now < last.until
    return Hold(HoldKind.OUTAGE, last.hold.partition(":")[2], last.until) if waits else None


def _wind_up(desk: Desk, alert_id: str) -> None:
    """Tell of an event, or of the end of an alert that is over, whoever would have heard of it then.

    Where the last that one missed is neither, its end was told already, or is none to it.
    """
    rows = desk.rows.of(alert_id)
    fates = [_last(desk, name, missed) for name, missed in _missed(rows)]
    _keep(desk, alert_id, fates)
    hearing = [fate.receiver for fate in fates if fate.told is not None and fate.hold is None]
    end = next((row for row in rows if row.transition.state in ENDINGS), None)
    if end is None or not hearing:
        return
    heard = {*end.alert.told, *(fate.receiver for fate in fates if fate.told is not None)}
    told = [(name, Why.SILENCE_ENDED) for name in hearing]
    desk.keep(desk.notify(end.transition, end.alert, told, heard))


def _last(desk: Desk, receiver: str, missed: Sequence[Withheld]) -> _Fate:
    last = missed[-1]
    verdict = desk.audience.verdicts(last.transition, last.alert).get(receiver)
    if verdict is None or last.transition.state not in ENDINGS:
        return _Fate(receiver, missed)
    return _Fate(receiver, missed, last.transition, hold=desk.holds.still(last.transition, receiver, verdict))


def _missed(rows: Sequence[Withheld]) -> Iterator[tuple[str, list[Withheld]]]:
    """Receiver by receiver what it missed, oldest first."""
    for name in dict.fromkeys(name for row in rows for name in row.receivers):
        yield name, [row for row in rows if name in row.receivers]


def _keep(desk: Desk, alert_id: str, fates: Sequence[_Fate]) -> None:
    """Of the alert's rows keep what is held back still, by what holds it back now."""
    holds = {fate.receiver: fate.hold for fate in fates if fate.hold is not None}
    before = desk.rows.of(alert_id)
    after = [row for each in before for row in _moved(each, holds)]
    if after != list(before):
        desk.rows.put(alert_id, after)


def _moved(row: Withheld, holds: Mapping[str, Hold]) -> Iterator[Withheld]:
    found: dict[Hold, list[str]] = {}
    for name in row.receivers:
        if name in holds:
            found.setdefault(holds[name], []).append(name)
    for hold, names in found.items():
        yield replace(row, hold=hold.id, until=hold.until, receivers=tuple(names))
