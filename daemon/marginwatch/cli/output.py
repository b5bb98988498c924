"""How listings look: tables with colour that fit the terminal, plain columns when piped, JSON on request."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STYLES = {
    "critical": "bold red",
    "warning": "yellow",
    "info": "cyan",
    "firing": "bold red",
    "pending": "yellow",
    "resolved": "green",
    "delivered": "green",
    "dead": "bold red",
    "good": "green",
    "failing": "bold red",
    "silent": "bold red",
    "stale": "yellow",
    "untried": "yellow",
}
"""Words that carry a colour wherever they stand alone in a cell."""

_GAP = 2
_LEAST_WRAPPED = 20
"""Columns of the terminal that a wrapping column gets at least."""


class NotWrittenError(MarginwatchError):
    """A file for what was asked for cannot be written."""

    def __init__(self, file: Path, cause: OSError) -> None:
        super().__init__(f"{file} cannot be written: {(cause.strerror or str(cause)).lower()}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    key: str
    """Key of the row's value."""
    title: str
    right: bool = False
    """Aligned right, for numbers."""
    rank: int = 0
    """A terminal that is too narrow loses the columns of the highest rank first, and never those of rank 0."""
    wraps: bool = False
    """Holds a text that may take several lines on a terminal."""


def emit_json(value: object) -> None:
    """Print one JSON document, money as exact text and times in ISO 8601."""
    click.echo(json.dumps(value, default=_jsonable, indent=2, ensure_ascii=False))


def emit_table(
    rows: Sequence[Mapping[str, object]], columns: Sequence[Column], *, empty: str, now: datetime | None = None
) -> None:
    """Print a table, fit for the terminal or plain when piped; `empty` is said for no rows.

    With `now`, times of the same day lose their date on a terminal.
    """
    if not rows:
        click.echo(empty)
    elif sys.stdout.isatty():
        _pretty([{column.key: _cell(row.get(column.key), now) for column in columns} for row in rows], columns)
    else:
        _plain(rows, columns)


def say(text: str, style: str) -> None:
    """Print a line, in colour on a terminal."""
    if not sys.stdout.isatty():
        click.echo(text)
        return
    from rich.console import Console
    from rich.text import Text

    Console(soft_wrap=True).print(Text(text, style=style))


def age(at: datetime | None, now: datetime) -> str:
    """How long ago, in one unit: `12 s`, `3 min`, `5 h`, `2 d`; empty for never."""
    if at is None:
        return ""
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _jsonable(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f")
    assert isinstance(value, frozenset)  # the last kind of value that JSON lacks
    return sorted(value)


def _cell(value: object, now: datetime | None = None) -> str:
    from marginwatch.notify.words import clean, moment

    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC") if now is None else moment(value, now)
    return clean(str(value))


def _pretty(rows: Sequence[Mapping[str, str]], columns: Sequence[Column]) -> None:
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    told = [column for column in columns if any(row[column.key] != "-" for row in rows)]
    widths = {column.key: max(cell_len(column.title), *(cell_len(row[column.key]) for row in rows)) for column in told}
    shown, needed = _fitting(told, widths, console.width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column in shown:
        table.add_column(
            column.title, justify="right" if column.right else "left", no_wrap=not column.wraps, overflow="fold"
        )
    for row in rows:
        cells = [row[column.key] for column in shown]
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    console.width = max(console.width, needed)
    console.print(table, soft_wrap=False, crop=False)
    left_out = ", ".join(column.title for column in told if column not in shown)
    if left_out:
        say(f"no room for {left_out}: a wider terminal or --json shows them", "dim")


def _fitting(columns: Sequence[Column], widths: Mapping[str, int], room: int) -> tuple[list[Column], int]:
    """The columns there is room for, in order, and the width they need at least: nothing is ever cut off."""
    shown = list(columns)
    while True:
        least = [min(widths[each.key], _LEAST_WRAPPED) if each.wraps else widths[each.key] for each in shown]
        needed = sum(least) + _GAP * (len(shown) - 1)
        rank = max(each.rank for each in shown)
        if needed <= room or rank == 0:
            return shown, needed
        shown.remove(next(each for each in reversed(shown) if each.rank == rank))


def _plain(rows: Sequence[Mapping[str, object]], columns: Sequence[Column]) -> None:
    lines = [[column.title for column in columns]]
    lines += [[_cell(row.get(column.key)) for column in columns] for row in rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    for line in lines:
        cells = (
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        )
        click.echo("  ".join(cells).rstrip())
