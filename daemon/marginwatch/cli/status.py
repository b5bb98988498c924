"""`marginwatch status`: whether to worry, in one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option, opened
from marginwatch.cli.output import Column, emit_json, emit_table, say
from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

VENUES = (
    Column("venue", "VENUE"),
    Column("health", "HEALTH"),
    Column("cycle_age", "LATEST CYCLE", right=True),
    Column("good_age", "LATEST GOOD", right=True, rank=1),
    Column("pace", "PACE", rank=2, wraps=True),
    Column("trouble", "TROUBLE", wraps=True),
)
ACCOUNTS = (
    Column("venue", "VENUE", rank=3),
    Column("name", "ACCOUNT"),
    Column("equity", "EQUITY", right=True, rank=2),
    Column("margin_usage", "MARGIN USAGE", right=True),
    Column("margin_excess", "EXCESS", right=True, rank=1),
    Column("currency", "CURRENCY", rank=4),
    Column("data_age", "DATA AGE", right=True),
    Column("firing", "ALERTS", right=True),
    Column("account", "ID", rank=5),
)
RECEIVERS = (
    Column("receiver", "RECEIVER"),
    Column("health", "HEALTH"),
    Column("waiting", "WAITING", right=True),
    Column("dead", "GIVEN UP", right=True, rank=1),
    Column("trouble", "LATEST TROUBLE", wraps=True),
)
HOLDS = (
    Column("what", "HELD BACK BY"),
    Column("holds_back", "HOLDS BACK"),
    Column("until", "UNTIL"),
    Column("who", "FROM", rank=1),
    Column("note", "NOTE", rank=2, wraps=True),
)
MOST_ACCOUNTS = 20
"""Accounts in the table, the worst first: it is to be one screen."""


@click.command()
@config_option
@json_option
def command(*, config: Path | None, as_json: bool) -> None:
    """Say whether to worry: venues, accounts, open alerts, receivers, and how old the numbers are."""
    from dataclasses import asdict

    from marginwatch import clock
    from marginwatch.cli.overview import account_cells, hold_cells, overview, venue_cells

    now = clock.now()
    with opened(config) as reading:
        found = overview(reading, now)
    if as_json:
        emit_json(found.document())
        return
    say(found.verdict, "green" if found.well else "bold red")
    click.echo()
    emit_table([venue_cells(line, now) for line in found.venues], VENUES, empty="no venue")
    click.echo()
    worst = [account_cells(line, now) for line in found.accounts[:MOST_ACCOUNTS]]
    emit_table(worst, ACCOUNTS, empty="no account was seen yet")
    if len(found.accounts) > MOST_ACCOUNTS:
        click.echo(f"and {plural(len(found.accounts) - MOST_ACCOUNTS, 'account')} less used; --json has all")
    click.echo()
    emit_table([asdict(line) for line in found.receivers], RECEIVERS, empty="no receiver")
    if found.holds:
        click.echo()
        emit_table([hold_cells(hold) for hold in found.holds], HOLDS, empty="", now=now)
    rejected = [] if found.reload_rejected is None else [found.reload_rejected]
    if notes := [*rejected, *found.limits, *_without_data(found.rules_without_data)]:
        click.echo()
        for note in notes:
            click.echo(f"note: {note}")


def _without_data(rules: Sequence[str]) -> Iterator[str]:
    if rules:
        yield f"{plural(len(rules), 'rule')} never had data: {', '.join(rules)} (`check --data` says why)"
