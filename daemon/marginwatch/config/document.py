"""A file the user wrote as values with their places, the same for TOML and YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from marginwatch.errors import Place, Problem


@dataclass(frozen=True, slots=True)
class Foreign:
    """A value no key of ours takes, for example a date; `kind` names it in messages."""

    kind: str


_KEY = re.compile(r"""\[+[^\]\n]*\]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\w.-]+""")
"""A key as written, or the head of a table."""

Plain: TypeAlias = "str | Decimal | bool | Foreign | tuple[Node, ...] | dict[str, Node] | None"


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file, lines ended by a line feed alone."""

    file: str
    text: str

    def place(self, offset: int, length: int = 0) -> Place:
        """Line and columns of a part of the text, of its first line where it has several."""
        line, col = self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)
        if not length:
            return Place(self.file, line, col)
        stop = self.text.find("\n", offset, offset + length)
        shown = self.text[offset : offset + length if stop < 0 else stop].rstrip()
        return Place(self.file, line, col, col + max(1, len(shown)))


@dataclass(frozen=True, slots=True)
class Node:
    """One value and where it stands, in characters from the start of the text."""

    source: Source
    start: int
    end: int
    value: Plain
    key: int = -1
    """Where the key of this value stands; -1 for an item of a list and for the whole file."""

    @property
    def place(self) -> Place:
        """Where the value stands: one column where a key has none, no column's width for a whole file."""
        return self.source.place(self.start, max(self.end - self.start, min(self.end, 1)))

    @property
    def key_place(self) -> Place:
        """Where its key stands, or the value itself where it has none."""
        if self.key < 0:
            return self.place
        key = _KEY.match(self.source.text, self.key)
        return self.source.place(self.key, len(key[0]) if key else 1)

    @property
    def kind(self) -> str:
        """What it is, in words for a message."""
        if isinstance(self.value, Foreign):
            return self.value.kind
        return next(word for kind, word in _WORDS if isinstance(self.value, kind))

    def plain(self) -> Any:  # noqa: ANN401  (whatever the file says)
        """The value alone with all below it, whole numbers as `int`, the others with the digits that were written."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        if isinstance(self.value, Decimal) and self.value.as_tuple().exponent == 0:
            return int(self.value)
        return self.value

    def place_within(self, offset: int, length: int) -> Place:
        """Where a part of this text stands in the file.

        Exact where the text stands in the file as it is; where escapes or line joins changed it, the part is looked
        up by its words, and the place is that of the whole value when they cannot be told apart.
        """
        if not isinstance(self.value, str):
            return self.place
        raw = self.source.text[self.start : self.end]
        if (at := raw.find(self.value)) >= 0:
            return self.source.place(self.start + at + offset, max(length, 1))
        words = self.value[offset : offset + length]
        if not words.strip() or raw.count(words) != self.value.count(words):
            return self.place
        at = -1
        for _ in range(self.value.count(words, 0, offset) + 1):
            at = raw.find(words, at + 1)
        return self.source.place(self.start + at, len(words))


_WORDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (str, "text"),
    (Decimal, "a number"),
    (tuple, "a list"),
    (dict, "a table"),
    (type(None), "nothing"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and what is wrong with how it says it."""

    root: Node | None
    """A table; None when the file could not be understood at all."""
    problems: tuple[Problem, ...] = ()
    source: Source | None = None
    """None when the file could not be read."""
