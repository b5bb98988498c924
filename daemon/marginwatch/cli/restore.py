"""`marginwatch restore`: a backup takes the place of the database."""

from __future__ import annotations

import os
from pathlib import Path

import click

from marginwatch.cli.options import config_option, log_quietly


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@click.option("--force", is_flag=True, help="Put a database that is there already aside.")
def command(*, file: Path, config: Path | None, force: bool) -> None:
    """Put the backup in FILE in the place of the database, which no daemon may be using.

    FILE is checked first. What was still to be sent when it was made is sent, perhaps a second time: see the guide.
    """
    from marginwatch.app.reading import store_url
    from marginwatch.store.restore import restore

    log_quietly()
    replaced = restore(store_url(config, os.environ), file, force=force)
    click.echo(f"{file} is the database now" + (f"; the one of before is {replaced}" if replaced else ""))
