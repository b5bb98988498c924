"""`marginwatch backtest`: what rules would have told of the past."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option, log_quietly, refuse_both
from marginwatch.cli.output import Column, NotWrittenError, emit_json, emit_table, say
from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta

    from marginwatch.app.backtest.report import Line, Report

COLUMNS = (
    Column("rule", "RULE"),
    Column("values", "SET"),
    Column("now", "NOW"),
    Column("critical", "CRITICAL", right=True),
    Column("warning", "WARNING", right=True),
    Column("info", "INFO", right=True, rank=4),
    Column("messages", "MESSAGES", right=True, rank=3),
    Column("day", "DAY", right=True, rank=2),
    Column("night", "NIGHT", right=True, rank=2),
    Column("weekend", "WEEKEND", right=True, rank=2),
    Column("open_median", "OPEN", right=True, rank=1),
    Column("open_longest", "LONGEST", right=True, rank=3),
    Column("flapped", "FLAPPED", right=True, rank=1),
    Column("led", "CALLS LED", right=True),
    Column("lead", "LEAD", right=True),
)
_PLAIN_WIDTH = 100
"""Of a chart that is not on a terminal."""


@click.command()
@config_option
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Only this rule; may be given again.")
@click.option("--from", "since", metavar="TIME", help="From then on: 2026-11-01, 2026-11-01T14:00 or 30d.")
@click.option("--to", "until", metavar="TIME", help="Up to then.")
@click.option("--accounts", multiple=True, metavar="GLOB", help="Only accounts whose id, name or VENUE/ID fits.")
@click.option("--set", "sweeps", multiple=True, metavar="SET", help="RULE.KEY=VALUE or RULE.KEY=A..B/STEP, to compare.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV or JSON lines to go by.",
)
@click.option("--imported", is_flag=True, help="Go by what `backfill` imported instead.")
@click.option(
    "--rules",
    "rule_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rules to try instead of the config's.",
)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print a line a rule as CSV.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Also write a report with pictures.")
def command(
    *,
    config: Path | None,
    rules: tuple[str, ...],
    since: str | None,
    until: str | None,
    accounts: tuple[str, ...],
    sweeps: tuple[str, ...],
    files: tuple[Path, ...],
    imported: bool,
    rule_file: Path | None,
    as_json: bool,
    as_csv: bool,
    html: Path | None,
) -> None:
    """Play the past through the rules: what they would have told, when, and how long before each margin call.

    Goes by what the store has observed, by imported history, or by files. --set tries other values side by side, for
    example margin-usage.levels.warning=70%..90%/5% or margin-usage.for=0s..5m/1m.
    """
    from marginwatch import clock
    from marginwatch.app.backtest.request import Request, read_moment
    from marginwatch.app.backtest.run import backtest

    refuse_both(as_csv=as_csv, as_json=as_json)
    log_quietly()
    now = clock.now()
    request = Request(
        rules=rules,
        since=None if since is None else read_moment(since, now),
        until=None if until is None else read_moment(until, now),
        accounts=accounts,
        sets=sweeps,
        files=files,
        imported=imported,
        rule_file=rule_file,
    )
    with _progress() as progress:
        report = backtest(request, config, os.environ, progress)
    if html is not None:
        _write(html, report)
    if as_json:
        emit_json(_document(report))
    elif as_csv:
        click.echo(_csv(report), nl=False)
    else:
        _tell(report)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """A bar on a terminal's standard error, elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("backtest"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("backtest", total=1.0)
        yield lambda done: bar.update(task, completed=done)


