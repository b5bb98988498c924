"""Finds where an expression lets amounts in a position's own currency meet amounts in the account's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.core.condition import POSITION, Fault, Node
from marginwatch.core.condition.nodes import Arithmetic, Comparison, Logic, Name, Not, children
from marginwatch.core.fields import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marginwatch.core.fields import Catalogue, Field


def mixed_currencies(node: Node, catalogue: Catalogue) -> Iterator[Fault]:
    """One fault for each comparison, sum, difference or quotient of the two, at the amount in its own currency."""
    found = list(_within(node, catalogue))
    if found or not isinstance(node, (Comparison, Arithmetic)):
        yield from found
        return
    amounts = [(name, field) for name in _names(node) if (field := _money(name, catalogue)) is not None]
    own = [(name, field) for name, field in amounts if field.converted]
    others = [name.name for name, field in amounts if not field.converted]
    if own and others:
        (name, field), other = own[0], others[0]
        prefix = POSITION if name.name.startswith(POSITION) else ""
        what = f"{name.name} is in a currency of its own, and {other} in the account's"
        yield Fault(name.at.offset, name.at.length, what, f"{prefix}{field.converted} has it converted")


def _within(node: Node, catalogue: Catalogue) -> Iterator[Fault]:
    for child in children(node):
        yield from mixed_currencies(child, catalogue)


def _names(node: Node) -> Iterator[Name]:
    """The fields whose amounts come together in it: not those on the two sides of an `and`, an `or` or a `not`."""
    if isinstance(node, Name):
        yield node
    if not isinstance(node, (Logic, Not)):
        for child in children(node):
            yield from _names(child)


def _money(name: Name, catalogue: Catalogue) -> Field | None:
    of_position = name.name.startswith(POSITION)
    fields = catalogue.positions if of_position else catalogue.fields
    field = fields.get(name.name.removeprefix(POSITION))
    return field if field is not None and field.unit is Unit.MONEY else None
