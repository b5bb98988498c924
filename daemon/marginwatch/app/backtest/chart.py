"""A timeline of a backtest as text: a row a rule, a cell a stretch of time, dark where it was bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from marginwatch.app.backtest.report import Line, Report

BLOCKS: Final = {Severity.CRITICAL: "█", Severity.WARNING: "▓", Severity.INFO: "▒"}
LETTERS: Final = {Severity.CRITICAL: "#", Severity.WARNING: "+", Severity.INFO: "-"}
_LEAST: Final = 10
"""Cells, however narrow the terminal is."""
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class Looks:
    """The characters of a chart."""

    cells: dict[Severity, str]
    quiet: str
    call: str

    @property
    def legend(self) -> str:
        """What they mean."""
        told = ", ".join(f"{self.cells[severity]} {severity.label}" for severity in reversed(Severity))
        return f"{told}, {self.quiet} quiet, {self.call} margin call"


PRETTY: Final = Looks(BLOCKS, "·", "▼")
PLAIN: Final = Looks(LETTERS, ".", "v")


def chart(report: Report, lines: Sequence[Line], width: int, looks: Looks) -> Iterator[str]:
    """The rows, none wider than `width` unless there is hardly any."""
    names = [line.name for line in lines]
    left = max(len(name) for name in [*names, "margin calls" if report.calls else ""])
    cells = max(width - left - 2, _LEAST)
    if report.calls:
        marks = _marks(report, cells)
        yield f"{'margin calls'.ljust(left)}  {''.join(looks.call if mark else ' ' for mark in marks)}".rstrip()
    for name, line in zip(names, lines, strict=True):
        worst = severities(report, line, cells)
        yield f"{name.ljust(left)}  {''.join(looks.quiet if each is None else looks.cells[each] for each in worst)}"
    first, last = (_label(report, at) for at in (report.since, report.until))
    yield f"{' ' * left}  {first}{last.rjust(max(cells - len(first), len(last) + 1))}"


def severities(report: Report, line: Line, cells: int) -> list[Severity | None]:
    """The worst the rule was in each cell of the span; None where it was quiet."""
    step = (report.until - report.since) / cells
    found: list[Severity | None] = [None] * cells
    for episode in line.episodes:
        first = place(report, episode.fired_at, cells)
        last = place(report, episode.ended_at or report.until, cells)
        for cell in range(first, last + 1):
            since = report.since + cell * step
            severity = episode.severity_in(since, since + step) or episode.severities[-1][1]
            known = found[cell]
            found[cell] = severity if known is None else max(known, severity)
    return found


def place(report: Report, at: datetime, cells: int) -> int:
    """The cell that a moment falls into; the first or last one for a moment outside."""
    whole = (report.until - report.since).total_seconds()
    share = (at - report.since).total_seconds() / whole if whole else 0.0
    return min(max(int(share * cells), 0), cells - 1)


def _marks(report: Report, cells: int) -> list[bool]:
    marks = [False] * cells
    for call in report.calls:
        if call.at >= report.since:
            marks[place(report, call.at, cells)] = True
    return marks


def _label(report: Report, at: datetime) -> str:
    long = (report.until - report.since).total_seconds() >= _DAY_SECONDS
    return f"{at:%Y-%m-%d}" if long else f"{at:%m-%d %H:%M:%S}"
