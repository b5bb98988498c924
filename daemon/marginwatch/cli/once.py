"""`marginwatch once`: one full cycle, then exit."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import FAILED, config_option, level_option, log_quietly

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.command()
@config_option
@level_option
def command(*, config: Path | None, log_level: str | None) -> None:
    """Poll every venue once, decide, deliver what follows, exit.

    Uses the same store as the daemon, which must not be running. Exits 3 when a venue or a receiver failed.
    """
    from marginwatch.app.build import configure
    from marginwatch.app.start import prepare_logging, run_once

    log_quietly()
    configured = configure(config, os.environ)
    prepare_logging(configured, log_level)
    _tell(run_once(configured))


def _tell(trouble: Sequence[str]) -> None:
    for sentence in trouble:
        click.echo(sentence, err=True)
    if trouble:
        sys.exit(FAILED)
    click.echo("every venue answered, and every message was delivered")
