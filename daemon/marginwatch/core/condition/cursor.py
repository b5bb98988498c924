"""A reader over an expression's words, with the parts of the grammar that need no precedence."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from marginwatch.core.condition.lexer import Kind, Token
from marginwatch.core.condition.nodes import Constant, Fault, Number, Span, Text, Truth
from marginwatch.core.fields import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH: Final = 24
"""Brackets, calls, `not` and minus signs inside one another."""

_COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")

_Read = TypeVar("_Read")


class StopReadingError(Exception):
    """Unwinds the parser to `parse`, which gives its fault as a value."""

    def __init__(self, at: Span, what: str, hint: str = "") -> None:
        self.fault = Fault(at.offset, at.length, what, hint)
        super().__init__(what)


class Cursor:
    """The words of one expression and how far they are read."""

    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._next = 0
        self._depth = 0

    def peek(self, ahead: int = 0) -> Token:
        """The next word, or one `ahead` of it; the last one is an END."""
        return self._words[min(self._next + ahead, len(self._words) - 1)]

    def take(self) -> Token:
        """The next word, now read."""
        token = self._words[self._next]
        self._next += 1
        return token

    def at(self, *words: str) -> bool:
        """True when the next word is one of these signs or keywords."""
        return is_word(self.peek(), *words)

    def close(self, bracket: str) -> Span:
        """Read the closing bracket, or stop."""
        if not self.at(bracket):
            raise StopReadingError(self.peek().at, f"{bracket} is expected here, not {shown(self.peek())}")
        return self.take().at

    def nested(self, read: Callable[[], _Read], at: Span) -> _Read:
        """What `read` reads, one level deeper than what is around it."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            what = f"the expression is nested more than {MAX_DEPTH} deep"
            raise StopReadingError(at, what, "split it into several rules")
        found = read()
        self._depth -= 1
        return found

    def comparing(self) -> str | None:
        """Read a comparison sign, `in` or `not in`; None when none is next."""
        if self.at("in", *_COMPARISONS):
            return self.take().word
        if not self.at("not"):
            return None
        self.take()
        if not self.at("in"):
            raise StopReadingError(self.peek().at, f"in is expected behind not, not {shown(self.peek())}")
        self.take()
        return "not in"

    def literal(self) -> Constant | None:
        """Read a number, a text, true or false; None when none is next."""
        token = self.peek()
        if token.kind is Kind.NUMBER:
            return _number(self.take())
        if token.kind is Kind.TEXT:
            return Text(token.word, self.take().at)
        if self.at("true", "false"):
            return Truth(token.word == "true", self.take().at)
        return None

    def choice(self) -> Constant:
        """Read one member of a list, or stop."""
        minus = self.take() if self.at("-") else None
        at = self.peek().at
        found = self.literal()
        if minus is not None and isinstance(found, Number):
            return negative(minus.at, found)
        if found is None or minus is not None:
            raise StopReadingError(at, "a list holds only numbers, quoted texts, true and false")
        return found


def is_word(token: Token, *words: str) -> bool:
    """True for one of these signs or keywords, not for a text that happens to read the same."""
    return token.kind in (Kind.SIGN, Kind.KEYWORD) and token.word in words


def shown(token: Token) -> str:
    """A word as a person reads it in a fault."""
    if token.kind is Kind.END:
        return "the end"
    return f'"{token.word}"' if token.kind is Kind.TEXT else token.word


def negative(minus: Span, number: Number) -> Number:
    """The number with a minus sign before it."""
    return Number(number.value.copy_negate(), number.unit, minus.to(number.at))


def _number(token: Token) -> Number:
    digits = token.word.rstrip("%").replace("_", "")
    if token.word.endswith("%"):
        return Number(Decimal(f"{digits}e-2"), Unit.RATIO, token.at)
    return Number(Decimal(digits), None, token.at)
