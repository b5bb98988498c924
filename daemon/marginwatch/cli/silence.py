"""`marginwatch silence`: hold messages back for a while."""

from __future__ import annotations

import shlex
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from marginwatch.cli import Commands
from marginwatch.cli.options import DurationType, LabelType, by_option, config_option, json_option, note_option, opened
from marginwatch.cli.output import Column, emit_json, emit_table
from marginwatch.config.suggest import did_you_mean
from marginwatch.errors import MarginwatchError
from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from marginwatch.app.reading import Reading
    from marginwatch.core.alert import Silence

COLUMNS = (
    Column("id", "ID", right=True),
    Column("active", "ACTIVE", rank=1),
    Column("rule", "RULE"),
    Column("venue", "VENUE"),
    Column("account", "ACCOUNT"),
    Column("choice", "OF", rank=1),
    Column("starts_at", "FROM", rank=2),
    Column("ends_at", "UNTIL"),
    Column("held_back", "HOLDS BACK", right=True, rank=1),
    Column("by", "BY", rank=3),
    Column("note", "NOTE", rank=4, wraps=True),
)


_LONG = timedelta(days=31)
"""A longer silence is likely a slip, or forgotten before it ends."""
_MOST = 100_000
"""Open alerts looked at."""


class UnknownNameError(MarginwatchError):
    """A silence names a rule, a venue, a group or a label that is not there."""

    def __init__(self, kind: str, wanted: str, known: Iterable[str]) -> None:
        there = ", ".join(sorted(known))
        hint = did_you_mean(wanted, known) or (f"the {kind}s are {there}" if there else f"the config has no {kind}")
        super().__init__(f"no {kind} is called {wanted}; {hint}")


@click.group(cls=Commands)
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
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Accounts of this group, and the group itself.")
@click.option("--label", "labels", multiple=True, type=LabelType(), help="Accounts that have it; of several, all.")
@click.option("--everything", is_flag=True, help="Needed for a silence that names nothing of these.")
@note_option
@by_option("Who silences.")
@config_option
def add(
    *,
    span: timedelta,
    delay: timedelta | None,
    rule: str,
    venue: str,
    account: str,
    groups: tuple[str, ...],
    labels: tuple[tuple[str, str], ...],
    everything: bool,
    note: str,
    by: str,
    config: Path | None,
) -> None:
    """Begin a silence.

    A rule, venue, group or label that is not there is refused; an account that was not seen yet is only worth a word.
    """
    from marginwatch import clock
    from marginwatch.core.alert import Silence

    if (rule, venue, account, groups, labels) == ("*", "*", "*", (), ()) and not everything:
        message = (
            "this silences every alert; name a --rule, --venue, --account, --group or --label, or say --everything"
        )
        raise click.UsageError(message)
    if len(dict(labels)) < len(set(labels)):
        message = "a --label is given with two values, and no account has both; write two silences"
        raise click.UsageError(message)
    now = clock.now()
    start = now if delay is None else now + delay
    wanted = Silence(0, by, note, start, start + span, rule, venue, account, groups, dict(labels))
    with opened(config) as reading:
        _refuse_strangers(wanted, reading)
        made = reading.store.operators.add_silence(wanted, now)
        unseen = _unseen(wanted, reading)
    if unseen:
        click.echo(f"note: {unseen}", err=True)
    if span > _LONG:
        click.echo(f"note: that is {plural(span.days, 'day')}; to hear no more of it, edit rules or routes", err=True)
    click.echo(
        f"silence {made.id} until {made.ends_at:%Y-%m-%d %H:%M:%S} UTC; `marginwatch silence end {made.id}` ends it"
    )


def _refuse_strangers(silence: Silence, reading: Reading) -> None:
    """What is not there is a slip, and what was meant would go on being told."""
    alerts = reading.store.history.alerts(limit=_MOST)  # what runs may have rules that a file has no longer
    from marginwatch.app.grouping import groups_of
    from marginwatch.app.routing import labels_of
    from marginwatch.core.selecting import stranger

    venues = {venue.name for venue in reading.settings.venues} | {key.venue for key in reading.accounts}
    rules = {*reading.units, *(alert.key.rule for alert in alerts)}
    for kind, glob, known in (("rule", silence.rule, rules), ("venue", silence.venue, venues)):
        if not _fits_any(glob, known):
            raise UnknownNameError(kind, glob, known)
    settings = reading.settings
    unknown = stranger(silence, labels_of(settings), groups_of(settings, (), reading.kinds)) if silence.choice else None
    if unknown is not None:
        raise UnknownNameError(*unknown)


def _unseen(silence: Silence, reading: Reading) -> str:
    """That no account is called so, where that is so: it may be one that its venue is yet to open."""
    wanted, venue = silence.account, silence.venue
    accounts = [key for key in reading.accounts if fnmatchcase(key.venue, venue)]
    names = {name for key in accounts for name in (key.id, reading.name(key))}
    if _fits_any(wanted, names):
        return ""
    hint = did_you_mean(wanted, names)
    before, slash, rest = wanted.partition("/")
    if slash and any(fnmatchcase(key.venue, before) for key in accounts):
        hint = f"write it as --venue {before} --account {shlex.quote(rest)}"
    at = "" if venue == "*" else f" at {venue}"
    return f"no account seen so far{at} is called {wanted}, so this silences nothing yet" + (
        f"; {hint}" if hint else ""
    )


def _fits_any(glob: str, known: Iterable[str]) -> bool:
    return glob == "*" or any(fnmatchcase(word, glob) for word in known)


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over as well.")
@config_option
@json_option
def list_silences(*, everything: bool, config: Path | None, as_json: bool) -> None:
    """List silences, and what else holds messages back."""
    from marginwatch import clock
    from marginwatch.app.heldback import held_back
    from marginwatch.cli.overview import hold_cells
    from marginwatch.cli.rows import silence_row
    from marginwatch.cli.status import HOLDS
    from marginwatch.core.hold import HoldKind

    now = clock.now()
    with opened(config) as reading:
        found = reading.store.operators.silences(ended=everything)
        holds = held_back(reading, now)
    counts = {hold.name: hold.alerts for hold in holds if hold.kind is HoldKind.SILENCE}
    rows = [{**silence_row(each, now), "held_back": counts.get(str(each.id), 0)} for each in found]
    if as_json:
        emit_json(rows)
        return
    choices = [each.choice for each in found]
    columns = [each for each in COLUMNS if each.key != "choice" or any(choices)]
    cells = [{**row, "choice": choice} for row, choice in zip(rows, choices, strict=True)]
    emit_table(cells, columns, empty="no silences", now=now)
    others = [hold_cells(hold) for hold in holds if hold.kind is not HoldKind.SILENCE]
    if others:
        click.echo()
        emit_table(others, HOLDS, empty="", now=now)


@command.command("end", short_help="End a silence now.")
@click.argument("number", type=int)
@by_option("Who ends it.")
@config_option
def end(*, number: int, by: str, config: Path | None) -> None:
    """End the silence of that NUMBER now; `silence list` shows the numbers."""
    from marginwatch import clock

    with opened(config) as reading:
        ended = reading.store.operators.end_silence(number, clock.now(), by=by)
    click.echo(f"silence {ended.id} ended; a running daemon tells within seconds what is still true")
