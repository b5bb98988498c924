"""`marginwatch alerts`: what is wrong now, or was."""

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
    Column("alert_id", "ALERT"),
    Column("severity", "SEVERITY"),
    Column("state", "STATE", rank=2),
    Column("rule", "RULE"),
    Column("venue", "VENUE", rank=3),
    Column("account", "ACCOUNT"),
    Column("subject", "SUBJECT", rank=1),
    Column("value", "VALUE", right=True),
    Column("for", "FOR", right=True, rank=4),
    Column("data_age", "DATA AGE", right=True, rank=1),
    Column("acknowledged_by", "ACKNOWLEDGED", rank=3),
    Column("detail", "DETAIL", rank=5, wraps=True),
)


@click.command()
@config_option
@click.option("--all", "everything", is_flag=True, help="Ended alerts as well.")
@click.option("--rule", help="Only of this rule.")
@click.option("--account", type=AccountType(), help="Only of this account, VENUE/ID or VENUE/NAME.")
@click.option("--since", type=DurationType(), help="Only those that changed within this time, for example 1d.")
@click.option("--limit", type=click.IntRange(1, MOST), default=1000, show_default=True, help="The most to list.")
@json_option
def command(
    *,
    config: Path | None,
    everything: bool,
    rule: str | None,
    account: AccountKey | None,
    since: timedelta | None,
    limit: int,
    as_json: bool,
) -> None:
    """List open alerts, the worst first."""
    from marginwatch import clock
    from marginwatch.cli.rows import alert_cells, alert_row

    now = clock.now()
    with opened(config) as reading:
        account = account and reading.account(account)
        start = None if since is None else now - since
        found = reading.store.history.alerts(
            open_only=not everything, rule=rule, account=account, since=start, limit=limit
        )
        note_strangers(reading, rule, account)
        given = reading.store.history.acknowledgements()
        rows = [alert_row(alert, given.get(alert.alert_id), now, reading) for alert in found]
        if as_json:
            emit_json(rows)
            return
        cells = [alert_cells(alert, row, now, reading) for alert, row in zip(found, rows, strict=True)]
    emit_table(cells, COLUMNS, empty="no alerts" if everything else "no open alerts", now=now)
