"""`marginwatch check`: is everything right before it matters."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option
from marginwatch.cli.output import emit_json

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.errors import Problem

FAILED = 3
"""Exit code when a venue or a receiver failed."""


@click.command()
@config_option
@click.option("--online", is_flag=True, help="Also log in at every venue and send every receiver a test message.")
@json_option
def command(*, config: Path | None, online: bool, as_json: bool) -> None:
    """Check the configuration and the rules: every problem at once, with file, line and column."""
    from marginwatch.app.build import configure
    from marginwatch.errors import InvalidInputError

    try:
        configured = configure(config, os.environ, need_secrets=online)
    except InvalidInputError as error:
        if not as_json:
            raise
        emit_json({"ok": False, "problems": [_problem(problem) for problem in error.problems]})
        sys.exit(1)
    results = []
    if online:
        from marginwatch.app.online import try_everything

        results = try_everything(configured)
    good = all(result["ok"] for result in results)
    if as_json:
        emit_json({"ok": good, "problems": [], "notes": list(configured.notes), "online": results})
    else:
        for note in configured.notes:
            click.echo(f"note: {note}")
        for result in results:
            click.echo(f"{result['name']}: {'good' if result['ok'] else result['detail']}", err=not result["ok"])
        venues, receivers = len(configured.settings.venues), len(configured.settings.receivers)
        click.echo(
            f"{configured.file}: good: {len(configured.rules.rules)} rules, {venues} venues, {receivers} receivers"
        )
    if not good:
        sys.exit(FAILED)


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.place.file,
        "line": problem.place.line,
        "col": problem.place.col,
        "what": problem.what,
        "hint": problem.hint,
    }
