"""`marginwatch backup`: a copy of the database."""

from __future__ import annotations

from pathlib import Path

import click

from marginwatch.cli.options import config_option, opened


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
def command(*, file: Path, config: Path | None) -> None:
    """Copy the database to a new FILE, whole and of one moment, while the daemon goes on.

    It holds everything: alerts, timers, messages on their way, the audit trail. Only its owner can read the file.
    """
    with opened(config) as reading:
        reading.store.backup(file)
    click.echo(f"{file}: {file.stat().st_size / 1e6:,.1f} MB; `marginwatch restore {file}` puts it in place")
