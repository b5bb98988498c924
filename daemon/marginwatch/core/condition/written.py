"""Writes an expression out again, the same for equal ones: the name of a window's series, and a text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch.core.condition.nodes import (
    Arithmetic,
    Call,
    Choices,
    Comparison,
    Logic,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
    Truth,
    Windowed,
)
from marginwatch.core.fields import Unit

if TYPE_CHECKING:
    from decimal import Decimal

_BRACKETED: Final = (Arithmetic, Comparison, Membership, Logic, Not)
"""What needs brackets inside another expression, or is easier to read with them."""


def written(node: Node) -> str:
    """The expression as text; it reads back as itself, but for the calendar that checking adds to a session."""
    match node:
        case Number(value=value, unit=unit):
            text = _number(value, unit)
        case Text(value=value):
            text = f"'{value}'" if '"' in value else f'"{value}"'
        case Truth(value=value):
            text = "true" if value else "false"
        case Name(name=name):
            text = name
        case Choices(items=items):
            text = f"({', '.join(map(written, items))})"
        case Call(function=function, argument=argument):
            text = f"{function}({written(argument)})"
        case Windowed(function=function, argument=argument, window=window, calendar=calendar):
            of = f" of {calendar}" if calendar else ""
            text = f'{function}({written(argument)}, "{window.value}{of}")'
        case _:
            text = _operation(node)
    return text


def _operation(node: Negative | Not | Arithmetic | Comparison | Membership | Logic) -> str:
    match node:
        case Negative(operand=operand):
            text = f"-{_inside(operand)}"
        case Not(operand=operand):
            text = f"not {_inside(operand)}"
        case Arithmetic(first=first, rest=rest):
            text = _inside(first) + "".join(f" {sign} {_inside(operand)}" for sign, operand in rest)
        case Comparison(operator=operator, left=left, right=right):
            text = f"{_inside(left)} {operator} {_inside(right)}"
        case Membership(item=item, among=among, negated=negated):
            text = f"{_inside(item)} {'not in' if negated else 'in'} {_inside(among)}"
        case _:
            text = f" {node.operator} ".join(map(_inside, node.operands))
    return text


def _inside(node: Node) -> str:
    return f"({written(node)})" if isinstance(node, _BRACKETED) else written(node)


def _number(value: Decimal, unit: Unit | None) -> str:
    if unit is Unit.RATIO:
        return f"{value:%}"
    return f'"{value:f}s"' if unit is Unit.DURATION else f"{value:f}"
