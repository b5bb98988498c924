"""From an expression's text to its words, refusing everything that is no part of the language."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from marginwatch.core.condition.nodes import Fault, Span

MAX_LENGTH: Final = 4_000
"""Characters of an expression."""
MAX_WORD: Final = 80
"""Characters of one name or number."""

KEYWORDS: Final = frozenset({"and", "or", "not", "in", "true", "false"})

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\n]+)
    | (?P<number>(?:\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?|\.\d+)%?)
    | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    | (?P<text>"[^"\r\n]*"|'[^'\r\n]*')
    | (?P<foreign>\*\*|//|&&|\|\||<>|=>|=<|[!=<>]==|:=)
    | (?P<sign><=|>=|==|!=|[-<>+*/()\[\]{},])
    """,
    re.VERBOSE | re.ASCII,
)

_INSTEAD = {
    "=": "write == to compare",
    "===": "write == to compare",
    ":=": "write == to compare",
    "!==": "write != to compare",
    "<>": "write != to compare",
    "=>": "write >= to compare",
    ">==": "write >= to compare",
    "=<": "write <= to compare",
    "<==": "write <= to compare",
    "&&": "write and",
    "&": "write and",
    "||": "write or",
    "|": "write or",
    "!": "write not",
    "%": "a percent sign stands directly behind its number, as in 80%",
    "#": "an expression holds no comment",
    '"': "close the text with the quote it began with, on the same line",
    "'": "close the text with the quote it began with, on the same line",
}

_RENAMED = {"True": "true", "False": "false"}


class Kind(enum.Enum):
    """What a word is."""

    NUMBER = "number"
    NAME = "name"
    KEYWORD = "keyword"
    TEXT = "text"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word."""

    kind: Kind
    word: str
    """As written; a text without its quotes, `True` as `true`; empty at the end."""
    at: Span


def tokens(text: str) -> list[Token] | Fault:
    """All words of the text and an END, or the first thing that is no word of the language."""
    if len(text) > MAX_LENGTH:
        what = f"the expression has {len(text)} characters; at most {MAX_LENGTH} are allowed"
        return Fault(MAX_LENGTH, len(text) - MAX_LENGTH, what, "split it into several rules")
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup == "foreign":
            return _foreign(text, position, "" if match is None else match.group())
        word = match.group()
        if match.lastgroup != "space":
            token = _token(str(match.lastgroup), word, Span(position, len(word)))
            fault = _misread(token, text[match.end() : match.end() + 1])
            if fault is not None:
                return fault
            found.append(token)
        position = match.end()
    found.append(Token(Kind.END, "", Span(len(text.rstrip()), 0)))
    return found


def _token(group: str, word: str, at: Span) -> Token:
    word = _RENAMED.get(word, word)
    if group == "text":
        return Token(Kind.TEXT, word[1:-1], at)
    return Token(Kind.KEYWORD if word in KEYWORDS else Kind(group), word, at)


def _misread(token: Token, following: str) -> Fault | None:
    offset, length = token.at.offset, token.at.length
    if token.kind in (Kind.NAME, Kind.NUMBER) and length > MAX_WORD:
        return Fault(offset, length, f"a {token.kind.value} has at most {MAX_WORD} characters; this one has {length}")
    if token.kind is Kind.NUMBER and (following.isalnum() or following in ("_", ".")):
        what = f"{token.word}{following} is not a number"
        return Fault(offset, length + 1, what, 'write numbers out as 50_000 or 1.5, and durations in quotes as "15m"')
    if token.kind is Kind.NAME and token.word.lower() in KEYWORDS:
        return Fault(offset, length, f"{token.word} is not a word here", f"write {token.word.lower()}")
    return None


def _foreign(text: str, offset: int, word: str) -> Fault:
    word = word or text[offset]
    shown = word if word.isprintable() else ascii(word).strip("'")
    if word in "\"'":
        return Fault(offset, len(text) - offset, "the text is not closed", _INSTEAD[word])
    return Fault(offset, len(word), f"{shown} has no meaning in an expression", _INSTEAD.get(word, ""))
