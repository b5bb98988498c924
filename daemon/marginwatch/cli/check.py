"""`marginwatch check`: is everything right before it matters."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import FAILED, config_option, json_option, log_quietly, logged_late
from marginwatch.cli.output import emit_json
from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from marginwatch.app.build import Configured
    from marginwatch.app.online import Trial
    from marginwatch.errors import Problem


@click.command()
@config_option
@click.option("--online", is_flag=True, help="Also log in at every venue and send every receiver a test message.")
@click.option("--data", is_flag=True, help="Also say which rules have never had data, as the store has it.")
@click.option("-v", "--verbose", is_flag=True, help="Also say of each rule of the packs where it does not apply.")
@json_option
def command(*, config: Path | None, online: bool, data: bool, verbose: bool, as_json: bool) -> None:
    """Check the configuration and the rules: every problem at once, with file, line and column.

    Works without the secrets, unless --online. Exits 1 when something is wrong, 3 when a venue or receiver failed.
    """
    from marginwatch.app.build import configure
    from marginwatch.errors import InvalidInputError

    try:
        with logged_late():
            configured = configure(config, os.environ, need_secrets=online)
    except InvalidInputError as error:
        if not as_json:
            raise
        emit_json(_document(problems=error.problems))
        sys.exit(error.exit_code)
    if data:
        from marginwatch.app.foresight import with_history
        from marginwatch.cli.options import opened

        with opened(config) as reading:
            configured = with_history(configured, reading.accounts.values())
    trials: list[Trial] = []
    if online:
        from marginwatch.app.online import try_everything

        log_quietly()
        trials = try_everything(configured)
    if as_json:
        emit_json(_document(configured, trials=trials))
    else:
        _tell(configured, configured.notes if verbose else configured.brief, trials)
    if not all(trial.ok for trial in trials):
        sys.exit(FAILED)


def _tell(configured: Configured, notes: Sequence[Problem], trials: Sequence[Trial]) -> None:
    for note in notes:
        click.echo(f"note: {note}")
    for trial in trials:
        click.echo(f"{trial.kind} {trial.name}: {trial.detail}", err=not trial.ok)
        for limit in trial.notes:
            click.echo(f"note: {limit}")
    settings = configured.settings
    counted = (
        plural(len(configured.rules.rules), "rule"),
        plural(len(settings.venues), "venue"),
        plural(len(settings.receivers), "receiver"),
    )
    failed = sum(not trial.ok for trial in trials)
    verdict = f"holds no mistake, yet {failed} of {len(trials)} tries failed" if failed else "is good"
    click.echo(f"{configured.file} {verdict}: {', '.join(counted)}")


def _document(
    configured: Configured | None = None, problems: Sequence[Problem] = (), trials: Sequence[Trial] = ()
) -> dict[str, object]:
    return {
        "ok": not problems and all(trial.ok for trial in trials),
        "problems": [problem_row(problem, "error") for problem in problems],
        "notes": [] if configured is None else [problem_row(note, "note") for note in configured.notes],
        "online": [asdict(trial) for trial in trials],
    }


def problem_row(problem: Problem, severity: str) -> dict[str, object]:
    """Lines and columns count from 1, `end_col` is the one behind the last; they are null where there is none."""
    return {
        "file": problem.place.file,
        "line": problem.place.line or None,
        "col": problem.place.col or None,
        "end_col": problem.place.end or None,
        "severity": severity,
        "what": problem.what,
        "hint": problem.hint or None,
    }
