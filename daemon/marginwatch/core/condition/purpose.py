"""Is a checked expression what the rule it stands in needs: a number, a condition, or the seeing of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.condition.functions import TEMPORAL
from marginwatch.core.condition.nodes import Call, Fault, Logic, Name, Node, walk
from marginwatch.core.condition.units import NUMBERS, Measure, described
from marginwatch.core.fields import Unit
from marginwatch.core.rule import RuleKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marginwatch.core.condition.relations import Typed


def compare_it(node: Node, unit: Measure) -> str:
    """A hint how to make a condition of a bare field; empty for anything else."""
    if not isinstance(node, Name):
        return ""
    if unit in NUMBERS:
        return f"write {node.name} > 0"
    ways: dict[Measure, str] = {Unit.SET: f'write "…" in {node.name}', Unit.TEXT: f'write {node.name} == "…"'}
    return ways.get(unit, "")


def unfit(found: Typed, kind: RuleKind) -> list[Fault]:
    """Why a checked expression is not what a rule of this kind needs."""
    at = found.node.at
    if kind is RuleKind.LADDER:
        if found.unit in NUMBERS:
            return []
        return [Fault(at.offset, at.length, f"value needs a number, and this is {described(found.unit)}")]
    if found.unit is not Unit.FLAG:
        what = f"something true or false is needed here, and this is {described(found.unit)}"
        return [Fault(at.offset, at.length, what, compare_it(found.node, found.unit))]
    standing = _standing(found.node) if kind is RuleKind.EVENT else ()
    what = "this would tell an event at every observation, because it asks for no change"
    hint = "use when instead of on, or add a changed(…), increased(…), decreased(…) or prior(…)"
    return [Fault(part.at.offset, part.at.length, what, hint) for part in standing]


def _standing(node: Node) -> Iterator[Node]:
    """The parts of an event's condition that can make it true without any change."""
    if isinstance(node, Logic) and node.operator == "or":
        for operand in node.operands:
            yield from _standing(operand)
    elif not any(isinstance(part, Call) and part.function in TEMPORAL for part in walk(node)):
        yield node
