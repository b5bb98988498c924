"""`marginwatch backfill`: import what venues keep of the past."""

from __future__ import annotations

import contextlib
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from marginwatch.cli import INTERRUPTED
from marginwatch.cli.options import FAILED, config_option, json_option, log_quietly
from marginwatch.cli.output import emit_json
from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from marginwatch.app.backfill.request import Outcome
    from marginwatch.store.imported import Span

STEPS = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1), "1d": timedelta(days=1)}


@click.command()
@config_option
@click.option("--venue", metavar="NAME", help="Only this venue. Default: all that keep a history.")
@click.option("--accounts", multiple=True, metavar="GLOB", help="Only accounts whose id, name or VENUE/ID fits.")
@click.option("--from", "since", default="30d", metavar="TIME", help="From then on: 2026-11-01 or 90d. Default: 30d.")
@click.option("--to", "until", metavar="TIME", help="Up to then. Default: now.")
@click.option("--resolution", type=click.Choice([*STEPS]), default="5m", help="Between observations. Default: 5m.")
@json_option
def command(
    *,
    config: Path | None,
    venue: str | None,
    accounts: tuple[str, ...],
    since: str,
    until: str | None,
    resolution: str,
    as_json: bool,
) -> None:
    """Import the history that a venue keeps of its accounts, for backtests to go by.

    The daemon may run meanwhile, and nothing it decides by is touched. Stopped or failed, the next run goes on where
    this one stopped. Exits 3 when a venue failed.
    """
    from marginwatch import clock
    from marginwatch.app.backfill.request import Request
    from marginwatch.app.backfill.run import backfill
    from marginwatch.app.backtest.request import EmptySpanError, read_moment
    from marginwatch.app.build import configure
    from marginwatch.store.imported import Span

    log_quietly()
    now = clock.now()
    span = Span(read_moment(since, now), now if until is None else min(read_moment(until, now), now))
    if span.since >= span.until:
        raise EmptySpanError
    configured = configure(config, os.environ)
    try:
        with _progress() as progress:
            outcomes = backfill(configured, Request(span, STEPS[resolution], venue, accounts), progress)
    except KeyboardInterrupt:
        click.echo("stopped; what was imported stays, and the next run goes on from there", err=True)
        sys.exit(INTERRUPTED)
    _tell(outcomes, span, as_json=as_json)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal's standard error, elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _label, _done: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from marginwatch.notify.words import clean

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("logging in", total=1.0)
        yield lambda label, done: bar.update(task, description=escape(clean(label)), completed=done)


def _tell(outcomes: Sequence[Outcome], span: Span, *, as_json: bool) -> None:
    from marginwatch.notify.words import clean

    if as_json:
        emit_json([_row(each, span) for each in outcomes])
    for each in outcomes:
        if each.account is not None and not as_json:
            click.echo(f"{clean(each.label)}: {_sentence(each, span)}")
        if each.trouble:
            click.echo(f"{clean(each.label)}: {clean(each.trouble)}", err=True)
    if any(each.trouble for each in outcomes):
        sys.exit(FAILED)


def _sentence(outcome: Outcome, span: Span) -> str:
    new = f"{plural(outcome.imported, 'observation')} imported" if outcome.imported else "nothing new"
    return f"{new}; the store has {outcome.there:,} from {span.since:%Y-%m-%d %H:%M} to {span.until:%Y-%m-%d %H:%M} UTC"


def _row(outcome: Outcome, span: Span) -> dict[str, object]:
    return {
        "venue": outcome.venue,
        "account": None if outcome.account is None else outcome.account.key.id,
        "name": None if outcome.account is None else outcome.account.name,
        "from": span.since,
        "to": span.until,
        "imported": outcome.imported,
        "there": outcome.there,
        "trouble": outcome.trouble,
    }
