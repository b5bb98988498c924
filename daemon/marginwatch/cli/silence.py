"""`marginwatch silence`: hold messages back for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import DurationType, config_option, json_option, opened_store, operator
from marginwatch.cli.output import Column, emit

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

COLUMNS = (
    Column("id", "ID", right=True),
    Column("active", "ACTIVE"),
    Column("rule", "RULE"),
    Column("venue", "VENUE"),
    Column("account", "ACCOUNT"),
    Column("starts_at", "FROM"),
    Column("ends_at", "UNTIL"),
    Column("by", "BY"),
    Column("note", "NOTE"),
)


@click.group()
def command() -> None:
    """Hold messages back for a while.

    Nothing is lost: at the end, what is still true is told once, and what ended is told to whom its beginning was.
    """


@command.command("add")
@click.option("--for", "span", type=DurationType(), required=True, help="How long, for example 2h.")
@click.option("--in", "delay", type=DurationType(), help="Begin after this time. Default: now.")
@click.option("--rule", default="*", help="Rule id, may hold * and ?.")
@click.option("--venue", default="*", help="Venue name, may hold * and ?.")
@click.option("--account", default="*", help="Account id or name, may hold * and ?.")
@click.option("--everything", is_flag=True, help="Needed for a silence that names no rule, venue or account.")
@click.option("--note", default="", help="For the records.")
@click.option("--by", default=operator, help="Who silences. Default: you.")
@config_option
def add(
    *,
    span: timedelta,
    delay: timedelta | None,
    rule: str,
    venue: str,
    account: str,
    everything: bool,
    note: str,
    by: str,
    config: Path | None,
) -> None:
    """Begin a silence."""
    from datetime import timedelta as delta

    from marginwatch import clock
    from marginwatch.core.alert import Silence

    if (rule, venue, account) == ("*", "*", "*") and not everything:
        message = "this silences every alert; name a --rule, --venue or --account, or say --everything"
        raise click.UsageError(message)
    start = clock.now() + (delay or delta(0))
    wanted = Silence(0, by, note, start, start + span, rule, venue, account)
    with opened_store(config) as store:
        made = store.operators.add_silence(wanted)
    click.echo(
        f"silence {made.id} until {made.ends_at:%Y-%m-%d %H:%M:%S} UTC; end it with: marginwatch silence end {made.id}"
    )


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over as well.")
@config_option
@json_option
def list_silences(*, everything: bool, config: Path | None, as_json: bool) -> None:
    """List silences."""
    from marginwatch import clock
    from marginwatch.cli.rows import silence_row

    now = clock.now()
    with opened_store(config) as store:
        found = store.operators.silences(ended=everything)
    emit([silence_row(silence, now) for silence in found], COLUMNS, as_json=as_json, empty="no silences")


@command.command("end")
@click.argument("silence", type=int)
@config_option
def end(*, silence: int, config: Path | None) -> None:
    """End the silence of that number now."""
    from marginwatch import clock

    with opened_store(config) as store:
        ended = store.operators.end_silence(silence, clock.now())
    click.echo(f"silence {ended.id} ended; what is still true will be told within a second if the daemon runs")
