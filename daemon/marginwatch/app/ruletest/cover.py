"""What a test shows of a rule; together the four cases say that it can be trusted."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from marginwatch.app.ruletest.model import Phase
from marginwatch.core.alert import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from marginwatch.app.ruletest.look import Look
    from marginwatch.app.ruletest.model import Expected, Step


class Cover(enum.StrEnum):
    """The cases every rule should have."""

    POSITIVE = "positive"
    """It fires, or tells of its event."""
    NEGATIVE = "negative"
    """It keeps quiet although it can be decided."""
    UNKNOWN = "unknown"
    """It cannot be decided, and neither fires nor resolves."""
    RESTART = "restart"
    """A restart in the middle changes nothing."""


def covered(step: Step, look: Look, *, restarted: Collection[str]) -> set[tuple[str, Cover]]:
    """What a step that went as expected shows of each rule."""
    return {(expected.rule, cover) for expected in step.expect or () for cover in _of(expected, look, restarted)}


def _of(expected: Expected, look: Look, restarted: Collection[str]) -> Iterator[Cover]:
    if expected.unknown:
        yield Cover.UNKNOWN
    elif expected.phase is Phase.FIRING or _tells(expected):
        yield Cover.POSITIVE
    elif expected.phase is Phase.INACTIVE and not look.blind(expected):
        yield Cover.NEGATIVE
    if expected.rule in restarted:
        yield Cover.RESTART


def _tells(expected: Expected) -> bool:
    return any(State.EVENT in told or State.FIRING in told for told in expected.told or ())
