"""YAML with places, from ruamel.yaml's nodes alone: nothing is ever constructed from a tag."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from marginwatch.config.document import Document, Foreign, Node, Plain, Source
from marginwatch.errors import Place, Problem

Syntax: TypeAlias = "ScalarNode | SequenceNode | MappingNode"
_DEEPEST = 30
_MOST_VALUES = 50_000
"""Aliases may repeat a value, but a file of a few lines must not unfold into millions of them."""
_TAG = "tag:yaml.org,2002:"
_HALF = re.compile("[\ud800-\udfff]")
"""What the escapes of YAML can write and no file, terminal or message can hold."""
_HINTS = (
    ("mapping values are not allowed", "text that holds a colon and a space needs quotes"),
    ("expected a comment or a line break", "text that begins with > or | needs quotes"),
    ("found character '\\t'", "indent with spaces"),
    ("cannot start any token", "text that begins with a special character needs quotes"),
    ("expected a single document", "one file holds one document"),
    ("found undefined alias", "text that begins with * needs quotes"),
)


def parse_yaml(source: Source) -> Document:
    """The values of a YAML text with their places, every key set twice, or the problem that stops it being YAML."""
    loader = YAML(typ="safe", pure=True)
    loader.max_depth = _DEEPEST
    loader.composer.warn_double_anchors = False
    try:
        top = loader.compose(source.text)
    except (YAMLError, ValueError, OverflowError) as error:
        # the last two: an escape beyond Unicode, a version number of thousands of digits
        return Document(None, (_problem(source, error),))
    tree = _Tree(source)
    root = Node(source, 0, 0, {}) if top is None else tree.node(top)
    if tree.left < 0:
        return Document(None, (Problem(Place(source.file), "its aliases unfold into too many or endless values"),))
    return Document(root, tuple(tree.problems))


def _problem(source: Source, error: Exception) -> Problem:
    if isinstance(error, ReaderError):
        return Problem(source.place(error.position, 1), "this character is not allowed in YAML")
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem(Place(source.file), "this is not YAML")
    at = error.problem_mark.index
    words = " ".join(str(part) for part in (error.context, error.problem) if part)
    if "maximum depth" in words:
        return Problem(source.place(at, 1), "the values are nested too deeply")
    hint = next((hint for part, hint in _HINTS if part in words), "")
    return Problem(source.place(at, 1), f"this is not YAML: {words}", hint)


class _Tree:
    """Turns ruamel's nodes of one file into ours, and collects the keys that are set twice."""

    def __init__(self, source: Source) -> None:
        self.problems: list[Problem] = []
        self.left = _MOST_VALUES
        """Values that may still be made; negative once there were too many, which ends even endless aliases."""
        self._source = source

    def node(self, syntax: Syntax, key: int = -1, depth: int = 0) -> Node:
        """One value with all below it."""
        self.left -= 1
        if depth > _DEEPEST:
            self.left = -1
        start, end = syntax.start_mark.index, syntax.end_mark.index
        value = self._value(syntax, depth) if self.left >= 0 else None
        if isinstance(syntax, ScalarNode) and not syntax.value and key >= 0:
            start = end = min(start, self._line_end(key))
        return Node(self._source, start, end, value, key)

    def _line_end(self, offset: int) -> int:
        """Where the line of this character ends: an omitted value stands at the end of its key's line."""
        at = self._source.text.find("\n", offset)
        return len(self._source.text) if at < 0 else at

    def _value(self, syntax: Syntax, depth: int) -> Plain:
        tag = str(syntax.tag)
        if isinstance(syntax, MappingNode) and tag == f"{_TAG}map":
            return self._table(syntax, depth)
        if isinstance(syntax, SequenceNode) and tag == f"{_TAG}seq":
            return tuple(self.node(item, depth=depth + 1) for item in syntax.value)
        if isinstance(syntax, ScalarNode) and tag.startswith(_TAG):
            return _scalar(tag.removeprefix(_TAG), syntax.value)
        return Foreign("a value with a tag")

    def _table(self, syntax: MappingNode, depth: int) -> dict[str, Node]:
        table: dict[str, Node] = {}
        for key, item in syntax.value:
            at = key.start_mark.index
            if not isinstance(key, ScalarNode):
                self.problems.append(Problem(self._source.place(at, 1), "a key must be a word, not a list or a table"))
            elif key.value in table:
                first = table[key.value].key_place
                what = f"`{key.value}` is set twice; the first is in line {first.line}"
                self.problems.append(Problem(self._source.place(at, len(key.value)), what))
            else:
                table[key.value] = self.node(item, at, depth + 1)
        return table


def _scalar(kind: str, text: str) -> Plain:
    if kind == "str":
        return Foreign("text with half a character") if _HALF.search(text) else text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"true", "yes", "on", "y"}
    if kind in {"int", "float"}:
        return _number(text)
    return Foreign("a date or time" if kind == "timestamp" else "a value with a tag")


def _number(text: str) -> Decimal | Foreign:
    """A number as written; other bases than ten are no number a rule takes."""
    try:
        number = Decimal(text.replace("_", ""))
    except InvalidOperation:
        return Foreign("a number in an unusual notation")
    return number if number.is_finite() else Foreign("nan or infinity")
