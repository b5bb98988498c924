"""Who is told of which transition, and why or why not; what a silence holds back, and what its end brings. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from marginwatch.core.alert import Alert, Reason, State, Status, Transition
from marginwatch.core.health import RECEIVER_FAILING
from marginwatch.core.state import Withheld
from marginwatch.core.transition import transition_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Silence
    from marginwatch.core.model import AccountKey, Severity
    from marginwatch.core.result import AlertKey


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who is told, as far as deciding goes."""

    name: str
    min_severity: Severity


class Why(enum.StrEnum):
    """Why a receiver is told of a transition, or is not."""

    SEVERE_ENOUGH = "severe_enough"
    """Its severity reaches the receiver's `min_severity`."""
    WAS_TOLD = "was_told"
    """The receiver was told of this alert, and what was told is closed."""
    SILENCE_ENDED = "silence_ended"
    """A silence held something back from it and has ended."""
    NOTHING_TO_TELL = "nothing_to_tell"
    """A step that is recorded and told to nobody."""
    TOO_MILD = "too_mild"
    NOT_TOLD_BEFORE = "not_told_before"
    """It ends or eases what the receiver never heard of."""
    ITS_OWN_FAILURE = "its_own_failure"
    """The receiver itself is failing: the others are told."""

    @property
    def tells(self) -> bool:
        """True for the reasons to tell."""
        return self in _TELLING


_TELLING = frozenset({Why.SEVERE_ENOUGH, Why.WAS_TOLD, Why.SILENCE_ENDED})
_CLOSING = frozenset({State.EASED, State.RESOLVED, State.CLOSED})
_ENDINGS = frozenset({State.RESOLVED, State.CLOSED, State.EVENT})
_STANDING = frozenset({State.REMINDER, State.UNKNOWN})
_MOVES = frozenset({State.WORSENED, State.EASED})


@dataclass(frozen=True, slots=True)
class Notice:
    """One receiver is to be told of one transition."""

    transition: Transition
    alert: Alert
    """As it is at the end of the tick, this notice counted."""
    receiver: str
    number: int
    """Counts from 1 within (alert, receiver)."""
    why: Why


@dataclass(frozen=True, slots=True)
class Routed:
    """Who is told what."""

    notices: tuple[Notice, ...] = ()
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    """By alert_id, those of which somebody is told now, with their `told` counts raised."""
    withheld: tuple[Withheld, ...] = ()
    transitions: tuple[Transition, ...] = ()
    """New ones, to be stored: what the end of a silence told of."""


def decide(transition: Transition, receiver: Receiver, told: int) -> Why:
    """Whether a receiver that was told `told` times of this alert hears of its transition, silences aside."""
    if transition.state is None:
        return Why.NOTHING_TO_TELL
    if transition.key.rule == RECEIVER_FAILING and transition.key.subject == receiver.name:
        return Why.ITS_OWN_FAILURE
    if transition.state in _CLOSING:
        return Why.WAS_TOLD if told else Why.NOT_TOLD_BEFORE
    if transition.state in _STANDING and told:
        return Why.WAS_TOLD
    return Why.SEVERE_ENOUGH if transition.severity >= receiver.min_severity else Why.TOO_MILD


def silence_of(
    key: AlertKey, silences: Iterable[Silence], names: Mapping[AccountKey, str], now: datetime
) -> Silence | None:
    """The silence that holds back an alert's messages now, the longest of several; None when none does.

    `names` gives the accounts' names, which a silence may mean as well as their ids.
    """
    known_as = (key.account.id, names.get(key.account, key.account.id))
    covering = (
        silence
        for silence in silences
        if silence.covers(now)
        and fnmatchcase(key.rule, silence.rule)
        and fnmatchcase(key.account.venue, silence.venue)
        and any(fnmatchcase(name, silence.account) for name in known_as)
    )
    return max(covering, key=lambda silence: (silence.ends_at, silence.id), default=None)


def route(
    transitions: Iterable[Transition],
    alerts: Mapping[str, Alert],
    *,
    receivers: Sequence[Receiver],
    silences: Collection[Silence],
    names: Mapping[AccountKey, str],
    now: datetime,
) -> Routed:
    """Who is told of the tick's transitions.

    `alerts` holds every alert the transitions belong to, those that ended in this tick included, by alert_id.
    """
    desk = _Desk(alerts, receivers)
    for transition in transitions:
        silence = silence_of(transition.key, silences, names, now) if transition.state else None
        if silence is None:
            desk.tell(transition)
        else:
            desk.hold_back(transition, silence)
    return desk.routed()


def settle(
    ended: Collection[int],
    withheld: Sequence[Withheld],
    alerts: Mapping[str, Alert],
    *,
    receivers: Sequence[Receiver],
    silences: Collection[Silence],
    names: Mapping[AccountKey, str],
    now: datetime,
    revision: str,
) -> Routed:
    """What the end of silences brings: what is still true goes out once, what ended is closed where it was told.

    `ended` are the ids of the silences that are over, `withheld` every message held back so far, `alerts` the open
    ones by alert_id. To be called before the tick's own results are taken. What another silence covers stays
    withheld under that one.
    """
    desk = _Desk(alerts, receivers)
    still = [silence for silence in silences if silence.id not in ended]
    for rows in _by_alert(row for row in withheld if row.silence in ended).values():
        silence = silence_of(rows[0].transition.key, still, names, now)
        if silence is not None:
            desk.withheld.extend(replace(row, silence=silence.id) for row in rows)
        elif rows[0].transition.alert_id in alerts:
            desk.catch_up(rows, now, revision)
        else:
            desk.wind_up(rows[-1])
    return desk.routed()


