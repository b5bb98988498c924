"""`marginwatch history`: what happened, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import AccountType, DurationType, config_option, json_option, opened_store
from marginwatch.cli.output import Column, emit

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from marginwatch.core.model import AccountKey

COLUMNS = (
    Column("at", "AT"),
    Column("alert_id", "ALERT"),
    Column("severity", "SEVERITY"),
    Column("rule", "RULE"),
    Column("where", "ACCOUNT"),
    Column("before", "FROM"),
    Column("after", "TO"),
    Column("reason", "REASON"),
    Column("value", "VALUE", right=True),
    Column("told_as", "TOLD AS"),
)


@click.command()
@config_option
@click.option("--alert", "alert_id", help="Only of this alert.")
@click.option("--rule", help="Only of this rule.")
@click.option("--account", type=AccountType(), help="Only of this account, VENUE/ID.")
@click.option("--since", type=DurationType(), help="Only within this time, for example 1d.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
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
    """List transitions of alerts, the latest first."""
    from marginwatch import clock
    from marginwatch.cli.rows import transition_row

    start = None if since is None else clock.now() - since
    with opened_store(config) as store:
        found = store.history.transitions(alert_id=alert_id, rule=rule, account=account, since=start, limit=limit)
    found.reverse()
    rows = [transition_row(transition) for transition in found]
    if not as_json:
        for row, transition in zip(rows, found, strict=True):
            row["where"] = str(transition.key.account)
    emit(rows, COLUMNS, as_json=as_json, empty="nothing has happened")
