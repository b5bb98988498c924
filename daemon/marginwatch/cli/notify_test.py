"""`marginwatch notify-test`: does a message arrive."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option
from marginwatch.cli.output import Column, emit

if TYPE_CHECKING:
    from pathlib import Path

FAILED = 3
"""Exit code when a receiver failed."""

COLUMNS = (Column("name", "RECEIVER"), Column("answer", "TEST"), Column("detail", "ANSWER"))


@click.command()
@click.argument("receivers", nargs=-1)
@config_option
@json_option
def command(*, receivers: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """Send a test message to the RECEIVERS, or to all of them. Exits 3 when one did not take it."""
    from marginwatch.app.build import configure
    from marginwatch.app.online import try_receivers

    configured = configure(config, os.environ)
    known = [receiver.name for receiver in configured.settings.receivers]
    for name in receivers:
        if name not in known:
            message = f"there is no receiver {name}; there are: {', '.join(known)}"
            raise click.UsageError(message)
    rows = try_receivers(configured, receivers)
    for row in rows:
        row["answer"] = "delivered" if row["ok"] else "failing"
    emit(rows, COLUMNS, as_json=as_json, empty="no receivers")
    if not all(row["ok"] for row in rows):
        sys.exit(FAILED)
