"""The tree of an expression, and the fault that stands in its place when there is none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from marginwatch.core.fields import Unit


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in an expression: a value, never raised to a caller."""

    offset: int
    """Where it starts, in characters of the expression's text, from 0."""
    length: int
    what: str
    """One clear sentence without a final full stop."""
    hint: str = ""
    """What to do; empty when there is nothing useful to say."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of the text a node was read from."""

    offset: int = 0
    length: int = 0

    def to(self, last: Span) -> Span:
        """From the start of this one to the end of `last`."""
        return Span(self.offset, last.offset + last.length - self.offset)


_NOWHERE = Span()


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written; nodes are equal whatever their place."""

    value: Decimal
    """A ratio as a fraction of one, a duration in seconds."""
    unit: Unit | None = None
    """RATIO where written with a percent sign, DURATION for a duration, None for a plain number."""
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """Quoted text."""

    value: str
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Truth:
    """`true` or `false`."""

    value: bool
    at: Span = field(default=_NOWHERE, compare=False)


Constant: TypeAlias = Number | Text | Truth


@dataclass(frozen=True, slots=True)
class Choices:
    """A list of literals; stands only to the right of `in`."""

    items: tuple[Constant, ...]
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A field: `equity`, `openCall.accumFedAmount`, `position.symbol`."""

    name: str
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """`-x`."""

    operand: Node
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum (`+ -`) or a product (`* /`), worked out from left to right; flat, so that it adds no depth."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a < b`. A chain `a < b < c` is read as `a < b and b < c`."""

    operator: str
    left: Node
    right: Node
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """`a in (…)`, `"trade" in permissions`, and their negation."""

    item: Node
    among: Node
    negated: bool = False
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """`not x`."""

    operand: Node
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` over two or more operands; flat, so that it adds no depth."""

    operator: str
    operands: tuple[Node, ...]
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A known function of one argument."""

    function: str
    argument: Node
    at: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Windowed:
    """`max(equity, "1d")`: what an expression was over a window of time that ends now."""

    function: str
    argument: Node
    window: Text
    """A duration, or `session`."""
    calendar: str = ""
    """Whose session, by name, once checked; empty for a duration."""
    at: Span = field(default=_NOWHERE, compare=False)


Node: TypeAlias = (
    Number
    | Text
    | Truth
    | Choices
    | Name
    | Negative
    | Arithmetic
    | Comparison
    | Membership
    | Not
    | Logic
    | Call
    | Windowed
)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below, in the order they are written."""
    match node:
        case Choices(items=items):
            return items
        case Negative(operand=operand) | Not(operand=operand) | Call(argument=operand) | Windowed(argument=operand):
            return (operand,)
        case Arithmetic(first=first, rest=rest):
            return (first, *(operand for _, operand in rest))
        case Comparison(left=left, right=right) | Membership(item=left, among=right):
            return (left, right)
        case Logic(operands=operands):
            return operands
        case _:
            return ()


def rebuilt(node: Node, below: Sequence[Node]) -> Node:
    """The same node with others directly below it, as many and in the order of `children`."""
    same: Node = node
    match node:
        case Negative() | Not():
            same = type(node)(below[0], node.at)
        case Call() | Windowed():
            same = replace(node, argument=below[0])
        case Arithmetic(rest=rest):
            operators = (operator for operator, _ in rest)
            same = Arithmetic(below[0], tuple(zip(operators, below[1:], strict=True)), node.at)
        case Comparison():
            same = replace(node, left=below[0], right=below[1])
        case Membership():
            same = replace(node, item=below[0], among=node.among if isinstance(node.among, Choices) else below[1])
        case Logic():
            same = replace(node, operands=tuple(below))
    return same


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order they are written."""
    yield node
    for child in children(node):
        yield from walk(child)


def names(node: Node) -> tuple[str, ...]:
    """The fields it reads, each once, in the order they are written."""
    return tuple(dict.fromkeys(below.name for below in walk(node) if isinstance(below, Name)))
