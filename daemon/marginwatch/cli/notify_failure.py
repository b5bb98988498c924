"""`marginwatch notify-failure`: what systemd runs when it has given the service up."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from marginwatch.cli.options import FAILED, config_option, log_quietly


@click.command()
@click.argument("unit")
@click.argument("receivers", nargs=-1)
@config_option
@click.option(
    "--credentials",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the files of ${credential:NAME} are if the unit loads none.",
)
def command(*, unit: str, receivers: tuple[str, ...], config: Path | None, credentials: Path | None) -> None:
    """Tell the RECEIVERS, or all of them, that UNIT has failed: its exit status, since when, and the end of its log.

    It sends at once, without the database, and makes do with a config that has mistakes in it. Exits 3 when one of
    them was not told.
    """
    from marginwatch import clock
    from marginwatch.app.failure import diagnose, receivers_of, tell

    log_quietly()
    environ = dict(os.environ)
    if credentials is not None:
        environ.setdefault("CREDENTIALS_DIRECTORY", str(credentials))
    known, trouble = receivers_of(config, environ)
    chosen = [receiver for receiver in known if not receivers or receiver.name in receivers]
    trouble += [f"there is no receiver {name}" for name in receivers if name not in {each.name for each in known}]
    for sentence in trouble:
        click.echo(sentence, err=True)
    told = tell(diagnose(unit, os.environ), chosen, clock.now())
    for each in told:
        click.echo(f"{each.name}: {each.detail}", err=not each.ok)
    if trouble or not all(each.ok for each in told):
        sys.exit(FAILED)
