"""The past from files: CSV with a column a field, or JSON lines.

time,venue,account,equity,margin_usage,in_margin_call
2026-11-02T14:00:00Z,futures,A-1,100000,81.5%,false

{"time": "2026-11-02T14:00:00Z", "venue": "futures", "account": "A-1", "fields": {"margin_usage": 0.815}}
"""

from __future__ import annotations

import csv
import heapq
import json
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from marginwatch.app.backtest.cells import NULL, moment, reader
from marginwatch.app.backtest.turn import Turn
from marginwatch.config.suggest import did_you_mean
from marginwatch.core.engine import Answer
from marginwatch.core.model import AccountKey, Normalised, Observation
from marginwatch.errors import InvalidInputError, Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from io import BufferedReader
    from pathlib import Path

    from marginwatch.app.backtest.cells import Reader
    from marginwatch.core.fields import Catalogue, Field
    from marginwatch.core.model import Value

WHO: Final = ("time", "venue", "account", "as_of")
"""What says of whom and when a line is; everything else is a field."""
JSON_KEYS: Final = (*WHO, "fields", "positions")
_READ: Final = attrgetter("fetched_at")


class Filed:
    """Files of observations, oldest first; what is wrong with them is raised with file and line, as it is met."""

    def __init__(self, files: Sequence[Path], catalogues: Mapping[str, Catalogue]) -> None:
        """`catalogues` by name of the venue in the config."""
        self.bytes = 0
        """Read so far."""
        self.thinned_until: datetime | None = None
        """Nothing is dropped from files."""
        self.size = sum(_size(file) for file in files)
        self._files = files
        self._catalogues = catalogues

    def __iter__(self) -> Iterator[Turn]:
        observations = heapq.merge(*(self._file(file) for file in self._files), key=_READ)
        for at, group in groupby(observations, _READ):
            yield Turn(at, [Answer(each.account.venue, Normalised(observations=(each,))) for each in group])

    def _file(self, path: Path) -> Iterator[Observation]:
        with _opened(path) as file:
            lines = self._lines(path, file)
            rows = _Csv(path, self._catalogues).rows if path.suffix == ".csv" else _Json(path, self._catalogues).rows
            before: datetime | None = None
            for number, observation in rows(lines):
                if before is not None and observation.fetched_at < before:
                    raise _wrong(path, number, "its time lies before that of the line above", "sort the file by time")
                before = observation.fetched_at
                yield observation

    def _lines(self, path: Path, file: BufferedReader) -> Iterator[str]:
        for number, line in enumerate(file, 1):
            self.bytes += len(line)
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise _wrong(path, number, "the line is not UTF-8 text", "save it as UTF-8") from None


class _Rows:
    """What both kinds of files share: whose a line is, and which fields there are."""

    def __init__(self, path: Path, catalogues: Mapping[str, Catalogue]) -> None:
        self.path = path
        self.catalogues = catalogues
        self._keys: dict[tuple[str, str], AccountKey] = {}

    def key(self, number: int, venue: object, account: object) -> AccountKey:
        """The account that a line names; the one venue there is when it names none."""
        if not venue and len(self.catalogues) == 1:
            (venue,) = self.catalogues
        found = self._keys.get((str(venue), str(account)))
        if found is not None:
            return found
        if venue not in self.catalogues:
            hint = did_you_mean(str(venue), self.catalogues) or f"the venues are {', '.join(self.catalogues)}"
            raise self.wrong(number, f"no venue in the config is named `{venue or ''}`", hint)
        if not account or not isinstance(account, str):
            raise self.wrong(number, "the line names no account")
        key = self._keys[str(venue), account] = AccountKey(str(venue), account)
        return key

    def moment(self, number: int, value: object, name: str) -> datetime:
        """A time of a line."""
        try:
            return moment(value)
        except ValueError as error:
            raise self.wrong(number, f"`{name}` must be {error}") from None

    def reader(self, number: int, fields: Mapping[str, Field], name: str, owner: str) -> Reader:
        """What reads the values of a field that the venue has."""
        field = fields.get(name)
        if field is None:
            raise self.wrong(number, f"{owner} has no field `{name}`", did_you_mean(name, fields))
        return reader(field)

    def read(self, number: int, name: str, read: Reader, value: object) -> Value:
        """One value."""
        try:
            return read(value)
        except ValueError as error:
            raise self.wrong(number, f"`{name}` must be {error}") from None

    def wrong(self, number: int, what: str, hint: str = "") -> InvalidInputError:
        """What is wrong with a line."""
        return _wrong(self.path, number, what, hint)


