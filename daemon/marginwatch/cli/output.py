"""How listings look: tables with colour on a terminal, plain columns when piped, JSON on request."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
}
"""Words that carry a colour wherever they stand alone in a cell."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a listing."""

    key: str
    """Key of the row's value; also the JSON key."""
    title: str
    right: bool = False
    """Aligned right, for numbers."""


def emit(rows: Sequence[Mapping[str, object]], columns: Sequence[Column], *, as_json: bool, empty: str) -> None:
    """Print a listing. JSON holds every key of every row; tables show the columns; `empty` is said for no rows."""
    if as_json:
        emit_json(list(rows))
    elif not rows:
        click.echo(empty)
    elif sys.stdout.isatty():
        _pretty(rows, columns)
    else:
        _plain(rows, columns)


def emit_json(value: object) -> None:
    """Print one JSON document, money and times as exact strings."""
    click.echo(json.dumps(value, default=_jsonable, indent=2, ensure_ascii=False))


def when(at: datetime | None, now: datetime) -> str:
    """A time for a table: `14:03:10 UTC`, with the date when it is not today; `-` for none."""
    if at is None:
        return "-"
    return at.strftime("%H:%M:%S UTC" if at.date() == now.date() else "%Y-%m-%d %H:%M:%S UTC")


def age(at: datetime | None, now: datetime) -> str:
    """How long ago: `12 s`, `3 m`, `5 h`, `2 d`; `-` for never."""
    if at is None:
        return "-"
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _jsonable(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    return " ".join(str(value).split())


def _pretty(rows: Sequence[Mapping[str, object]], columns: Sequence[Column]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.title, justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        cells = [_cell(row.get(column.key)) for column in columns]
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    Console().print(table)


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
