"""What an expression and every part of it come to, and why where that cannot be said. Pure.

Each part is worked out by the code that decides: it is compiled and evaluated as the whole is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core.condition.check import POSITION, check
from marginwatch.core.condition.compile import BREAKS, compile_value
from marginwatch.core.condition.functions import QUANTIFIERS, TEMPORAL
from marginwatch.core.condition.nodes import (
    Call,
    Choices,
    Logic,
    Name,
    Node,
    Number,
    Text,
    Truth,
    Windowed,
    children,
    names,
)
from marginwatch.core.condition.written import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from marginwatch.core.condition.check import Scope
    from marginwatch.core.condition.compile import Evaluation
    from marginwatch.core.condition.units import Measure
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Value

Position: TypeAlias = "Mapping[str, Value]"


@dataclass(frozen=True, slots=True)
class Part:
    """An expression, or a part of one, with what it came to."""

    text: str
    """As written, in the one way in which equal expressions are written alike."""
    unit: Measure = None
    """As `Checked.unit`."""
    value: Value = None
    """None when it is unknown, or absent."""
    absent: bool = False
    """The venue has nothing of what it reads: it counts for nothing there."""
    because: str = ""
    """Why it is unknown, where none of its own parts is to blame."""
    subject: str = ""
    """The position it was asked of, inside `any` and `all`."""
    joined: str = ""
    """`and` or `or`, where its parts are joined so."""
    parts: tuple[Part, ...] = ()
    """What it is made of, without what is written as a plain value."""

    @property
    def known(self) -> bool:
        """Whether it has a value."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Ground:
    """What an expression is looked at on."""

    catalogue: Catalogue
    fields: Mapping[str, Value]
    """Present values, those of windows among them under their texts."""
    known: Mapping[str, Value]
    """The last known values before."""
    positions: Sequence[tuple[str, Position]] | None
    """With their names; None when they are unknown."""
    why: Callable[[Node, Position | None], str]
    """Why a part is unknown, at a position or at none."""
    position: Position | None = None
    """The one position, in a rule with `each = "position"`."""


def trace(original: Node, checked: Node, ground: Ground) -> Part:
    """What the expression and every part of it come to.

    `original` is the expression as parsed, `checked` what its check at the venue left of it.
    """
    return _Tracer(ground).part(original, checked)


def is_absent(node: Node, catalogue: Catalogue, *, in_past: bool = False) -> bool:
    """Whether a venue with that catalogue has nothing of what the part reads, as checking has it.

    `in_past`: the part stands where earlier values are asked for, which what the venue does not answer has none of.
    """
    if isinstance(node, Name):
        if node.name.startswith(POSITION):
            return node.name.removeprefix(POSITION) not in catalogue.positions
        return node.name not in catalogue.fields and (in_past or node.name not in catalogue.defined)
    in_past = in_past or isinstance(node, Windowed) or (isinstance(node, Call) and node.function in TEMPORAL)
    below = [is_absent(child, catalogue, in_past=in_past) for child in children(node)]
    return all(below) if isinstance(node, Logic) and node.operator == "or" else any(below)


@dataclass(slots=True)
class _Tracer:
    """Looks at one part after another; what is compiled once is kept for the next position."""

    ground: Ground
    compiled: dict[Node, Evaluation] = field(default_factory=dict)

    def part(self, original: Node, checked: Node) -> Part:
        """The part with all below it."""
        below = tuple(self._below(original, checked))
        value = self._value(checked)
        blamed = any(not part.known and not part.absent for part in below)
        return Part(
            text=written(original),
            unit=self._unit(checked),
            value=value,
            because="" if value is not None or blamed else self.ground.why(checked, self.ground.position),
            joined=original.operator if isinstance(original, Logic) else "",
            parts=below,
        )

    def _below(self, original: Node, checked: Node) -> Iterator[Part]:
        if isinstance(original, Logic):
            yield from self._operands(original, checked)
        elif isinstance(original, Call) and isinstance(checked, Call):
            yield from self._argument(original, checked)
        elif isinstance(original, Name) and isinstance(checked, Windowed):
            yield self.part(checked, checked)
        elif type(original) is type(checked):
            for part, left in zip(children(original), children(checked), strict=True):
                if not isinstance(part, Number | Text | Truth | Choices):
                    yield self.part(part, left)

    def _operands(self, original: Logic, checked: Node) -> Iterator[Part]:
        """Of `or`, what the venue lacks was left out by the check, and a single operand left stands for the whole."""
        absent = [is_absent(operand, self.ground.catalogue) for operand in original.operands]
        alone = absent.count(False) == 1
        left = iter((checked,) if alone else children(checked))
        for operand, missing in zip(original.operands, absent, strict=True):
            yield Part(written(operand), absent=True) if missing else self.part(operand, next(left))

    def _argument(self, original: Call, checked: Call) -> Iterator[Part]:
        if original.function in QUANTIFIERS:
            yield from self._each_position(original.argument, checked.argument)
            return
        before = _Tracer(replace(self.ground, fields=self.ground.known), self.compiled)
        if original.function == "prior":
            if not isinstance(original.argument, Name):
                yield before.part(original.argument, checked.argument)
            return
        yield self.part(original.argument, checked.argument)
        if original.function in TEMPORAL:
            then = before.part(original.argument, checked.argument)
            # Never known before is no fault: the first sight of a value is no change.
            yield replace(then, text=written(Call("prior", original.argument)), because="", parts=())

    def _each_position(self, original: Node, checked: Node) -> Iterator[Part]:
        for subject, position in self.ground.positions or ():
            there = _Tracer(replace(self.ground, position=position), self.compiled)
            yield replace(there.part(original, checked), subject=subject)

    def _value(self, node: Node) -> Value:
        if node not in self.compiled:
            self.compiled[node] = compile_value(node)
        ground = self.ground
        rows = None if ground.positions is None else [position for _, position in ground.positions]
        try:
            return self.compiled[node](
                ground.fields, ground.known, rows if ground.position is None else ground.position
            )
        except BREAKS:
            return None

    def _unit(self, node: Node) -> Measure:
        scope: Scope = "account" if self.ground.position is None else "position"
        return check(node, self.ground.catalogue, names(node), scope=scope).unit
