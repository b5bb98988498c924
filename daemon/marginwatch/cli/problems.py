"""What is wrong in a user's files, as people read it: a sentence that can be searched for, and under it the place."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from marginwatch.errors import Problem

_PIPED = 120
"""Columns where there is no terminal."""
_LEAST = 40
"""Columns of the line that are shown, however narrow the terminal is."""
_TAB = "    "
_STRANGE = "\N{REPLACEMENT CHARACTER}"
"""Stands for what has no shape of its own, or would steer the terminal."""


def print_problems(problems: Sequence[Problem]) -> None:
    """Print every problem on standard error; on a terminal file by file, in colour, with their number at the end."""
    if not sys.stderr.isatty():
        for problem in problems:
            _print(str(problem), *excerpt(problem, _PIPED))
        return
    width = shutil.get_terminal_size().columns
    for problem in _by_file(problems):
        place = str(problem.place)
        _print(_styled(place, bold=True) + str(problem).removeprefix(place))
        for line, style in zip(excerpt(problem, width), ({"fg": "cyan"}, {"fg": "red"}), strict=False):
            _print(_styled(line, **style))
        _print("")
    files = len({problem.place.file for problem in problems})
    _print(_styled(f"{plural(len(problems), 'problem')} in {plural(files, 'file')}", fg="red", bold=True))


def excerpt(problem: Problem, width: int) -> Iterator[str]:
    """The line a problem is about, behind its number, and below it carets at the place; nothing without a line.

    Neither is longer than `width` columns: of a long line, what is around the place is shown.
    """
    if not problem.line:
        return
    gutter = f"  {problem.place.line} | "
    line, start, length = _cut(problem, max(width - len(gutter), _LEAST))
    before, marked = _shown(line[:start]), _shown(line[start : start + length])
    yield gutter + before + marked + _shown(line[start + length :])
    yield f"{'| ':>{len(gutter)}}{' ' * _columns(before)}^{'~' * (_columns(marked) - 1)}"


def _by_file(problems: Sequence[Problem]) -> list[Problem]:
    order = {file: number for number, file in enumerate(dict.fromkeys(problem.place.file for problem in problems))}
    return sorted(problems, key=lambda problem: order[problem.place.file])


def _print(*lines: str) -> None:
    from marginwatch.ops.redact import REDACTOR

    for line in lines:
        click.echo(REDACTOR.known(line), err=True)


def _styled(text: str, **style: Any) -> str:  # noqa: ANN401  (as click declares it)
    return text if os.environ.get("NO_COLOR") else click.style(text, **style)


def _cut(problem: Problem, room: int) -> tuple[str, int, int]:
    """The part of the line that fits, and in it where the place starts and how long it is, in characters."""
    line = problem.line.rstrip()
    start = min(problem.place.col - 1, len(line))
    stop = max(start, min(problem.place.end - 1, len(line)))
    first, last = max(0, start - room), min(len(line), start + room)
    while _columns(_shown(line[first:last])) > room - (first > 0) - (last < len(line)):
        if last - start > start - first:  # the end that is further away loses a character
            last -= 1
        else:
            first += 1
    cut = ("…" if first else "") + line[first:last] + ("…" if last < len(line) else "")
    return cut, start - first + (first > 0), min(stop, last) - start


def _shown(text: str) -> str:
    """The text as it stands on a terminal, every character with its own columns."""
    return "".join(_TAB if char == "\t" else char if char.isprintable() else _STRANGE for char in text)


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
