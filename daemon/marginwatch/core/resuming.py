"""Going on with what is remembered: after a restart, after a time in which nobody watched, and by other rules. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core import engine
from marginwatch.core.state import Absence

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.core.engine import Decision
    from marginwatch.core.memory import Memory
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.seeding import Seeding


def resume(memory: Memory, ruling: Ruling, now: datetime) -> Decision:
    """Take up what was remembered: set every timer, and close what the ruling no longer covers."""
    memory.watching_since = _watching_since(memory, ruling, now)
    engine.time_all(memory, ruling, now)
    return engine.start(memory, ruling, now)


def absent(memory: Memory, now: datetime) -> Absence | None:
    """The time in which nobody watched, for a memory that was just resumed; None after a short restart."""
    ends = [state.last_cycle_at for state in memory.venues.values() if state.last_cycle_at is not None]
    return Absence(max(ends), now) if ends and memory.watching_since == now else None


def reload(memory: Memory, ruling: Ruling, now: datetime, prepared: Seeding) -> Decision:
    """Go on by another ruling, between two ticks: what both have in common goes on as if nothing had happened.

    What the new one no longer covers is closed, the windows of time that it alone asks for are `prepared`, and every
    timer is set anew.
    """
    decision = engine.start(memory, ruling, now)
    prepared.finish()
    engine.time_all(memory, ruling, now)
    return decision


def _watching_since(memory: Memory, ruling: Ruling, now: datetime) -> datetime | None:
    """None after a short restart, which must change nothing; `now` when nobody looked for longer than that."""
    ends = [state.last_cycle_at for state in memory.venues.values() if state.last_cycle_at is not None]
    bounds = [watch.stale_after for watch in ruling.venues.values()]
    return None if ends and bounds and now - max(ends) < min(bounds) else now
