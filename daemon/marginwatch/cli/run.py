"""`marginwatch run`: the daemon."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, level_option, log_quietly

if TYPE_CHECKING:
    from pathlib import Path

DO_NOT_RESTART = 78
"""Exit code for trouble that a restart cannot mend (EX_CONFIG); the systemd unit knows it."""


@click.command()
@config_option
@level_option
def command(*, config: Path | None, log_level: str | None) -> None:
    """Watch the accounts until stopped by SIGTERM or Ctrl-C.

    Exits 78 where the configuration is wrong or the database is of a newer version, so that systemd does not restart
    it in vain, and 3 for trouble that may pass.
    """
    from marginwatch.app.build import configure
    from marginwatch.errors import MarginwatchError

    log_quietly()
    try:
        configured = configure(config, os.environ)

        from marginwatch.app.start import prepare_logging, run_daemon

        prepare_logging(configured, log_level)
        run_daemon(configured, log_level)
    except MarginwatchError as error:
        if error.exit_code == MarginwatchError.exit_code:
            error.exit_code = DO_NOT_RESTART
        raise
