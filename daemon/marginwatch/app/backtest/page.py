"""A backtest as one HTML file with pictures: no script, nothing fetched from anywhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from marginwatch.app.backtest.chart import place, severities
from marginwatch.app.backtest.report import DAY, PARTS
from marginwatch.core.model import Severity
from marginwatch.notify.words import clean, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from marginwatch.app.backtest.report import Line, Report

_CELLS: Final = 240
"""Of a timeline."""
_WIDTH, _HEIGHT = 960, 16
_COLOURS: Final = {Severity.CRITICAL: "#c62828", Severity.WARNING: "#ef9f1f", Severity.INFO: "#3f8fc9"}
_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2em auto; padding: 0 1em; color: #1c2730 }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .3em .6em; text-align: right; border-bottom: 1px solid #d8dfe5 }
th:first-child, td:first-child { text-align: left }
tr.now td:first-child { font-weight: 600 }
figure { margin: 1em 0 }
figcaption { font-weight: 600 }
svg { width: 100%; display: block }
li { margin: .2em 0 }
.quiet { color: #5b6b78 }
"""
_HEADS: Final = (
    *("Rule", "Critical", "Warning", "Info", "Messages", "Day", "Night", "Weekend"),
    *("Open, median", "Longest", "Flapped", "Calls led", "Lead, median"),
)


def page(report: Report) -> str:
    """The whole document."""
    title = f"Backtest, {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *_head(report),
        *_table(report),
        "<h2>When</h2>",
        *(_timeline(report, line) for line in report.lines),
        *_calls(report),
        *_listed("What these data cannot show", report.notes),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _head(report: Report) -> Iterator[str]:
    sight = report.sight
    yield f"<p>{_text(report.source)}: {sight.observations:,} observations of {len(sight.accounts):,} accounts.</p>"
    if report.exact:
        yield "<p>Decided exactly as live: the same rules, answers and moments.</p>"
    zones = ", ".join(f"{zone} at {venue}" for venue, zone in report.zones.items())
    day = f"Mon-Fri {DAY[0]:02}:00-{DAY[-1] + 1}:00"
    yield f'<p class="quiet">Day is {day}, by the clock of {_text(zones)}.</p>'


def _table(report: Report) -> Iterator[str]:
    yield f"<table><tr>{''.join(f'<th>{escape(head)}</th>' for head in _HEADS)}</tr>"
    for line in report.lines:
        kind = ' class="now"' if report.sweeps and line.current else ""
        yield f"<tr{kind}>{''.join(f'<td>{_text(cell)}</td>' for cell in _cells(report, line))}</tr>"
    yield "</table>"


def _cells(report: Report, line: Line) -> Iterator[str]:
    yield line.name + (" (now)" if report.sweeps and line.current else "")
    yield from (f"{line.pages[severity.label]:,}" for severity in reversed(Severity))
    yield f"{line.messages:,}"
    yield from (f"{line.when[part]:,}" for part in PARTS)
    yield _length(line.open_median)
    yield _length(line.open_longest) + (" so far" if line.open_at_end else "")
    yield f"{line.flapped:,}"
    yield f"{len(line.led)} of {len(line.leads)}" if line.leads else "-"
    yield _length(line.lead_median)


def _timeline(report: Report, line: Line) -> str:
    """A picture of one rule: bars where it was firing, marks where there were margin calls."""
    wide = _WIDTH / _CELLS
    bars = [
        f'<rect x="{cell * wide:g}" y="0" width="{wide:g}" height="{_HEIGHT}" fill="{_COLOURS[severity]}"/>'
        for cell, severity in enumerate(severities(report, line, _CELLS))
        if severity is not None
    ]
    marks = [
        f'<path d="M{place(report, call.at, _CELLS) * wide:g} {_HEIGHT} v6" stroke="#111" stroke-width="2"/>'
        for call, _ in line.leads
    ]
    name = _text(line.name)
    return (
        f'<figure><figcaption>{name}</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT + 8}" role="img" '
        f'aria-label="{name}"><rect width="{_WIDTH}" height="{_HEIGHT}" fill="#eef2f5"/>'
        f"{''.join(bars)}{''.join(marks)}</svg></figure>"
    )


def _calls(report: Report) -> Iterator[str]:
    if not report.calls:
        return
    told = [
        f"{report.name(call.account)} at {call.account.venue}: {call.field} from {call.at:%Y-%m-%d %H:%M:%S} UTC"
        for call in report.calls
    ]
    yield from _listed("Margin calls", told)


def _listed(title: str, items: Iterable[str]) -> Iterator[str]:
    found = [f"<li>{_text(item)}</li>" for item in items]
    if found:
        yield f"<h2>{escape(title)}</h2><ul>{''.join(found)}</ul>"


def _text(words: str) -> str:
    return escape(clean(words))


def _length(length: timedelta | None) -> str:
    return "-" if length is None else span(length)
