"""Why it cannot be said whether a rule holds, in words that name the fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from marginwatch.core.condition import POSITION, names
from marginwatch.core.condition.nodes import Call, Name, children, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.core.condition import Node
    from marginwatch.core.fields import Catalogue, Field
    from marginwatch.core.model import Observation, Value

_SHOWN: Final = 3
"""Names in one sentence."""


@dataclass(frozen=True, slots=True)
class Blame:
    """Why a rule is unknown."""

    sentence: str
    """`equity is null; margin_used is missing from the answer (metrics: the answer took too long)`."""
    excused: bool
    """True when all that is missing belongs to optional calls the venue does not offer for this login, or to an
    answer for all its accounts that could not be read, which is told for the venue."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a rule was evaluated on."""

    observation: Observation
    known: Mapping[str, Value]
    catalogue: Catalogue
    position: Mapping[str, Value] | None = None
    """The position, in a rule with `each = "position"`."""

    def on(self, position: Mapping[str, Value]) -> Sight:
        """The same, looking at one position."""
        return replace(self, position=position)


@dataclass(frozen=True, slots=True)
class _Gap:
    """A name without a value."""

    name: str
    how: str
    excused: bool = False


def blame(node: Node, sight: Sight) -> Blame:
    """Why the expression is unknown there."""
    gaps = [*_gaps_now(node, sight), *_gaps_before(node, sight)]
    if not gaps:
        sentence = "its value cannot be worked out: a division by zero, or a number out of range or of the wrong type"
        return Blame(sentence, excused=False)
    return _told(gaps)


def no_positions(sight: Sight) -> Blame:
    """Why nothing can be said of positions when the answer has no list of them."""
    anything = next(iter(sight.catalogue.positions.values()), None)
    return _told([_gap("the list of positions", anything, sight.observation, null=False)])


def _told(gaps: list[_Gap]) -> Blame:
    by_reason: dict[str, list[str]] = {}
    for gap in gaps:
        by_reason.setdefault(gap.how, []).append(gap.name)
    sentence = "; ".join(f"{_listed(missing)} {how}" for how, missing in by_reason.items())
    return Blame(sentence, excused=all(gap.excused for gap in gaps))


def _gaps_now(node: Node, sight: Sight) -> Iterator[_Gap]:
    for name in dict.fromkeys(_read_now(node)):
        if name.startswith(POSITION):
            yield from _gap_of_positions(name, sight)
        elif sight.observation.fields.get(name) is None:
            null = name in sight.observation.fields
            yield _gap(name, sight.catalogue.fields.get(name), sight.observation, null=null)


def _gap_of_positions(name: str, sight: Sight) -> Iterator[_Gap]:
    column = name.removeprefix(POSITION)
    rows = sight.observation.positions if sight.position is None else (sight.position,)
    if rows is None or any(row.get(column) is None for row in rows):
        null = rows is not None and all(column in row for row in rows)
        yield _gap(name, sight.catalogue.positions.get(column), sight.observation, null=null)


def _gaps_before(node: Node, sight: Sight) -> Iterator[_Gap]:
    for call in walk(node):
        if isinstance(call, Call) and call.function == "prior":
            for name in names(call):
                if sight.known.get(name) is None:
                    yield _Gap(name, "not known from before")


def _read_now(node: Node) -> Iterator[str]:
    """The names whose present value is read, in the order they are written."""
    if isinstance(node, Name):
        yield node.name
    elif not (isinstance(node, Call) and node.function == "prior"):
        for child in children(node):
            yield from _read_now(child)


def _gap(name: str, field: Field | None, observation: Observation, *, null: bool) -> _Gap:
    if null:
        return _Gap(name, observation.reasons.get(name, "null"))
    calls = frozenset() if field is None else field.calls
    causes = [failure for failure in observation.failures if not failure.call or failure.call in calls]
    how = f"missing from the answer, because {causes[0].detail.rstrip('.')}" if causes else "missing from the answer"
    of_venue = bool(causes) and all(failure.of_venue for failure in causes)
    return _Gap(name, how, excused=of_venue or bool(calls & observation.optional))


def _listed(missing: list[str]) -> str:
    shown = missing[:_SHOWN]
    if len(missing) > _SHOWN:
        shown.append(f"{len(missing) - _SHOWN} more")
    if len(shown) == 1:
        return f"{shown[0]} is"
    return f"{', '.join(shown[:-1])} and {shown[-1]} are"
