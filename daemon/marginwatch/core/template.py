"""Message templates: `{margin_usage:.1%}` in a rule's summary, parsed once and rendered without ever failing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from marginwatch.core.fields import Unit
from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

Printable: TypeAlias = "Decimal | bool | str | datetime | frozenset[str] | Severity | None"
"""What a name may stand for when a template is rendered; a time is printed in the zone it carries."""

NAMES: Mapping[str, Unit] = {
    "account": Unit.TEXT,
    "venue": Unit.TEXT,
    "subject": Unit.TEXT,
    "rule": Unit.TEXT,
    "title": Unit.TEXT,
    "severity": Unit.TEXT,
    "currency": Unit.TEXT,
    "value": Unit.QUANTITY,
    "limit": Unit.QUANTITY,
    "since": Unit.TIME,
    "as_of": Unit.TIME,
}
"""What a summary may name besides the fields of its venue. `value` and `limit` are a ladder's own; `since` is when
the alert's condition began to hold, `subject` the position."""
UNKNOWN = "unknown"
_SILENT = frozenset({"currency"})
"""Names that print nothing rather than `unknown`: an amount reads well without them."""
_LARGEST_EXPONENT = 30
"""Beyond this a number is printed in scientific notation: its zeros would fill the message."""
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_NUMBER = re.compile(r"([-+ ]?)(,?(?:\.\d{1,2})?[eEfFgG%]?)")
_TEXT = re.compile(r"s?")
_TIME = re.compile(r"(?:%[YmdHMSZzjaAbBdIpy]|[-:/., T])+")


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """What is wrong with a template, and where in its text."""

    offset: int
    length: int
    what: str
    """One clear sentence without a final full stop."""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One name in braces."""

    name: str
    spec: str
    """As `str.format` takes it; empty for the plain form."""
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template."""

    pieces: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """Its names in order, as often as they occur."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Placeholder))

    def render(self, values: Mapping[str, Printable]) -> str:
        """The text. A name that is null or not there prints `unknown`; a format that does not suit is ignored."""
        text = ""
        gap = False
        for piece in self.pieces:
            words = piece if isinstance(piece, str) else _words(piece, values.get(piece.name))
            if gap and text[-1:] in {"", " "}:
                words = words.removeprefix(" ")
            gap = not words
            text += words
        return text


def parse(text: str) -> Template | TemplateFault:
    """A template, or the first thing wrong with it. Names are not checked here: see `misfit` for their formats."""
    pieces: list[str | Placeholder] = []
    at = 0
    for found in _PIECE.finditer(text):
        pieces.append(text[at : found.start()])
        at = found.end()
        piece = _piece(found)
        if isinstance(piece, TemplateFault):
            return piece
        pieces.append(piece)
    pieces.append(text[at:])
    return Template(tuple(piece for piece in pieces if piece))


def misfit(placeholder: Placeholder, unit: Unit) -> str:
    """Why the format does not suit a value of this unit, as a sentence; empty when it does."""
    pattern, words = _SUITS.get(unit, (_NUMBER, "a number"))
    if not placeholder.spec or pattern.fullmatch(placeholder.spec):
        return ""
    return f"the format `{placeholder.spec}` does not suit {placeholder.name}, which is {words}"


def _piece(found: re.Match[str]) -> str | Placeholder | TemplateFault:
    if found[0] in {"{{", "}}"}:
        return found[0][0]
    offset, length = found.start(), len(found[0])
    if found[1] is None:
        hint = "write {{ or }} for a brace that is part of the text"
        return TemplateFault(offset, length, f"this `{found[0]}` has no partner", hint)
    name, _, spec = found[1].partition(":")
    if not name.strip():
        return TemplateFault(offset, length, "there is no name between the braces", "for example {margin_usage:.1%}")
    if not _NAME.fullmatch(name):
        return TemplateFault(offset, length, f"`{name}` is not the plain name of a field")
    if not any(pattern.fullmatch(spec) for pattern in (_NUMBER, _TEXT, _TIME)):
        return TemplateFault(
            offset, length, f"`{spec}` is not a format", "for example {margin_usage:.1%} or {equity:,.0f}"
        )
    return Placeholder(name, spec, offset, length)


_SUITS = {
    Unit.FLAG: (_TEXT, "true or false"),
    Unit.TEXT: (_TEXT, "text"),
    Unit.SET: (_TEXT, "a set of words"),
    Unit.TIME: (_TIME, "a time"),
}


def _words(piece: Placeholder, value: Printable) -> str:
    if value is None:
        return "" if piece.name in _SILENT else UNKNOWN
    if isinstance(value, Decimal):
        return _number(value, piece.spec)
    if isinstance(value, datetime):
        spec = piece.spec if _TIME.fullmatch(piece.spec) else "%Y-%m-%d %H:%M:%S %Z"
        return value.strftime(spec)
    return _plain(value)


def _plain(value: str | frozenset[str] | Severity | bool) -> str:  # noqa: FBT001  (because: a value to print)
    if isinstance(value, Severity):
        return value.label
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    return value if isinstance(value, str) else "yes" if value else "no"


def _number(value: Decimal, spec: str) -> str:
    if not value.is_finite() or abs(value.adjusted()) > _LARGEST_EXPONENT:
        return str(value)
    found = _NUMBER.fullmatch(spec)
    sign, rest = found.groups() if found else ("", "")
    # z: an amount that rounds to nothing is 0, never -0
    return format(value, f"{sign}z{rest}" if sign or rest else "f")