def _by_alert(rows: Iterable[Withheld]) -> dict[str, list[Withheld]]:
    """By alert_id, oldest first."""
    found: dict[str, list[Withheld]] = {}
    for row in sorted(rows, key=lambda row: row.transition.at):
        found.setdefault(row.transition.alert_id, []).append(row)
    return found


def _state_now(alert: Alert, missed: Sequence[State | None], *, told: bool) -> State | None:
    """What one receiver is to hear of an open alert at the end of a silence; None: nothing is true to tell."""
    if alert.status is Status.PENDING:
        lost = State.UNKNOWN if alert.unknown_told else None
        return State.REMINDER if told and lost is None else lost
    if not told or State.FIRING in missed:
        return State.FIRING
    moves = [state for state in missed if state in _MOVES]
    return moves[-1] if moves else missed[-1]


def _standing(alert: Alert, rows: Sequence[Withheld], state: State, now: datetime, revision: str) -> Transition:
    """A transition that tells how an open alert stands; its limit is the one it last met at this level."""
    standing = transition_of(
        alert, before=alert.status, reason=Reason.SILENCE_ENDED, state=state, at=now, revision=revision
    )
    met = [row.transition for row in rows if row.transition.severity is alert.severity]
    return replace(standing, limit=met[-1].limit, operator=met[-1].operator) if met else standing


class _Desk:
    """Counts who was told while one tick's notices are made."""

    def __init__(self, alerts: Mapping[str, Alert], receivers: Sequence[Receiver]) -> None:
        self.alerts = alerts
        self.receivers = receivers
        self.changed: dict[str, Alert] = {}
        self.notices: list[Notice] = []
        self.withheld: list[Withheld] = []
        self.transitions: list[Transition] = []

    def routed(self) -> Routed:
        """Everything decided so far."""
        return Routed(tuple(self.notices), self.changed, tuple(self.withheld), tuple(self.transitions))

    def tell(self, transition: Transition) -> None:
        """Tell whoever is to hear of it."""
        hearing = self._hearing(transition)
        if hearing:
            self.changed[transition.alert_id] = self._notify(transition, self._alert(transition.alert_id), hearing)

    def hold_back(self, transition: Transition, silence: Silence) -> None:
        """Keep it for the silence's end, even when nobody would hear of it: it says how the alert stands."""
        names = tuple(receiver for receiver, _ in self._hearing(transition))
        self.withheld.append(Withheld(transition, self._alert(transition.alert_id), silence.id, names))

    def catch_up(self, rows: Sequence[Withheld], now: datetime, revision: str) -> None:
        """Tell once how an open alert stands, each receiver according to what it missed.

        Who never heard of it and asked for worse than it is by now has missed nothing that is still true.
        """
        alert = self._alert(rows[0].transition.alert_id)
        hearing: dict[State, list[tuple[str, Why]]] = {}
        for receiver in self.receivers:
            missed = [row.transition.state for row in rows if receiver.name in row.receivers]
            told = receiver.name in alert.told
            heeds = told or alert.severity >= receiver.min_severity
            state = _state_now(alert, missed, told=told) if missed and heeds else None
            if state is not None:
                hearing.setdefault(state, []).append((receiver.name, Why.SILENCE_ENDED))
        current = replace(alert, told_at=now, told_value=alert.value)
        for state, names in hearing.items():
            standing = _standing(alert, rows, state, now, revision)
            self.transitions.append(standing)
            current = self.changed[alert.alert_id] = self._notify(standing, current, names)

    def wind_up(self, last: Withheld) -> None:
        """Tell of an event, or of the end of an alert that is over, whoever would have heard of it then.

        Where the last message held back is neither, the end was told already.
        """
        if last.transition.state in _ENDINGS:
            names = [receiver.name for receiver in self.receivers if receiver.name in last.receivers]
            self._notify(last.transition, last.alert, [(name, Why.SILENCE_ENDED) for name in names])

    def _alert(self, alert_id: str) -> Alert:
        return self.changed.get(alert_id) or self.alerts[alert_id]

    def _hearing(self, transition: Transition) -> list[tuple[str, Why]]:
        told = self._alert(transition.alert_id).told
        verdicts = ((each.name, decide(transition, each, told.get(each.name, 0))) for each in self.receivers)
        return [(name, why) for name, why in verdicts if why.tells]

    def _notify(self, transition: Transition, alert: Alert, hearing: Iterable[tuple[str, Why]]) -> Alert:
        """The alert with its counts raised."""
        for name, why in hearing:
            number = alert.told.get(name, 0) + 1
            alert = replace(alert, told={**alert.told, name: number})
            self.notices.append(Notice(transition, alert, name, number, why))
        return alert