def _tell(report: Report) -> None:
    from marginwatch.app.backtest.chart import PLAIN, PRETTY, chart

    _head(report)
    click.echo()
    columns = [column for column in COLUMNS if report.sweeps or column.key not in {"values", "now"}]
    emit_table([_cells(line, report) for line in report.lines], columns, empty="there is no rule to try")
    if report.lines:
        terminal = sys.stdout.isatty()
        looks = PRETTY if terminal else PLAIN
        click.echo()
        for row in chart(report, report.lines, _width() if terminal else _PLAIN_WIDTH, looks):
            click.echo(row)
        say(looks.legend, "dim")
    if report.notes:
        click.echo()
    for note in report.notes:
        click.echo(f"note: {note}")


def _head(report: Report) -> None:
    from marginwatch.app.backtest.report import DAY

    counted = plural(report.sight.observations, "observation"), plural(len(report.sight.accounts), "account")
    click.echo(f"{report.source}: {' of '.join(counted)}, {_span(report)}")
    if report.exact:
        click.echo("decided exactly as live: the same rules, answers and moments")
    zones = ", ".join(f"{zone} at {venue}" for venue, zone in report.zones.items())
    click.echo(f"day is Mon-Fri {DAY[0]:02}:00-{DAY[-1] + 1}:00, by the clock of {zones}")


def _span(report: Report) -> str:
    return f"{report.since:%Y-%m-%d %H:%M:%S} to {report.until:%Y-%m-%d %H:%M:%S} UTC"


def _width() -> int:
    from rich.console import Console

    return Console().width


def _cells(line: Line, report: Report) -> Mapping[str, object]:
    swept = report.sweeps and line.values
    return {
        "rule": line.rule,
        "values": ", ".join(f"{key} {value or 'none'}" for key, value in line.values.items()),
        "now": "now" if swept and line.current else "",
        **line.pages,
        "messages": line.messages,
        **line.when,
        "open_median": _length(line.open_median),
        "open_longest": _length(line.open_longest) + (" so far" if line.open_at_end else ""),
        "flapped": line.flapped,
        "led": f"{len(line.led)} of {len(line.leads)}" if line.leads else "",
        "lead": _length(line.lead_median),
    }


def _length(span: timedelta | None) -> str:
    from marginwatch.notify import words

    return "" if span is None else words.span(span)


def _row(line: Line) -> Mapping[str, object]:
    """One line with stable keys; lengths of time in seconds."""
    return {
        "rule": line.rule,
        "title": line.title,
        "set": dict(line.values),
        "current": line.current,
        "pages": line.total,
        **line.pages,
        "messages": line.messages,
        **line.when,
        "open_median_s": _seconds(line.open_median),
        "open_longest_s": _seconds(line.open_longest),
        "open_at_end": line.open_at_end,
        "open_before": line.open_before,
        "flapped": line.flapped,
        "calls": len(line.leads),
        "calls_led": len(line.led),
        "lead_median_s": _seconds(line.lead_median),
    }


def _document(report: Report) -> Mapping[str, object]:
    from marginwatch.cli.rows import transition_row

    return {
        "source": report.source,
        "from": report.since,
        "to": report.until,
        "observations": report.sight.observations,
        "accounts": len(report.sight.accounts),
        "exact": report.exact,
        "zones": report.zones,
        "rules": [
            {
                **_row(line),
                "leads_s": [_seconds(time) for _, time in line.leads],
            }
            for line in report.lines
        ],
        "margin_calls": [
            {"venue": call.account.venue, "account": call.account.id, "at": call.at, "field": call.field}
            for call in report.calls
        ],
        "notes": report.notes,
        "transitions": [transition_row(step, report) for step in report.transitions],
    }


def _csv(report: Report) -> str:
    text = io.StringIO()
    rows = [
        {**_row(line), "set": " ".join(f"{key}={value}" for key, value in line.values.items())} for line in report.lines
    ]
    if rows:
        table = csv.DictWriter(text, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    return text.getvalue()


def _write(path: Path, report: Report) -> None:
    from marginwatch.app.backtest.page import page

    try:
        path.write_text(page(report), encoding="utf-8")
    except OSError as error:
        raise NotWrittenError(path, error) from None


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
