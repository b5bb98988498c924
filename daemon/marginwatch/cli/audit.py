"""`marginwatch audit`: who was told what, when, on which data, and who did what about it."""

from __future__ import annotations

import csv
import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import click

from marginwatch.cli.options import (
    AccountType,
    MomentType,
    config_option,
    json_option,
    note_strangers,
    opened,
    refuse_both,
)
from marginwatch.cli.output import Column, NotWrittenError, emit_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from marginwatch.cli.rows import Row
    from marginwatch.core.model import AccountKey
    from marginwatch.store.audit import Entry

COLUMNS = (
    Column("at", "AT"),
    Column("kind", "KIND"),
    Column("what", "WHAT"),
    Column("alert_id", "ALERT", rank=2),
    Column("rule", "RULE", rank=1),
    Column("account", "ACCOUNT", rank=1),
    Column("receiver", "RECEIVER", rank=1),
    Column("by", "BY", rank=1),
    Column("text", "TEXT", rank=3, wraps=True),
)


@click.command()
@config_option
@click.option("--from", "since", type=MomentType(), help="From then on: 2026-11-01, 14:03 or 30d ago. Default: 1d ago.")
@click.option("--to", "until", type=MomentType(ahead=True), help="Up to then. Default: now.")
@click.option("--alert", "alert_id", help="Only of this alert: its id, or 4 characters or more it begins with.")
@click.option("--rule", help="Only of this rule.")
@click.option("--account", type=AccountType(), help="Only of this account, VENUE/ID or VENUE/NAME.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a column for everything.")
@json_option
@click.option("--output", type=click.Path(path_type=str), metavar="FILE", help="Write CSV or JSON there instead.")
def command(
    *,
    config: Path | None,
    since: datetime | None,
    until: datetime | None,
    alert_id: str | None,
    rule: str | None,
    account: AccountKey | None,
    as_csv: bool,
    as_json: bool,
    output: str | None,
) -> None:
    """List who was told what, when, on which data, and what people did: the trail for whoever must prove it.

    It holds every step of every alert, every message with its words, every attempt to send it with the answer, and
    every acknowledgement, silence and request with who, why and until when; the oldest first.
    """
    from datetime import timedelta

    from marginwatch import clock
    from marginwatch.store.audit import Wanted

    refuse_both(as_csv=as_csv, as_json=as_json)
    shape = "csv" if as_csv else "json" if as_json else None
    if output is not None and shape is None:
        message = "--output needs --csv or --json"
        raise click.UsageError(message)
    now = clock.now()
    with opened(config) as reading:
        account = account and reading.account(account)
        if alert_id is not None:
            alert_id = reading.store.history.alert_named(alert_id).alert_id
        note_strangers(reading, rule, account)
        wanted = Wanted(
            since=since or now - timedelta(days=1),
            until=until or now + timedelta(seconds=1),
            alert_id=alert_id,
            rule=rule,
            account=account,
        )
        entries = reading.store.audit.entries(wanted)
        rows = (audit_row(entry) for entry in entries)
        if shape is None:
            emit_table([_cells(row) for row in rows], COLUMNS, empty="nothing is on record", now=now)
            return
        with _opened(output) as file:
            (_as_csv if shape == "csv" else _as_json)(rows, file)


def audit_row(entry: Entry) -> Row:
    """One entry of the trail, its keys in the order of its columns; what is handed on gives nobody a right to act."""
    from dataclasses import fields

    from marginwatch.ops.links import without_links

    found = {each.name: getattr(entry, each.name) for each in fields(entry)}
    return found if entry.text is None else {**found, "text": without_links(entry.text)}


def _cells(row: Row) -> Row:
    account = f"{row['venue']}/{row['account']}" if row["account"] else row["venue"]
    what, text = str(row["what"]).replace("_", " "), str(row["text"] or "").partition("\n")[0]
    return {**row, "account": account, "what": what, "text": text}


@contextmanager
def _opened(output: str | None) -> Iterator[TextIO]:
    from pathlib import Path

    if output is None:
        yield sys.stdout
        return
    file = Path(output)
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(made, "w", encoding="utf-8", newline="") as opened_file:
            yield opened_file
    except OSError as error:
        raise NotWrittenError(file, error) from error


def _as_csv(rows: Iterable[Row], file: TextIO) -> None:
    from dataclasses import fields

    from marginwatch.store.audit import Entry

    table = csv.DictWriter(file, [each.name for each in fields(Entry)], lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: _harmless(_written(value)) for name, value in row.items()})


def _as_json(rows: Iterable[Row], file: TextIO) -> None:
    before = "["
    for row in rows:
        document = {name: value if _plain(value) else _written(value) for name, value in row.items()}
        file.write(f"{before}\n{json.dumps(document, ensure_ascii=False)}")
        before = ","
    file.write("[]\n" if before == "[" else "\n]\n")


def _plain(value: object) -> bool:
    return value is None or isinstance(value, int)


def _written(value: object) -> str:
    from datetime import datetime

    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def _harmless(text: str) -> str:
    """A spreadsheet must not take a venue's or a person's words for a formula."""
    return (
        f"'{text}" if text.startswith(("=", "+", "@", "\t", "\r")) or (text[:1] == "-" and not _number(text)) else text
    )


def _number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()
