"""The clocks of a rule's levels, and which level they speak for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.alert import LevelTimer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from marginwatch.core.alert import Alert
    from marginwatch.core.result import Known
    from marginwatch.core.rule import Level, Rule

_ZERO = timedelta(0)

Timers = tuple[LevelTimer, ...]
"""One a level, mildest first."""


def stopped(rule: Rule) -> Timers:
    """The clocks of the rule's levels, none of them running."""
    return tuple(LevelTimer(level.severity) for level in rule.levels)


def run(timers: Timers, known: Known, elapsed: timedelta | None) -> Timers:
    """The clocks after a known result.

    `elapsed` is the observation time since the known result before it, None when that time does not count: then
    what is held keeps its total and what is clear starts again.
    """
    return tuple(
        LevelTimer(timer.severity, _held(timer, elapsed) if held else None, None if kept else _clear(timer, elapsed))
        for timer, held, kept in zip(timers, known.held, known.kept, strict=True)
    )


def highest_holding(timers: Timers) -> int | None:
    """The highest level whose comparison holds now, None when none does."""
    return _last(index for index, timer in enumerate(timers) if timer.held is not None)


def highest_held(timers: Timers, hold: timedelta) -> int | None:
    """The highest level that has held for `hold`, None when none has."""
    return _last(index for index, timer in enumerate(timers) if timer.held is not None and timer.held >= hold)


def highest_kept(timers: Timers, top: int, clear_for: timedelta) -> int | None:
    """The highest level up to `top` that has not been clear for `clear_for`, None when all have."""
    return _last(
        index for index, timer in enumerate(timers[: top + 1]) if timer.clear is None or timer.clear < clear_for
    )


def worse_by(level: Level, value: Decimal | None, told: Decimal | None) -> Decimal | None:
    """How much worse than told the value is in the level's direction; None where that has no meaning."""
    if value is None or told is None or not level.operator:
        return None
    return value - told if level.operator.startswith(">") else told - value


def fitted(alert: Alert, rule: Rule) -> Alert:
    """The alert on the rule's levels, which an edit may have changed: clocks are found again by severity.

    An alert whose own level is gone goes to the next milder one, or else to the mildest; what was told of it, its
    severity, stays until the next known result.
    """
    if [timer.severity for timer in alert.timers] == [level.severity for level in rule.levels]:
        return alert
    running = {timer.severity: timer for timer in alert.timers}
    milder = _last(index for index, level in enumerate(rule.levels) if level.severity <= alert.severity)
    return replace(
        alert,
        timers=tuple(running.get(timer.severity, timer) for timer in stopped(rule)),
        level=0 if milder is None else milder,
    )


def _held(timer: LevelTimer, elapsed: timedelta | None) -> timedelta:
    if timer.held is None:
        return _ZERO
    return timer.held if elapsed is None else timer.held + elapsed


def _clear(timer: LevelTimer, elapsed: timedelta | None) -> timedelta:
    return _ZERO if timer.clear is None or elapsed is None else timer.clear + elapsed


def _last(indices: Iterable[int]) -> int | None:
    return max(indices, default=None)
