"""From an expression's text to its tree: Python's operators and precedence, and nothing else of Python."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from marginwatch.core.condition.cursor import Cursor, StopReadingError, negative, shown
from marginwatch.core.condition.functions import AGGREGATES, FUNCTIONS, WINDOWS
from marginwatch.core.condition.lexer import Kind, Token, tokens
from marginwatch.core.condition.nodes import (
    Arithmetic,
    Call,
    Choices,
    Comparison,
    Constant,
    Fault,
    Logic,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Text,
    Windowed,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_HINTS: Final = {
    ",": "write 1_000 for 1,000",
    "None": "a field that is null makes the rule unknown by itself",
    "null": "a field that is null makes the rule unknown by itself",
    "is": "write == to compare",
}


def parse(text: str) -> Node | Fault:
    """The tree of an expression, or the first thing wrong with its syntax. Says nothing of fields and units.

    Any text at all is safe to give: length, depth and every word are bounded, and nothing of it is run.
    """
    words = tokens(text)
    if isinstance(words, Fault):
        return words
    try:
        return _Parser(Cursor(words)).whole()
    except StopReadingError as stop:
        return stop.fault


class _Parser:
    """The grammar: one method a level of precedence, loosest first."""

    def __init__(self, words: Cursor) -> None:
        self._words = words

    def whole(self) -> Node:
        if self._words.peek().kind is Kind.END:
            raise StopReadingError(self._words.peek().at, "the expression is empty")
        node = self._either()
        last = self._words.peek()
        if last.kind is not Kind.END:
            hint = _HINTS.get(last.word, "")
            raise StopReadingError(last.at, f"{shown(last)} is not expected here", hint)
        return node

    def _either(self) -> Node:
        return self._logic("or", self._both)

    def _both(self) -> Node:
        return self._logic("and", self._negation)

    def _logic(self, operator: str, operand: Callable[[], Node]) -> Node:
        operands = [operand()]
        while self._words.at(operator):
            self._words.take()
            operands.append(operand())
        if len(operands) == 1:
            return operands[0]
        return Logic(operator, tuple(operands), operands[0].at.to(operands[-1].at))

    def _negation(self) -> Node:
        if not self._words.at("not"):
            return self._comparison()
        at = self._words.take().at
        operand = self._words.nested(self._negation, at)
        return Not(operand, at.to(operand.at))

    def _comparison(self) -> Node:
        left = self._sum()
        pairs: list[Comparison | Membership] = []
        while (operator := self._words.comparing()) is not None:
            if pairs:
                _refuse_chain(pairs[-1], left, operator)
            pairs.append(self._pair(left, operator))
            left = _right(pairs[-1])
        if len(pairs) > 1:
            return Logic("and", tuple(pairs), pairs[0].at.to(pairs[-1].at))
        return pairs[0] if pairs else left

    def _pair(self, left: Node, operator: str) -> Comparison | Membership:
        if operator in ("in", "not in"):
            among = self._among()
            return Membership(left, among, operator == "not in", left.at.to(among.at))
        right = self._sum()
        return Comparison(operator, left, right, left.at.to(right.at))

    def _among(self) -> Node:
        opening = self._words.peek()
        bracketed_field = self._words.at("(") and self._words.peek(1).kind is Kind.NAME
        if bracketed_field or not self._words.at(*_CLOSING):
            return self._sum()
        self._words.take()
        items: list[Constant] = []
        while not self._words.at(_CLOSING[opening.word]):
            items.append(self._words.choice())
            if not self._words.at(","):
                break
            self._words.take()
        at = opening.at.to(self._words.close(_CLOSING[opening.word]))
        if not items:
            raise StopReadingError(at, "the list is empty")
        return Choices(tuple(items), at)

    def _sum(self) -> Node:
        return self._arithmetic(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._arithmetic(("*", "/"), self._signed)

    def _arithmetic(self, operators: tuple[str, ...], operand: Callable[[], Node]) -> Node:
        first = operand()
        rest: list[tuple[str, Node]] = []
        while self._words.at(*operators):
            operator = self._words.take().word
            rest.append((operator, operand()))
        return Arithmetic(first, tuple(rest), first.at.to(rest[-1][1].at)) if rest else first

    def _signed(self) -> Node:
        if not self._words.at("-"):
            return self._atom()
        at = self._words.take().at
        operand = self._words.nested(self._signed, at)
        return negative(at, operand) if isinstance(operand, Number) else Negative(operand, at.to(operand.at))

    def _atom(self) -> Node:
        token = self._words.peek()
        literal = self._words.literal()
        if literal is not None:
            return literal
        if token.kind is Kind.NAME:
            self._words.take()
            return self._call(token) if self._words.at("(") else _field(token)
        if self._words.at("("):
            return self._bracketed()
        if self._words.at("[", "{"):
            raise StopReadingError(token.at, "a list can only stand behind in")
        raise StopReadingError(token.at, f"a field or a value is expected here, not {shown(token)}")

    def _bracketed(self) -> Node:
        node = self._words.nested(self._either, self._words.take().at)
        if self._words.at(","):
            raise StopReadingError(self._words.peek().at, "a list can only stand behind in")
        self._words.close(")")
        return node

    def _call(self, name: Token) -> Node:
        if name.word not in FUNCTIONS | WINDOWS:
            raise StopReadingError(name.at, f"there is no function {name.word}", _instead_of(name.word))
        argument = self._words.nested(self._either, self._words.take().at)
        if name.word in WINDOWS and (self._words.at(",") or name.word not in AGGREGATES):
            return self._windowed(name, argument)
        if self._words.at(","):
            raise StopReadingError(self._words.peek().at, f"{name.word} takes one argument")
        return Call(name.word, argument, name.at.to(self._words.close(")")))

    def _windowed(self, name: Token, argument: Node) -> Windowed:
        hint = f'for example {name.word}(equity, "1d")'
        if not self._words.at(","):
            raise StopReadingError(name.at, f"{name.word} looks over a window of time, which is missing", hint)
        self._words.take()
        at = self._words.peek().at
        window = self._words.literal()
        if not isinstance(window, Text):
            raise StopReadingError(at, "a window of time is written in quotes", hint)
        return Windowed(name.word, argument, window, at=name.at.to(self._words.close(")")))


def _field(token: Token) -> Name:
    if token.word in _HINTS:
        raise StopReadingError(token.at, f"{token.word} is not a word here", _HINTS[token.word])
    return Name(token.word, token.at)


def _right(pair: Comparison | Membership) -> Node:
    return pair.right if isinstance(pair, Comparison) else pair.among


def _refuse_chain(before: Node, middle: Node, operator: str) -> None:
    """A chain's middle stands in two comparisons, so it holds none: chains within chains would double and double."""
    plain = not any(isinstance(node, Logic | Comparison | Membership) for node in walk(middle))
    if isinstance(before, Membership) or operator in ("in", "not in") or not plain:
        raise StopReadingError(before.at, "this cannot begin a chain of comparisons", "write two, joined by and")


def _instead_of(name: str) -> str:
    close = get_close_matches(name, sorted(FUNCTIONS | WINDOWS), n=1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(FUNCTIONS | WINDOWS))}"
