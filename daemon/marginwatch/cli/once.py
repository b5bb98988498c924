"""`marginwatch once`: one full cycle, then exit."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, level_option

if TYPE_CHECKING:
    from pathlib import Path

FAILED = 3
"""Exit code when a venue or a receiver failed."""


@click.command()
@config_option
@level_option
def command(*, config: Path | None, log_level: str | None) -> None:
    """Poll every venue once, decide, deliver what follows, exit.

    Uses the same store as the daemon, which must not be running. Exits 3 when a venue or a receiver failed.
    """
    from marginwatch.app.build import configure
    from marginwatch.app.start import prepare_logging, run_once

    configured = configure(config, os.environ)
    prepare_logging(configured, log_level)
    if not run_once(configured):
        click.echo("a venue or a receiver failed; `marginwatch status` says which", err=True)
        sys.exit(FAILED)
