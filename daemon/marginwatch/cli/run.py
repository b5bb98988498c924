"""`marginwatch run`: the daemon."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, level_option

if TYPE_CHECKING:
    from pathlib import Path

DO_NOT_RESTART = 78
"""Exit code for trouble that a restart cannot mend (EX_CONFIG); the systemd unit knows it."""


@click.command()
@config_option
@level_option
def command(*, config: Path | None, log_level: str | None) -> None:
    """Watch the accounts until stopped.

    Exits 78 when the configuration is wrong, so that systemd does not start it again in vain, and 3 for trouble
    outside, such as a database that does not answer or that another process uses.
    """
    from marginwatch.app.build import configure
    from marginwatch.app.start import prepare_logging, run_daemon
    from marginwatch.errors import MarginwatchError

    try:
        configured = configure(config, os.environ)
        prepare_logging(configured, log_level)
        run_daemon(configured)
    except MarginwatchError as error:
        click.echo(str(error), err=True)
        sys.exit(DO_NOT_RESTART if error.exit_code == 1 else error.exit_code)
