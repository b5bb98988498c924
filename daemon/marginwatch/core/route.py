"""Who hears of a transition, and why or why not: the receivers, and what is decided of them. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.alert import State
from marginwatch.core.health import RECEIVER_FAILING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.model import Severity
    from marginwatch.core.result import AlertKey


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who is told, as far as deciding goes."""

    name: str
    min_severity: Severity
    fallback: tuple[str, ...] = ()
    """Who hears in its place when it cannot be reached."""
    fallback_after: timedelta = timedelta(0)
    """For how long it must have been failing by then."""


class Why(enum.StrEnum):
    """Why a receiver is told of a transition, or is not."""

    SEVERE_ENOUGH = "severe_enough"
    """Its severity reaches the receiver's `min_severity`."""
    WAS_TOLD = "was_told"
    """The receiver was told of this alert, and what was told is closed."""
    SILENCE_ENDED = "silence_ended"
    """A silence, or anything else, held something back from it and has ended."""
    NOTHING_TO_TELL = "nothing_to_tell"
    """A step that is recorded and told to nobody."""
    TOO_MILD = "too_mild"
    NOT_TOLD_BEFORE = "not_told_before"
    """It ends or eases what the receiver never heard of."""
    ITS_OWN_FAILURE = "its_own_failure"
    """The receiver itself is failing: the others are told."""
    NOT_ROUTED = "not_routed"
    """Routes take the alert to others."""
    ESCALATED = "escalated"
    """Nobody acknowledged in time, and it is called by a step of the route's ladder."""
    NOBODY_ON_DUTY = "nobody_on_duty"
    """It is critical, and by their hours nobody else would hear of it now."""
    FALLBACK = "fallback"
    """It stands in for a receiver that cannot be reached."""

    @property
    def tells(self) -> bool:
        """True for the reasons to tell."""
        return self in _TELLING


ROUSING = frozenset({Why.ESCALATED, Why.NOBODY_ON_DUTY, Why.FALLBACK})
"""Who is told for one of these is told out of its hours, too, of all that becomes of the alert."""
_TELLING = ROUSING | {Why.SEVERE_ENOUGH, Why.WAS_TOLD, Why.SILENCE_ENDED}
_CLOSING = frozenset({State.EASED, State.RESOLVED, State.CLOSED})
_STANDING = frozenset({State.REMINDER, State.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one receiver is to hear of one transition."""

    why: Why
    until: datetime | None = None
    """Where `why` tells: held back until then. None: told at once."""
    route: str = ""
    """The route whose hours it waits for."""

    @property
    def hears_now(self) -> bool:
        """True when it is told at once."""
        return self.why.tells and self.until is None

    @property
    def hears_later(self) -> bool:
        """True when it is told when some hours begin."""
        return self.why.tells and self.until is not None


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
    because: str = ""
    """More of why, as half a sentence: which receiver it stands in for."""


@dataclass(frozen=True, slots=True)
class Routed:
    """Who is told what."""

    notices: tuple[Notice, ...] = ()
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    """By alert_id, those of which somebody is told now, with their `told` counts raised."""
    transitions: tuple[Transition, ...] = ()
    """New ones, to be stored: what the end of a silence, or of anything else that held back, told of."""


def decide(transition: Transition, receiver: Receiver, alert: Alert) -> Why:
    """Whether a receiver hears of an alert's transition, routes, hours and silences aside."""
    told = alert.told.get(receiver.name, 0)
    if transition.state is None:
        return Why.NOTHING_TO_TELL
    if concerns(transition.key, receiver.name):
        return Why.ITS_OWN_FAILURE
    if transition.state in _CLOSING:
        return Why.WAS_TOLD if told else Why.NOT_TOLD_BEFORE
    if transition.state in _STANDING and told:
        return Why.WAS_TOLD
    return Why.SEVERE_ENOUGH if transition.severity >= receiver.min_severity else Why.TOO_MILD


def concerns(key: AlertKey, receiver: str) -> bool:
    """Whether the alert says that the receiver of this name cannot be reached: then the others are to hear of it."""
    return key.rule == RECEIVER_FAILING and key.subject == receiver
