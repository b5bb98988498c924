"""Puts under each problem the line it is about, unless that line may hold a secret."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

from marginwatch.ops.redact import REDACTOR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from marginwatch.config.document import Node, Source
    from marginwatch.config.places import Loc
    from marginwatch.errors import Place, Problem

    Show = Callable[[Place, str], str]
    """What may be shown of the line of a place; empty for nothing."""

_LONGEST = 2_000
"""Characters. A longer line was not written by hand, and looking for secrets in it could take seconds."""
_KEY = re.compile(r"\s*(\w+)\s*=")
_HEAD = re.compile(r"\s*\[+[\w\s.-]*\]*\s*")
_COMMENT = re.compile(r"([\s\])}]*)#.*")


def quoted(problems: Iterable[Problem], source: Source, show: Show | None = None) -> tuple[Problem, ...]:
    """The problems, those with a place in this text together with their line as far as `show` lets it be seen.

    A line with a known secret, or with anything that looks like one, is never shown.
    """
    lines = source.text.split("\n")

    @cache
    def harmless(text: str) -> bool:
        return REDACTOR.text(text) == text

    def quote(problem: Problem) -> Problem:
        at = problem.place
        if problem.line or at.file != source.file or not at.end or at.line > len(lines):
            return problem
        line = lines[at.line - 1]
        shown = "" if len(line) > _LONGEST else show(at, line) if show else line
        return replace(problem, line=shown if harmless(shown) else "")

    return tuple(quote(problem) for problem in problems)


@dataclass(slots=True)
class _Line:
    """What stands in one line of a config."""

    secret: int | None = None
    """Characters before the first value that may be a secret."""
    end: int = 0
    """Characters up to the end of the last value."""


class ConfigLines:
    """Which lines of a config hold no secret: those whose every value is known to be none.

    Of a line with one, what stands before it is shown when the problem is there: a misspelt key, for example, whose
    value nobody can tell.
    """

    def __init__(self, root: Node, is_secret: Callable[[Loc], bool]) -> None:
        self._root = root
        self._is_secret = is_secret

    @cached_property
    def _lines(self) -> dict[int, _Line] | None:
        """Every line that a value touches, by its number; None when a secret is there and nobody can tell where."""
        lines: dict[int, _Line] = {}
        for loc, node in _leaves(self._root, ()):
            place, secret = node.place, self._is_secret(loc)
            if secret and node.start == node.end:
                return None
            for number, part in enumerate(node.source.text[node.start : node.end].split("\n")):
                line = lines.setdefault(place.line + number, _Line())
                start = 0 if number else place.col - 1
                line.end = max(line.end, start + len(part))
                if secret:
                    line.secret = start if line.secret is None else min(line.secret, start)
        return lines

    def __call__(self, place: Place, text: str) -> str:
        """What may be shown of the line of a place."""
        if self._lines is None:
            return ""
        line = self._lines.get(place.line)
        if line is None:
            head = _HEAD.match(text)
            return text[: head.end()].rstrip() if head else ""
        if line.secret is not None:
            return f"{text[: line.secret]}…" if place.end <= line.secret + 1 else ""
        comment = _COMMENT.fullmatch(text, line.end)
        return (text[: line.end] + comment[1]).rstrip() if comment else text


def only_keys(known: Collection[str]) -> Show:
    """For a config that is not TOML, so that nobody can tell where its secrets are: lines of these keys alone."""

    def show(place: Place, text: str) -> str:
        del place
        key = _KEY.match(text)
        plain = _HEAD.fullmatch(text) is not None or (key is not None and key[1] in known)
        return text.partition("#")[0].rstrip() if plain else ""

    return show


def _leaves(node: Node, loc: Loc) -> Iterator[tuple[Loc, Node]]:
    """Every value that holds no other, with the way to it."""
    inner: Iterable[tuple[str | int, Node]] = ()
    if isinstance(node.value, dict):
        inner = node.value.items()
    elif isinstance(node.value, tuple):
        inner = enumerate(node.value)
    else:
        yield loc, node
    for step, child in inner:
        yield from _leaves(child, (*loc, step))
