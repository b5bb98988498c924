"""`marginwatch outbox`: messages and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import MOST, config_option, json_option, note_strangers, opened
from marginwatch.cli.output import Column, emit_json, emit_table

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    Column("id", "ID", right=True, rank=3),
    Column("status", "STATUS"),
    Column("receiver", "RECEIVER"),
    Column("alert_id", "ALERT", rank=4),
    Column("state", "TELLS", rank=5),
    Column("severity", "SEVERITY", rank=5),
    Column("created_at", "CREATED"),
    Column("attempts", "ATTEMPTS", right=True, rank=2),
    Column("title", "TITLE", wraps=True),
    Column("detail", "LATEST ANSWER", rank=1, wraps=True),
)


@click.command()
@config_option
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["pending", "sending", "held", "digested", "delivered", "dead"]),
    help="Only these; may be repeated.",
)
@click.option("--receiver", help="Only to this receiver.")
@click.option("--alert", "alert_id", help="Only of this alert or digest: its id, or of an alert 4 characters or more.")
@click.option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help="The most to list.")
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
    from marginwatch import clock
    from marginwatch.cli.rows import outbox_row
    from marginwatch.store.types import OutboxStatus

    wanted = [OutboxStatus(status) for status in statuses]
    with opened(config) as reading:
        rows_of = reading.store.outbox.rows
        if alert_id is not None and not rows_of(alert_id=alert_id, limit=1):  # digests have ids, too, and are no alerts
            alert_id = reading.store.history.alert_named(alert_id).alert_id
        found = rows_of(statuses=wanted, receiver=receiver, alert_id=alert_id, limit=limit)
        if not found:  # what a receiver of before was sent is listed
            note_strangers(reading, receiver=receiver)
    rows = [outbox_row(row) for row in found]
    if as_json:
        emit_json(rows)
    else:
        emit_table(rows, COLUMNS, empty="no messages", now=clock.now())
