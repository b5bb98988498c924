"""`marginwatch outbox`: messages and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option, opened_store
from marginwatch.cli.output import Column, emit

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    Column("id", "ID", right=True),
    Column("status", "STATUS"),
    Column("receiver", "RECEIVER"),
    Column("state", "TELLS"),
    Column("severity", "SEVERITY"),
    Column("title", "TITLE"),
    Column("created_at", "CREATED"),
    Column("attempts", "ATTEMPTS", right=True),
    Column("detail", "LATEST ANSWER"),
)


@click.command()
@config_option
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["pending", "sending", "delivered", "dead"]),
    help="Only these; may be repeated.",
)
@click.option("--receiver", help="Only to this receiver.")
@click.option("--alert", "alert_id", help="Only of this alert.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@json_option
def command(
    *,
    config: Path | None,
    statuses: tuple[str, ...],
    receiver: str | None,
    alert_id: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List messages, the latest first; dead ones were given up."""
    from marginwatch.cli.rows import outbox_row
    from marginwatch.store.types import OutboxStatus

    wanted = [OutboxStatus(status) for status in statuses]
    with opened_store(config) as store:
        found = store.outbox.rows(statuses=wanted, receiver=receiver, alert_id=alert_id, limit=limit)
    emit([outbox_row(row) for row in found], COLUMNS, as_json=as_json, empty="no messages")