class _Csv(_Rows):
    """A file whose first line names its columns."""

    def rows(self, lines: Iterable[str]) -> Iterator[tuple[int, Observation]]:
        """Each line that holds anything."""
        table = csv.reader(lines, strict=True)
        try:
            head = [name.strip() for name in next(table, [])]
            places = self._places(head)
            readers: dict[str, list[tuple[int, str, Reader]]] = {}
            for row in table:
                if row:
                    yield table.line_num, self._observation(table.line_num, head, places, row, readers)
        except csv.Error as error:
            raise self.wrong(table.line_num, f"the line is not CSV: {error}") from None

    def _places(self, head: list[str]) -> dict[str, int]:
        for name in ("time", "account", *(() if len(self.catalogues) == 1 else ("venue",))):
            if name not in head:
                hint = f"the first line names the columns, such as time,venue,account,{'equity'}"
                raise self.wrong(1, f"there is no column `{name}`", hint)
        twice = next((name for name in head if head.count(name) > 1), None)
        if twice is not None:
            raise self.wrong(1, f"there are two columns `{twice}`")
        for name in head:
            if name not in WHO and not any(name in each.fields for each in self.catalogues.values()):
                names = [*WHO, *(known for each in self.catalogues.values() for known in each.fields)]
                raise self.wrong(1, f"no venue has a field `{name}`", did_you_mean(name, names))
        return {name: place for place, name in enumerate(head) if name in WHO}

    def _observation(
        self,
        number: int,
        head: list[str],
        places: Mapping[str, int],
        row: list[str],
        readers: dict[str, list[tuple[int, str, Reader]]],
    ) -> Observation:
        if len(row) != len(head):
            raise self.wrong(number, f"the line has {len(row)} cells, and there are {len(head)} columns")
        key = self.key(number, row[places["venue"]] if "venue" in places else "", row[places["account"]])
        columns = readers.get(key.venue)
        if columns is None:
            columns = readers[key.venue] = self._columns(head, self.catalogues[key.venue])
        fields: dict[str, Value] = {}
        for place, name, read in columns:
            cell = row[place]
            if cell == NULL:
                fields[name] = None
            elif cell:
                fields[name] = self.read(number, name, read, cell)
        as_of = row[places["as_of"]] if "as_of" in places else ""
        return Observation(
            key,
            self.moment(number, row[places["time"]], "time"),
            self.moment(number, as_of, "as_of") if as_of else None,
            fields,
        )

    def _columns(self, head: list[str], catalogue: Catalogue) -> list[tuple[int, str, Reader]]:
        """Of one venue: a file may have columns that only another one knows, empty in its lines."""
        known = ((place, name, catalogue.fields.get(name)) for place, name in enumerate(head) if name not in WHO)
        return [(place, name, reader(field) if field else _nothing) for place, name, field in known]


class _Json(_Rows):
    """A file with one JSON object a line."""

    def rows(self, lines: Iterable[str]) -> Iterator[tuple[int, Observation]]:
        """Each line that holds anything."""
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, self._observation(number, self._object(number, line))

    def _object(self, number: int, line: str) -> dict[str, Any]:
        try:
            said = json.loads(line, parse_float=Decimal, parse_int=Decimal, parse_constant=str)
        except (ValueError, RecursionError):
            raise self.wrong(number, "the line is not a JSON object") from None
        if not isinstance(said, dict):
            raise self.wrong(number, "the line is not a JSON object")
        stranger = next((name for name in said if name not in JSON_KEYS), None)
        if stranger is not None:
            hint = did_you_mean(stranger, JSON_KEYS) or "fields of the account stand in `fields`"
            raise self.wrong(number, f"there is no key `{stranger}`", hint)
        return said

    def _observation(self, number: int, said: Mapping[str, Any]) -> Observation:
        key = self.key(number, said.get("venue"), said.get("account"))
        catalogue = self.catalogues[key.venue]
        as_of, positions = said.get("as_of"), said.get("positions")
        if positions is not None and not isinstance(positions, list):
            raise self.wrong(number, "`positions` must be a list of objects")
        return Observation(
            key,
            self.moment(number, said.get("time"), "time"),
            None if as_of is None else self.moment(number, as_of, "as_of"),
            self._values(number, said.get("fields"), "fields", catalogue.fields, key.venue),
            None
            if positions is None
            else tuple(
                self._values(number, each, "positions", catalogue.positions, f"a position of {key.venue}")
                for each in positions
            ),
        )

    def _values(self, number: int, said: object, key: str, fields: Mapping[str, Field], owner: str) -> dict[str, Value]:
        if not isinstance(said, dict):
            raise self.wrong(number, f"`{key}` must be an object of fields and their values")
        return {
            name: None if value is None else self.read(number, name, self.reader(number, fields, name, owner), value)
            for name, value in said.items()
        }


def _nothing(value: object) -> Value:
    del value
    what = "empty: the venue has no such field"
    raise ValueError(what)


def _wrong(path: Path, number: int, what: str, hint: str = "") -> InvalidInputError:
    return InvalidInputError((Problem(Place(str(path), number), what, hint),))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unread(path, error) from None


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unread(path, error) from None


def _unread(path: Path, error: OSError) -> InvalidInputError:
    what = f"the file cannot be read: {(error.strerror or 'unknown cause').lower()}"
    return InvalidInputError((Problem(Place(str(path)), what),))
