"""`marginwatch alerts`: what is wrong now, or was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import AccountType, DurationType, config_option, json_option, opened_store
from marginwatch.cli.output import Column, age, emit

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from marginwatch.core.model import AccountKey

COLUMNS = (
    Column("alert_id", "ALERT"),
    Column("severity", "SEVERITY"),
    Column("state", "STATE"),
    Column("rule", "RULE"),
    Column("where", "ACCOUNT"),
    Column("subject", "SUBJECT"),
    Column("value", "VALUE", right=True),
    Column("since", "FOR", right=True),
    Column("data_age", "DATA AGE", right=True),
    Column("acknowledged_by", "ACKNOWLEDGED"),
)


@click.command()
@config_option
@click.option("--all", "everything", is_flag=True, help="Ended alerts as well.")
@click.option("--rule", help="Only of this rule.")
@click.option("--account", type=AccountType(), help="Only of this account, VENUE/ID.")
@click.option("--since", type=DurationType(), help="Only those that changed within this time, for example 1d.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
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
    from marginwatch.cli.rows import alert_row

    now = clock.now()
    with opened_store(config) as store:
        found = store.history.alerts(
            open_only=not everything,
            rule=rule,
            account=account,
            since=None if since is None else now - since,
            limit=limit,
        )
        given = store.history.acknowledgements()
    rows = [alert_row(alert, given, now) for alert in found]
    if not as_json:
        for row, alert in zip(rows, found, strict=True):
            row["where"] = str(alert.key.account)
            row["since"] = age(alert.active_at, alert.ended_at or now)
            row["data_age"] = age(alert.as_of or alert.known_at, now)
    emit(rows, COLUMNS, as_json=as_json, empty="no open alerts" if not everything else "no alerts")
