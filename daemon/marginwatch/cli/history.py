"""`marginwatch history`: what happened, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import MOST, AccountType, DurationType, config_option, json_option, note_strangers, opened
from marginwatch.cli.output import Column, emit_json, emit_table

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from marginwatch.core.model import AccountKey

COLUMNS = (
    Column("at", "AT"),
    Column("alert_id", "ALERT", rank=3),
    Column("severity", "SEVERITY", rank=1),
    Column("rule", "RULE"),
    Column("venue", "VENUE", rank=4),
    Column("account", "ACCOUNT"),
    Column("subject", "SUBJECT", rank=2),
    Column("before", "FROM", rank=5),
    Column("after", "TO"),
    Column("reason", "REASON", rank=2),
    Column("value", "VALUE", right=True, rank=1),
    Column("told_as", "TOLD AS", rank=4),
    Column("detail", "DETAIL", rank=6, wraps=True),
)


@click.command()
@config_option
@click.option("--alert", "alert_id", help="Only of this alert: its id, or 4 characters or more it begins with.")
@click.option("--rule", help="Only of this rule.")
@click.option("--account", type=AccountType(), help="Only of this account, VENUE/ID or VENUE/NAME.")
@click.option("--since", type=DurationType(), help="Only within this time, for example 1d.")
@click.option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help="The most to list.")
@json_option
def command(
    *,
    config: Path | None,
    alert_id: str | None,
    rule: str | None,
    account: AccountKey | None,
    since: timedelta | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the steps of alerts, the latest first."""
    from marginwatch import clock
    from marginwatch.cli.rows import transition_cells, transition_row

    now = clock.now()
    start = None if since is None else now - since
    with opened(config) as reading:
        account = account and reading.account(account)
        history = reading.store.history
        if alert_id is not None:
            alert_id = history.alert_named(alert_id).alert_id
        found = history.transitions(alert_id=alert_id, rule=rule, account=account, since=start, limit=limit)
        found.reverse()
        note_strangers(reading, rule, account)
        rows = [transition_row(step, reading) for step in found]
        if as_json:
            emit_json(rows)
            return
        cells = [transition_cells(step, row, reading) for step, row in zip(found, rows, strict=True)]
    emit_table(cells, COLUMNS, empty="nothing has happened", now=now)
