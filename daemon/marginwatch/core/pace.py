"""How often a venue is asked: faster near a level, slower while nothing can happen. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.core.calendar import Calendar

HOLD: Final = timedelta(minutes=1)
"""A pace is kept for this long after it was last asked for, before a slower one follows."""
CALM: Final = timedelta(minutes=10)
"""After a venue asked for fewer calls it is not asked faster than usual for this long."""
_ROOM: Final = 2
"""A venue is asked again after this many lengths of its latest cycle at the earliest, or at the usual pace."""
_EASE: Final = 3
"""As many lengths must fit before a pace that was slowed down for long cycles becomes faster again."""


class Mood(enum.StrEnum):
    """Which of its paces a venue is asked at."""

    FAST = "fast"
    USUAL = "usual"
    SLOW = "slow"


_ORDER: Final = tuple(Mood)
"""Fastest first."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """The paces the config allows for a venue: `fastest` <= `every` <= `slowest`."""

    every: timedelta
    fastest: timedelta
    slowest: timedelta
    calendar: Calendar | None = None
    """Whose sessions are looked at; None where none is known."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a cycle showed that decides on the pace."""

    hurry: str = ""
    """Why to ask faster, for a person; empty where nothing asks for it."""
    idle: str = ""
    """Why to ask slower, likewise."""
    took: timedelta = timedelta(0)
    """How long the cycle took."""
    limited_at: datetime | None = None
    """When the venue last asked for fewer calls."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace a venue is asked at."""

    mood: Mood
    every: timedelta
    why: str
    """For a person; empty at the usual pace, unless something keeps it from being another."""
    since: datetime
    """When a cycle ended after which it was asked in this way."""
    asked_at: datetime
    """When a pace as fast as this was last asked for."""


def next_pace(pacing: Pacing, before: Pace | None, sight: Sight, now: datetime) -> Pace:
    """The pace after one more cycle: faster at once, slower once that was not asked for during `HOLD`."""
    mood = Mood.FAST if sight.hurry else Mood.SLOW if sight.idle else Mood.USUAL
    why, asked_at = sight.hurry or sight.idle, now
    if before is not None and _ORDER.index(before.mood) < _ORDER.index(mood) and _lately(before.asked_at, now, HOLD):
        mood, why, asked_at = before.mood, before.why, before.asked_at
    if mood is Mood.FAST and limited(sight.limited_at, now):
        mood, why = Mood.USUAL, f"the venue asked for fewer calls at {sight.limited_at:%Y-%m-%d %H:%M:%S} UTC"
    every = _step(pacing, before, sight.took) if mood is Mood.FAST else pacing.every
    if mood is Mood.SLOW:
        every = pacing.slowest
    same = before is not None and (before.mood, before.every) == (mood, every)
    return Pace(mood, every, why, before.since if before is not None and same else now, asked_at)


def limited(limited_at: datetime | None, now: datetime) -> bool:
    """Whether the venue asked for fewer calls so lately that it is to be spared."""
    return limited_at is not None and _lately(limited_at, now, CALM)


def _lately(at: datetime, now: datetime, within: timedelta) -> bool:
    """Also where the clock was set back since: not for as long as it was set back by."""
    return abs(now - at) < within


def _step(pacing: Pacing, before: Pace | None, took: timedelta) -> timedelta:
    """The fastest pace that leaves room for a cycle: `fastest` or, in doublings, slower, up to `every`."""
    every = pacing.fastest
    while every < min(_ROOM * took, pacing.every):
        every *= 2
    if before is not None and before.mood is Mood.FAST and every < min(_EASE * took, before.every):
        every = before.every
    return min(every, pacing.every)
