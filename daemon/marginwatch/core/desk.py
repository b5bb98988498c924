"""Where one tick's notices are made, what is held back is noted, and who was told is counted. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.hold import HoldKind, kind_of
from marginwatch.core.route import ROUSING, Notice, Routed, Why, concerns
from marginwatch.core.state import Withheld

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.audience import Audience
    from marginwatch.core.hold import Hold, Holds
    from marginwatch.core.withheld import Rows

ENDINGS = frozenset({State.RESOLVED, State.CLOSED, State.EVENT})
_MOVES = frozenset({State.WORSENED, State.EASED})


class Desk:
    """Counts who was told while one tick's notices are made."""

    def __init__(self, alerts: Mapping[str, Alert], audience: Audience, holds: Holds, rows: Rows) -> None:
        self.alerts = alerts
        self.audience = audience
        self.holds = holds
        self.rows = rows
        self.changed: dict[str, Alert] = {}
        self.notices: list[Notice] = []
        self.transitions: list[Transition] = []

    def routed(self) -> Routed:
        """Everything decided so far."""
        return Routed(tuple(self.notices), self.changed, tuple(self.transitions))

    def tell(self, transition: Transition) -> None:
        """Tell those who are to hear of it now, and keep it for those who are to hear of it later."""
        alert = self.alert(transition.alert_id)
        hearing: list[tuple[str, Why]] = []
        later: dict[Hold, list[str]] = {}
        for name, verdict in self.audience.verdicts(transition, alert).items():
            if not verdict.why.tells:
                continue
            hold = self.holds.on(transition, name, verdict, self.changed)
            if hold is None or self._moot(transition, name):
                hearing.append((name, verdict.why))
            else:
                later.setdefault(hold, []).append(name)
        heard = {name for name, _ in hearing}
        for wording, names in self._past_what_waits(transition, alert, hearing) if hearing else ():
            alert = self.changed[alert.alert_id] = self.notify(wording, alert, names, heard)
        for hold, held in later.items():
            missing = tuple(name for name in held if name not in heard)
            if missing:
                self.rows.add(Withheld(transition, alert, hold.id, missing, hold.until))

    def alert(self, alert_id: str) -> Alert:
        """The alert, with the counts raised so far."""
        return self.changed.get(alert_id) or self.alerts[alert_id]

    def notify(
        self, transition: Transition, alert: Alert, hearing: Iterable[tuple[str, Why]], heard: set[str]
    ) -> Alert:
        """The alert with its counts raised; who cannot be reached is told, and so is who stands in for it.

        `heard` are those who hear of the same by themselves; who stands in is told once, and added to them.
        """
        told = dict(hearing)
        for name, why in told.items():
            alert = self._tell(transition, alert, name, why)
        stand_ins = dict(found for name in told for found in self.audience.stand_ins.get(name, {}).items())
        for name, because in stand_ins.items():
            if name not in told and name not in heard and not concerns(transition.key, name):
                alert = self._stand_in(transition, alert, name, because)
                heard.add(name)
        return alert

    def pass_on(self, transition: Transition, alert: Alert, hearing: Mapping[str, str]) -> None:
        """Tell those who stand in for another what that one missed; `hearing` says for each why."""
        self.alerts = {**self.alerts, alert.alert_id: alert}
        alert = self.alert(alert.alert_id)
        for name, because in hearing.items():
            alert = self._stand_in(transition, alert, name, because)
        self.keep(alert)

    def keep(self, alert: Alert) -> None:
        """Note who was told of the alert, and beside an end that others are to hear of later, too."""
        self.changed[alert.alert_id] = alert
        left = self.rows.of(alert.alert_id)
        if any(row.transition.state in ENDINGS for row in left):
            ended = [replace(row, alert=alert) if row.transition.state in ENDINGS else row for row in left]
            self.rows.put(alert.alert_id, ended)

    def _stand_in(self, transition: Transition, alert: Alert, name: str, because: str) -> Alert:
        """Told in another's place how it stands: what it would have heard of that later has come."""
        behind = self.rows.of(alert.alert_id)
        if any(name in row.receivers for row in behind):
            self.rows.put(alert.alert_id, without(behind, {name}))
        elif transition.reason is Reason.ESCALATED and name in alert.told:
            transition = replace(transition, state=State.REMINDER)  # that it fires is news to the one called alone
        return self._tell(transition, alert, name, Why.FALLBACK, because)

    def _tell(self, transition: Transition, alert: Alert, name: str, why: Why, because: str = "") -> Alert:
        number = alert.told.get(name, 0) + 1
        known = name in alert.roused or why not in ROUSING
        roused = alert.roused if known else (*alert.roused, name)
        alert = replace(alert, told={**alert.told, name: number}, roused=roused)
        self.notices.append(Notice(transition, alert, name, number, why, because))
        return alert

    def _moot(self, transition: Transition, receiver: str) -> bool:
        """That data are back is no news to who was not told that they were lost."""
        if transition.reason is not Reason.DATA_BACK:
            return False
        missed = [row for row in self.rows.of(transition.alert_id) if receiver in row.receivers]
        return bool(missed) and _of_outage(missed)

    def _past_what_waits(
        self, transition: Transition, alert: Alert, hearing: Sequence[tuple[str, Why]]
    ) -> list[tuple[Transition, list[tuple[str, Why]]]]:
        """What each is told: who has missed something of the alert hears at once how it stands, and no more of that."""
        behind = self.rows.of(transition.alert_id)
        if not behind:
            return [(transition, list(hearing))]
        states: dict[State | None, list[tuple[str, Why]]] = {}
        passed: set[str] = set()
        for name, why in hearing:
            missed = [row for row in behind if name in row.receivers]
            state = _state_past(transition, alert, missed, told=name in alert.told)
            states.setdefault(state, []).append((name, why))
            if missed and not _still_unknown(transition, missed):
                passed.add(name)
        if passed:
            self.rows.put(transition.alert_id, without(behind, passed))
        return [
            (transition if state is transition.state else replace(transition, state=state), names)
            for state, names in states.items()
            if state is not None
        ]


