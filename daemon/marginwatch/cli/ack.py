"""`marginwatch ack`: somebody is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import DurationType, by_option, config_option, note_option, opened

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path


@click.command()
@click.argument("alert")
@click.option("--for", "span", type=DurationType(), help="How long, for example 2h. Default: until it ends.")
@note_option
@by_option("Who acknowledges.")
@config_option
def command(*, alert: str, span: timedelta | None, note: str, by: str, config: Path | None) -> None:
    """Acknowledge the open alert ALERT (its id, or 4 characters or more it begins with).

    Its reminders stop until the time is over, it ends, or things get worse.
    """
    from marginwatch import clock

    if not alert:
        message = "Name the alert by its id, or by the beginning of it"
        raise click.UsageError(message)
    now = clock.now()
    until = None if span is None else now + span
    with opened(config) as reading:
        found, _ = reading.store.operators.acknowledge(alert, by=by, note=note, now=now, until=until)
        where = reading.called(found.key.account)
    end = "it ends" if until is None else f"{until:%Y-%m-%d %H:%M:%S} UTC"
    what = f"{found.title} of {where} {found.key.subject}".rstrip()
    click.echo(f"acknowledged {found.alert_id}, {what}: no reminders until {end}, or until it gets worse")
