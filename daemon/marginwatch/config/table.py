"""Reads the keys of one table by the type each must have, and collects what is wrong."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.config.durations import BadDurationError, parse_duration
from marginwatch.config.suggest import did_you_mean
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from marginwatch.config.document import Node

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What an escape in a text can write and a terminal could take for a command."""
_LONGEST = 60
"""Letters of a word that still fits a sentence."""


class Table:
    """One table. Each method gives None for a key that is not there or is wrong; the latter is then a problem."""

    def __init__(self, node: Node, problems: list[Problem]) -> None:
        self.node = node
        self.problems = problems
        self._items: dict[str, Node] = node.value if isinstance(node.value, dict) else {}

    def __contains__(self, key: str) -> bool:
        return key in self._items

    @property
    def keys(self) -> tuple[str, ...]:
        """Its keys as written."""
        return tuple(self._items)

    def problem(self, place: Place, what: str, hint: str = "") -> None:
        """Record one thing that is wrong."""
        self.problems.append(Problem(place, what, hint))

    def place(self, key: str) -> Place:
        """Where the value of a key stands; the table itself when the key is not there."""
        return self._items.get(key, self.node).place

    def key_place(self, key: str) -> Place:
        """Where a key stands."""
        return self._items[key].key_place

    def refuse_unknown(self, known: Iterable[str], owner: str) -> None:
        """Every key must be one of these; `owner` is what has the keys, as in `a rule`."""
        known = tuple(known)
        for key, item in self._items.items():
            if key not in known:
                hint = did_you_mean(key, known) or f"the keys are {', '.join(known)}"
                self.problem(item.key_place, f"{owner} has no key `{_short(key)}`", hint)

    def text(self, key: str, longest: int = 10_000, hint: str = "") -> Node | None:
        """Text that is not empty; the hint is for what is no text at all."""
        item = self._items.get(key)
        if item is None:
            return None
        if not isinstance(item.value, str):
            self._wrong_type(key, item, "text", hint)
            return None
        if not item.value.strip():
            self.problem(item.place, f"`{key}` is empty")
            return None
        if control := _CONTROL.search(item.value):
            self.problem(item.place, f"`{key}` holds the control character U+{ord(control[0]):04X}")
            return None
        if len(item.value) > longest:
            self.problem(item.place, f"`{key}` has {len(item.value)} characters; at most {longest} are allowed")
            return None
        return item

    def word(self, key: str, known: Iterable[str]) -> str | None:
        """One of a few words."""
        item = self.text(key)
        if item is None:
            return None
        known = tuple(known)
        if item.value not in known:
            hint = did_you_mean(str(item.value), known) or f"write {', '.join(known)}"
            self.problem(item.place, f"`{key}` cannot be `{_short(str(item.value))}`", hint)
            return None
        return str(item.value)

    def texts(self, key: str) -> tuple[Node, ...]:
        """A list of texts; empty when it is not there."""
        item = self._items.get(key)
        if item is None:
            return ()
        if not isinstance(item.value, tuple):
            hint = f'write ["{item.value}"]' if isinstance(item.value, (str, Decimal)) else ""
            self._wrong_type(key, item, "a list of texts", hint)
            return ()
        if not item.value:
            self.problem(item.place, f"`{key}` is an empty list", "leave it out to select all")
        for part in item.value:
            if not isinstance(part.value, str):
                self._wrong_type(key, part, "text")
            elif not part.value.strip():
                self.problem(part.place, f"an entry of `{key}` is empty")
        return tuple(part for part in item.value if isinstance(part.value, str))

    def items(self, key: str, hint: str) -> tuple[Node, ...]:
        """A list of anything; empty when it is not there."""
        item = self._items.get(key)
        if item is None:
            return ()
        if isinstance(item.value, tuple):
            return item.value
        self._wrong_type(key, item, "a list", hint)
        return ()

    def duration(self, key: str) -> timedelta | None:
        """A length of time."""
        item = self._items.get(key)
        return None if item is None else self._duration(key, item)

    def durations(self, key: str) -> tuple[tuple[Place, timedelta], ...]:
        """One length of time or a list of them, each with its place; empty when it is not there."""
        item = self._items.get(key)
        if item is None:
            return ()
        if item.value == ():
            self.problem(item.place, f"`{key}` is an empty list", "leave it out")
        parts = item.value if isinstance(item.value, tuple) else (item,)
        found = ((part.place, self._duration(key, part)) for part in parts)
        return tuple((place, span) for place, span in found if span is not None)

    def yes_or_no(self, key: str) -> bool | None:
        """True or false, of a key that may also hold something else; None where it does, or is not there."""
        item = self._items.get(key)
        return item.value if item is not None and isinstance(item.value, bool) else None

    def count(self, key: str, least: int, most: int) -> int | None:
        """A whole number within bounds."""
        item = self._items.get(key)
        if item is None:
            return None
        if not isinstance(item.value, Decimal):
            self._wrong_type(key, item, "a number")
            return None
        if item.value != item.value.to_integral_value() or not least <= item.value <= most:
            self.problem(item.place, f"`{key}` must be a whole number from {least} to {most}")
            return None
        return int(item.value)

    def amount(self, key: str) -> Node | None:
        """A number, or text that holds one with its unit."""
        item = self._items.get(key)
        if item is None or isinstance(item.value, (str, Decimal)):
            return item
        self._wrong_type(key, item, "a number or text", 'write it like "3%" or 500')
        return None

    def table(self, key: str, hint: str) -> Table | None:
        """A table within this one."""
        item = self._items.get(key)
        if item is None:
            return None
        if not isinstance(item.value, dict):
            self._wrong_type(key, item, "a table", hint)
            return None
        return Table(item, self.problems)

    def _duration(self, key: str, item: Node) -> timedelta | None:
        if not isinstance(item.value, (str, Decimal)):
            self._wrong_type(key, item, "a duration", 'write it like "10s", "5m", "2h" or "1d"')
            return None
        try:
            return parse_duration(str(item.value))
        except BadDurationError as error:
            what, _, hint = str(error).partition("; ")
            if isinstance(item.value, str):
                what += f", not `{_short(item.value)}`" if item.value.strip() else ", and this is empty"
            self.problem(item.place, f"`{key}`: {what}", hint)
            return None

    def _wrong_type(self, key: str, item: Node, wanted: str, hint: str = "") -> None:
        if wanted == "text" and (isinstance(item.value, (bool, Decimal)) or item.kind == "a date or time"):
            hint = hint or "put it in quotes"
        self.problem(item.place, f"`{key}` must be {wanted}, not {item.kind}", hint)


def _short(word: str) -> str:
    """A word of the user's that may be of any length, fit for one sentence."""
    return word if len(word) <= _LONGEST else f"{word[: _LONGEST - 3]}..."
