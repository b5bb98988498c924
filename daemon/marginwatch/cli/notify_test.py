"""`marginwatch notify-test`: does a message arrive."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import FAILED, config_option, json_option, log_quietly
from marginwatch.cli.output import Column, emit_json, emit_table

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (Column("name", "RECEIVER"), Column("health", "TEST"), Column("detail", "ANSWER", wraps=True))


@click.command()
@click.argument("receivers", nargs=-1)
@config_option
@json_option
def command(*, receivers: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """Send a test message to the RECEIVERS, or to all of them. Exits 3 when one did not take it."""
    from marginwatch.app.build import configure
    from marginwatch.app.online import try_receivers
    from marginwatch.config.suggest import did_you_mean

    log_quietly()
    configured = configure(config, os.environ, need_secrets=True)
    known = [receiver.name for receiver in configured.settings.receivers]
    for name in receivers:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            message = f"There is no receiver {name}; {hint}"
            raise click.UsageError(message)
    trials = try_receivers(configured, receivers)
    if as_json:
        emit_json([asdict(trial) for trial in trials])
    else:
        rows = [{**asdict(trial), "health": "good" if trial.ok else "failing"} for trial in trials]
        emit_table(rows, COLUMNS, empty="no receivers")
    if not all(trial.ok for trial in trials):
        sys.exit(FAILED)
