"""Exact reckoning with unknowns: None in gives None out, and so does what has no result.

Sums, products and quotients are worked out to 34 digits in a context of our own, so that no setting of the process
changes a decision. A division by zero, an overflow and an undefined operation are unknown, never an exception.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import TYPE_CHECKING, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_MICROSECOND: Final = timedelta(microseconds=1)
_CONTEXT: Final = Context(prec=34, Emin=-6143, Emax=6144, traps=[DivisionByZero, InvalidOperation, Overflow])

Operation: TypeAlias = "Callable[[Decimal | None, Decimal | None], Decimal | None]"


def _knowing(exact: Callable[[Decimal, Decimal], Decimal]) -> Operation:
    def operation(left: Decimal | None, right: Decimal | None) -> Decimal | None:
        if left is None or right is None:
            return None
        try:
            return exact(left, right)
        except ArithmeticError:
            return None

    return operation


def _less(left: Decimal, right: Decimal) -> Decimal:
    """A difference; the checker lets times stand where numbers do, and of two of them it is the seconds between."""
    try:
        return _CONTEXT.subtract(left, right)
    except TypeError:
        gap = cast("datetime", left) - cast("datetime", right)
        return _CONTEXT.scaleb(Decimal(gap // _MICROSECOND), -6)


SWIFT: Final = {
    "+": _CONTEXT.add,
    "-": _CONTEXT.subtract,
    "*": _CONTEXT.multiply,
    "/": _CONTEXT.divide,
}
"""By operator, of two known numbers: the same, unless it raises; then the operation itself says what it is."""

OPERATIONS: Final = {
    "+": _knowing(_CONTEXT.add),
    "-": _knowing(_less),
    "*": _knowing(_CONTEXT.multiply),
    "/": _knowing(_CONTEXT.divide),
}
"""By operator."""


def negative(value: Decimal | None) -> Decimal | None:
    """The value with the other sign."""
    return None if value is None else value.copy_negate()


def absolute(value: Decimal | None) -> Decimal | None:
    """The value without its sign."""
    return None if value is None else value.copy_abs()