def state_now(alert: Alert, missed: Sequence[Withheld], *, told: bool) -> State | None:
    """What one receiver is to hear of an open alert of which it missed something; None: nothing is true to tell."""
    if _of_outage(missed):
        return State.UNKNOWN if alert.unknown_told else None
    return _state_after(alert, [row.transition.state for row in missed], told=told)


def without(rows: Iterable[Withheld], names: Iterable[str]) -> list[Withheld]:
    """The rows, as if they had never waited for these receivers."""
    gone = frozenset(names)
    left = (replace(row, receivers=tuple(name for name in row.receivers if name not in gone)) for row in rows)
    return [row for row in left if row.receivers]


def _state_past(transition: Transition, alert: Alert, missed: Sequence[Withheld], *, told: bool) -> State | None:
    """What one receiver is told of a transition that nothing holds back from it."""
    if not missed or transition.state in ENDINGS:
        return transition.state
    if _of_outage(missed):
        return None if transition.reason is Reason.DATA_BACK else transition.state
    return _state_after(alert, [*(row.transition.state for row in missed), transition.state], told=told)


def _still_unknown(transition: Transition, missed: Sequence[Withheld]) -> bool:
    return _of_outage(missed) and transition.state is State.REMINDER and transition.reason is not Reason.DATA_BACK


def _of_outage(missed: Iterable[Withheld]) -> bool:
    return all(kind_of(row.hold) is HoldKind.OUTAGE for row in missed)


def _state_after(alert: Alert, missed: Sequence[State | None], *, told: bool) -> State | None:
    if alert.status is Status.PENDING:
        lost = State.UNKNOWN if alert.unknown_told else None
        return State.REMINDER if told and lost is None else lost
    if not told or State.FIRING in missed:
        return State.FIRING
    moves = [state for state in missed if state in _MOVES]
    return moves[-1] if moves else missed[-1]
