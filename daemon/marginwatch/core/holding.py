"""What a silence holds back, and what its end brings. Pure."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.desk import Desk
from marginwatch.core.route import Why
from marginwatch.core.transition import transition_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert, Silence, Transition
    from marginwatch.core.audience import Audience
    from marginwatch.core.model import AccountKey
    from marginwatch.core.result import AlertKey
    from marginwatch.core.route import Routed
    from marginwatch.core.state import Withheld

_ENDINGS = frozenset({State.RESOLVED, State.CLOSED, State.EVENT})
_MOVES = frozenset({State.WORSENED, State.EASED})


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
    audience: Audience,
    silences: Collection[Silence],
) -> Routed:
    """Who is told of the tick's transitions.

    `alerts` holds every alert the transitions belong to, those that ended in this tick included, by alert_id.
    """
    desk = Desk(alerts, audience)
    for transition in transitions:
        silence = silence_of(transition.key, silences, audience.names, audience.now) if transition.state else None
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
    audience: Audience,
    silences: Collection[Silence],
    revision: str,
) -> Routed:
    """What the end of silences brings: what is still true goes out once, what ended is closed where it was told.

    `ended` are the ids of the silences that are over, `withheld` every message held back so far, `alerts` the open
    ones by alert_id. To be called before the tick's own results are taken. What another silence covers stays
    withheld under that one.
    """
    desk = Desk(alerts, audience)
    still = [silence for silence in silences if silence.id not in ended]
    for rows in _by_alert(row for row in withheld if row.silence in ended).values():
        silence = silence_of(rows[0].transition.key, still, audience.names, audience.now)
        if silence is not None:
            desk.withheld.extend(replace(row, silence=silence.id) for row in rows)
        elif rows[0].transition.alert_id in alerts:
            _catch_up(desk, rows, audience.now, revision)
        else:
            _wind_up(desk, rows[-1])
    return desk.routed()


def _by_alert(rows: Iterable[Withheld]) -> dict[str, list[Withheld]]:
    """By alert_id, oldest first."""
    found: dict[str, list[Withheld]] = {}
    for row in sorted(rows, key=lambda row: row.transition.at):
        found.setdefault(row.transition.alert_id, []).append(row)
    return found


def _catch_up(desk: Desk, rows: Sequence[Withheld], now: datetime, revision: str) -> None:
    """Tell once how an open alert stands, each receiver according to what it missed.

    Who never heard of it and asked for worse than it is by now has missed nothing that is still true.
    """
    alert = desk.alert(rows[0].transition.alert_id)
    hearing: dict[State, list[tuple[str, Why]]] = {}
    for receiver in desk.audience.receivers:
        missed = [row.transition.state for row in rows if receiver.name in row.receivers]
        told = receiver.name in alert.told
        heeds = told or alert.severity >= receiver.min_severity
        state = _state_now(alert, missed, told=told) if missed and heeds else None
        if state is not None:
            hearing.setdefault(state, []).append((receiver.name, Why.SILENCE_ENDED))
    current = replace(alert, told_at=now, told_value=alert.value)
    for state, names in hearing.items():
        standing = _standing(alert, rows, state, now, revision)
        desk.transitions.append(standing)
        current = desk.changed[alert.alert_id] = desk.notify(standing, current, names)


def _wind_up(desk: Desk, last: Withheld) -> None:
    """Tell of an event, or of the end of an alert that is over, whoever would have heard of it then.

    Where the last message held back is neither, the end was told already.
    """
    if last.transition.state in _ENDINGS:
        names = [receiver.name for receiver in desk.audience.receivers if receiver.name in last.receivers]
        desk.notify(last.transition, last.alert, [(name, Why.SILENCE_ENDED) for name in names])


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
