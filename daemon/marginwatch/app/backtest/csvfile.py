"""Observations as CSV, a column a field."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from marginwatch.app.backtest.cells import NULL, reader
from marginwatch.app.backtest.lines import WHO, Lines
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.model import Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from marginwatch.app.backtest.cells import Reader
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Value

_NEEDED: Final = ("time", "account")


class _Column:
    """One field of one venue; remembers its latest cell, for many cells repeat the one above."""

    __slots__ = ("cell", "latest", "name", "place", "read")

    def __init__(self, place: int, name: str, read: Reader) -> None:
        self.place = place
        self.name = name
        self.read = read
        self.cell = ""
        """The latest that was read."""
        self.latest: Value = None
        """What it said."""

    def value(self, cell: str) -> Value:
        """What another cell says."""
        self.latest = None if cell == NULL else self.read(cell)
        self.cell = cell
        return self.latest


class CsvLines(Lines):
    """A file whose first line names its columns."""

    _head: list[str]
    _places: tuple[int, int, int | None, int | None]
    """Of the time, the account, the venue and `as_of`."""
    _columns: dict[str, list[_Column]]

    def rows(self, lines: Iterable[str]) -> Iterator[tuple[int, Observation]]:
        """Each line that holds anything."""
        table = csv.reader(lines, strict=True)
        try:
            self._head = self.head(next(table, []))
            places = {name: place for place, name in enumerate(self._head)}
            self._places = places["time"], places["account"], places.get("venue"), places.get("as_of")
            self._columns = {name: self._of(catalogue) for name, catalogue in self.catalogues.items()}
            for row in table:
                if row:
                    yield table.line_num, self._observation(table.line_num, row)
        except csv.Error as error:
            raise self.wrong(table.line_num, f"the line is not CSV: {error}") from None

    def head(self, row: Sequence[str]) -> list[str]:
        """The names of the columns, checked."""
        head = [name.strip() for name in row]
        for name in (*_NEEDED, *(() if len(self.catalogues) == 1 else ("venue",))):
            if name not in head:
                hint = "the first line names the columns, such as time,venue,account,equity"
                raise self.wrong(1, f"there is no column `{name}`", hint)
        twice = next((name for name in head if head.count(name) > 1), None)
        if twice is not None:
            raise self.wrong(1, f"there are two columns `{twice}`")
        for name in head:
            if name not in WHO and not any(name in each.fields for each in self.catalogues.values()):
                names = [*WHO, *(known for each in self.catalogues.values() for known in each.fields)]
                raise self.wrong(1, f"no venue has a field `{name}`", did_you_mean(name, names))
        return head

    def _of(self, catalogue: Catalogue) -> list[_Column]:
        """Of one venue: a file may have columns that only another one knows, empty in its lines."""
        known = ((place, name, catalogue.fields.get(name)) for place, name in enumerate(self._head) if name not in WHO)
        return [_Column(place, name, reader(field) if field else _nothing) for place, name, field in known]

    def _observation(self, number: int, row: list[str]) -> Observation:
        if len(row) != len(self._head):
            raise self.wrong(number, f"the line has {len(row)} cells, and there are {len(self._head)} columns")
        time, account, venue, as_of = self._places
        key = self.key(number, "" if venue is None else row[venue], row[account])
        fields: dict[str, Value] = {}
        try:
            for column in self._columns[key.venue]:
                cell = row[column.place]
                if cell:
                    fields[column.name] = column.latest if cell == column.cell else column.value(cell)
        except ValueError as error:
            raise self.wrong(number, f"`{column.name}` must be {error}") from None
        dated = as_of is not None and row[as_of]
        return Observation(
            key,
            self.moment(number, row[time], "time"),
            self.moment(number, dated, "as_of") if dated else None,
            fields,
        )


def _nothing(value: object) -> Value:
    del value
    what = "empty: the venue has no such field"
    raise ValueError(what)
