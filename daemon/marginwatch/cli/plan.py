"""`marginwatch plan`: what an edit of rules or routes would change, before it is in force."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option, opened
from marginwatch.cli.output import emit_json

if TYPE_CHECKING:
    from marginwatch.app.build import Configured


@click.command()
@config_option
@click.option(
    "--rules",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Read this rule file in place of those the config names; may be given again.",
)
@json_option
def command(*, config: Path | None, files: tuple[Path, ...], as_json: bool) -> None:
    """Say what the rules and routes on disk would change, before they are in force.

    Rule by rule against those in force, which alerts would fire, resolve or close, and who else would hear. Nothing is
    applied and nothing is written: a reload applies it. Exits 1 when the rules are wrong, as `check` does.
    """
    from marginwatch import clock
    from marginwatch.app.plan import plan
    from marginwatch.cli.planned import document, emit

    configured = _edited(config, files, as_json=as_json)
    now = clock.now()
    with opened(config) as reading:
        found = plan(configured, reading.store, now)
        if as_json:
            emit_json(document(found, reading))
        else:
            emit(found, reading, now)


def _edited(config: Path | None, files: tuple[Path, ...], *, as_json: bool) -> Configured:
    from marginwatch.app.plan import edited
    from marginwatch.cli.options import logged_late
    from marginwatch.errors import InvalidInputError

    try:
        with logged_late():
            return edited(config, os.environ, files)
    except InvalidInputError as error:
        if not as_json:
            raise
        from marginwatch.cli.check import problem_row

        emit_json({"ok": False, "problems": [problem_row(problem, "error") for problem in error.problems]})
        sys.exit(error.exit_code)
