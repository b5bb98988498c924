"""TOML with places: `tomllib` gives the values, tree-sitter where each key and value stands."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeAlias

import tree_sitter_toml
from tree_sitter import Language, Parser

from marginwatch.config.document import Document, Foreign, Node, Plain, Source
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node as Syntax

Path: TypeAlias = "tuple[str | int, ...]"
_WHERE = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<col>\d+)|end of document)\)$", re.DOTALL)
_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})
_PLAIN_WORDS = {
    "Invalid value": ("this value is not TOML", "text needs quotes"),
    "Invalid statement": ("this is no key, no table and no comment", "a key of letters beyond a to z needs quotes"),
    "Unclosed inline table": ("this table is not closed here", "is a quote, a comma or a } missing?"),
    "Cannot overwrite a value": ("this key was already set above", "keep one of the two"),
    "Expected '=' after a key in a key/value pair": ("a key must be followed by = and its value", ""),
    "Illegal character '\\n'": ("the text is not closed on its line", "is a quote missing?"),
    "Expected newline or end of document after a statement": (
        "one value was expected on this line",
        "is a quote missing?",
    ),
}


def parse_toml(source: Source) -> Document:
    """The values of a TOML text with their places, or the one problem that stops it from being TOML."""
    try:
        values = tomllib.loads(source.text, parse_float=_decimal)
        places = _Places(source)
        return Document(_node(places, values, (), 0))
    except tomllib.TOMLDecodeError as error:
        return Document(None, (_problem(source, str(error)),))
    except RecursionError:
        return Document(None, (Problem(Place(source.file), "the values are nested too deeply"),))
    except ValueError:
        # tomllib hands an integer of thousands of digits to int(), which refuses it
        return Document(None, (Problem(Place(source.file), "a number has too many digits"),))


def _decimal(text: str) -> Decimal | Foreign:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Foreign("a number with an absurd exponent")
    return number if number.is_finite() else Foreign("nan or infinity")


def _problem(source: Source, sentence: str) -> Problem:
    found = _WHERE.match(sentence)
    what = found["what"] if found else sentence
    place = source.place(len(source.text.rstrip()), 1)
    if found and found["line"]:
        col = int(found["col"])
        place = Place(source.file, int(found["line"]), col, col + 1)
    if what == "Cannot overwrite a value":
        # tomllib stands behind the value; the key begins the line
        line = source.text.split("\n")[place.line - 1]
        indent = len(line) - len(line.lstrip())
        place = Place(source.file, place.line, indent + 1, len(line) + 1)
    if twice := _TWICE.fullmatch(what):
        words = ".".join(re.findall(r"'([^']*)'", twice[1]))
        return Problem(place, f"there are two tables [{words}]", "put their keys into one")
    plain, hint = _PLAIN_WORDS.get(what, (f"this is not TOML: {what[:1].lower()}{what[1:]}", ""))
    return Problem(place, plain, hint)


def _node(places: _Places, value: object, path: Path, parent: int) -> Node:
    key, start, end = places.found.get(path, (-1, parent, parent))
    return Node(places.source, start, end, _plain(places, value, path, start), key)


def _plain(places: _Places, value: object, path: Path, start: int) -> Plain:
    if isinstance(value, dict):
        return {key: _node(places, item, (*path, key), start) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_node(places, item, (*path, number), start) for number, item in enumerate(value))
    if isinstance(value, (bool, str, Decimal, Foreign)):
        return value
    if isinstance(value, int):
        return Decimal(value)
    return Foreign("a date or time")


class _Places:
    """Where everything in one TOML text stands: path to (start of its key or -1, start, end), in characters."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: dict[Path, tuple[int, int, int]] = {(): (-1, 0, 0)}
        self._lines = source.text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._counts: dict[Path, int] = {}
        tree = Parser(Language(tree_sitter_toml.language())).parse(source.text.encode())
        self._walk(tree.root_node)

    def _walk(self, document: Syntax) -> None:
        for child in document.children:
            if child.type == "pair":
                self._pair(child, ())
            elif child.type in {"table", "table_array_element"}:
                path = self._table(child)
                for pair in child.children:
                    if pair.type == "pair":
                        self._pair(pair, path)

    def _table(self, table: Syntax) -> Path:
        header = next(part for part in table.children if part.type in _KEYS)
        bracket = next(part for part in table.children if part.type in {"]", "]]"})
        start, end = self._offset(table.start_point), self._offset(bracket.end_point)
        path: Path = ()
        for key in _keys(header):
            path = self._latest((*path, key))
            self.found.setdefault(path, (start, start, end))
        if table.type == "table_array_element":
            whole = path[:-1] if isinstance(path[-1], int) else path
            self._counts[whole] = self._counts.get(whole, 0) + 1
            path = self._latest(whole)
        self.found[path] = (start, start, end)
        return path

    def _latest(self, path: Path) -> Path:
        """The path, through the newest element where it is an array of tables."""
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _pair(self, pair: Syntax, above: Path) -> None:
        key, *_, value = (part for part in pair.children if part.type != "comment")
        at = self._offset(key.start_point)
        path = above
        for word in _keys(key):
            path = (*path, word)
            self.found.setdefault(path, (at, at, self._offset(key.end_point)))
        self._value(value, path, at)

    def _value(self, value: Syntax, path: Path, key: int) -> None:
        self.found[path] = (key, self._offset(value.start_point), self._offset(value.end_point))
        if value.type == "inline_table":
            for pair in value.children:
                if pair.type == "pair":
                    self._pair(pair, path)
        elif value.type == "array":
            items = (part for part in value.children if part.is_named and part.type != "comment")
            for number, item in enumerate(items):
                self._value(item, (*path, number), -1)

    def _offset(self, point: tuple[int, int]) -> int:
        row, column = point
        line = self._lines[row] if row < len(self._lines) else ""
        return self._starts[row] + (column if line.isascii() else len(line.encode()[:column].decode(errors="ignore")))


def _keys(key: Syntax) -> Iterator[str]:
    """The words of a key, dots resolved and quotes removed."""
    if key.type == "dotted_key":
        for part in key.children:
            yield from _keys(part)
    elif key.type in _KEYS:
        text = (key.text or b"").decode()
        yield text if key.type == "bare_key" else next(iter(tomllib.loads(f"{text} = 0")))
