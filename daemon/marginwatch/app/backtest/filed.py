"""The past from files: CSV with a column a field, or JSON lines.

time,venue,account,equity,margin_usage,in_margin_call
2026-11-02T14:00:00Z,futures,A-1,100000,81.5%,false

{"time": "2026-11-02T14:00:00Z", "venue": "futures", "account": "A-1", "fields": {"margin_usage": 0.815}}
"""

from __future__ import annotations

import csv
import heapq
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from marginwatch.app.backtest.csvfile import CsvLines
from marginwatch.app.backtest.jsonfile import JsonLines
from marginwatch.app.backtest.lines import wrong_line
from marginwatch.app.backtest.turn import Turn
from marginwatch.core.engine import Answer
from marginwatch.core.model import TIMES, Normalised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from io import BufferedReader
    from pathlib import Path

    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Observation
    from marginwatch.errors import InvalidInputError

_CSV: Final = ".csv"
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
        self.columns = self._columns()
        """The fields that there are; None where any may come."""

    def __iter__(self) -> Iterator[Turn]:
        observations = heapq.merge(*(self._file(file) for file in self._files), key=_READ)
        turn: Turn | None = None
        news: list[Answer] = []
        for each in observations:
            if turn is None or turn.at != each.fetched_at:
                if turn is not None:
                    yield turn
                news = []
                turn = Turn(each.fetched_at, news)
            news.append(Answer(each.account.venue, Normalised(observations=(each,))))
        if turn is not None:
            yield turn

    def _columns(self) -> frozenset[str] | None:
        if not all(path.suffix == _CSV for path in self._files):
            return None
        names: set[str] = set()
        for path in self._files:
            with _opened(path) as file:
                names.update(CsvLines(path, self._catalogues).head(next(csv.reader(self._lines(path, file)), [])))
        self.bytes = 0
        return frozenset(names | (TIMES if "as_of" in names else set()))

    def _file(self, path: Path) -> Iterator[Observation]:
        with _opened(path) as file:
            lines = self._lines(path, file)
            rows = (
                CsvLines(path, self._catalogues).rows if path.suffix == _CSV else JsonLines(path, self._catalogues).rows
            )
            before: datetime | None = None
            for number, observation in rows(lines):
                if before is not None and observation.fetched_at < before:
                    raise wrong_line(
                        path, number, "its time lies before that of the line above", "sort the file by time"
                    )
                before = observation.fetched_at
                yield observation

    def _lines(self, path: Path, file: BufferedReader) -> Iterator[str]:
        for number, line in enumerate(file, 1):
            self.bytes += len(line)
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise wrong_line(path, number, "the line is not UTF-8 text", "save it as UTF-8") from None


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
    return wrong_line(path, 0, f"the file cannot be read: {(error.strerror or 'unknown cause').lower()}")
