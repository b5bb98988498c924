"""`marginwatch test`: does every rule do what its tests say."""

from __future__ import annotations

import os
import sys
from itertools import groupby
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option, log_quietly
from marginwatch.cli.output import emit_json, say
from marginwatch.notify.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from marginwatch.app.ruletest.binding import Bound
    from marginwatch.app.ruletest.compare import Failure
    from marginwatch.app.ruletest.run import Outcome
    from marginwatch.app.ruletest.suites import Untested
    from marginwatch.errors import Problem

BAD = 1
"""Exit code when a test failed."""


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@config_option
@click.option("-k", "words", metavar="TEXT", help="Only tests with this in their name, rules or file name.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each test, and what no test shows of a rule.")
@json_option
def command(*, paths: tuple[str, ...], config: Path | None, words: str | None, verbose: bool, as_json: bool) -> None:
    """Run the tests of rules: files beside them that say what must happen, such as margin.test.toml.

    PATH is a file, a folder, a glob or builtin:PACK. Without one, the tests beside the config's rules run; without a
    config, those of the packs. Exits 1 when a test fails or a file is wrong.
    """
    from marginwatch import clock
    from marginwatch.app.ruletest.choose import choose, chosen
    from marginwatch.app.ruletest.run import run
    from marginwatch.app.ruletest.suites import untested
    from marginwatch.errors import InvalidInputError

    log_quietly()
    suites = choose(paths, config, os.environ)
    if suites.problems:
        if as_json:
            emit_json(_document(problems=suites.problems))
            sys.exit(BAD)
        raise InvalidInputError(tuple(suites.problems))
    tests = chosen(suites.tests, words)
    started = clock.monotonic()
    outcomes = [run(bound) for bound in tests] if as_json else _run_aloud(tests, verbose=verbose)
    lacking = () if words else untested(suites, outcomes)
    if as_json:
        emit_json(_document(outcomes, lacking))
    else:
        _tell(outcomes, lacking if verbose else (), clock.monotonic() - started)
    if not all(outcome.passed for outcome in outcomes):
        sys.exit(BAD)


def _run_aloud(tests: Iterable[Bound], *, verbose: bool) -> list[Outcome]:
    """Run them, showing each as it ends."""
    from marginwatch.app.ruletest.report import called
    from marginwatch.app.ruletest.run import run

    outcomes = []
    for file, group in groupby(tests, key=lambda bound: bound.case.place.file):
        click.echo(file if verbose else f"{file} ", nl=verbose)
        for bound in group:
            outcome = run(bound)
            outcomes.append(outcome)
            if not verbose:
                click.echo("." if outcome.passed else "F", nl=False)
            elif outcome.passed:
                click.echo(f"  ok    {called(bound.case)}")
            else:
                say(f"  FAIL  {called(bound.case)}", "bold red")
        if not verbose:
            click.echo()
    return outcomes


def _tell(outcomes: Sequence[Outcome], lacking: Sequence[Untested], seconds: float) -> None:
    from marginwatch.app.ruletest.report import called, explain

    for outcome in outcomes:
        if not outcome.passed:
            say(f"\nFAIL {outcome.case.place}: {called(outcome.case)}", "bold red")
            click.echo("\n".join(explain(outcome)))
    for each in lacking:
        click.echo(f"note: {each.rule.place}: no test of `{each.rule.id}` shows {', '.join(each.lacking)}")
    failed = sum(not outcome.passed for outcome in outcomes)
    click.echo()
    if failed:
        say(f"{failed:,} failed, {len(outcomes) - failed:,} passed in {seconds:.2f} s", "bold red")
    else:
        say(f"{plural(len(outcomes), 'test')} passed in {seconds:.2f} s", "green")


def _document(
    outcomes: Sequence[Outcome] = (), lacking: Sequence[Untested] = (), problems: Sequence[Problem] = ()
) -> dict[str, object]:
    return {
        "ok": not problems and all(outcome.passed for outcome in outcomes),
        "problems": [_problem(problem) for problem in problems],
        "tests": [_test(outcome) for outcome in outcomes],
        "untested": [
            {"rule": each.rule.id, "file": each.rule.place.file, "line": each.rule.place.line, "lacking": each.lacking}
            for each in lacking
        ],
    }


def _problem(problem: Problem) -> Mapping[str, object]:
    place = problem.place
    where = {"file": place.file, "line": place.line or None, "col": place.col or None}
    return {**where, "what": problem.what, "hint": problem.hint or None}


def _test(outcome: Outcome) -> Mapping[str, object]:
    case = outcome.case
    return {
        "file": case.place.file,
        "line": case.place.line,
        "name": case.name,
        "venue": case.site.name,
        "ok": outcome.passed,
        "left_out": outcome.bound.left_out,
        "failures": [_failure(failure, outcome) for failure in outcome.failures],
    }


def _failure(failure: Failure, outcome: Outcome) -> Mapping[str, object]:
    from marginwatch.app.ruletest.report import offset

    return {
        "line": failure.place.line,
        "col": failure.place.col,
        "rule": failure.rule,
        "at": offset(outcome.case, failure.at),
        "differences": [
            {"what": each.what, "expected": each.expected, "found": each.found} for each in failure.differences
        ],
        "saw": failure.saw,
        "sent": [
            {
                "at": offset(outcome.case, each.at),
                "receiver": each.notice.receiver,
                "title": each.message.title,
                "body": each.message.body,
            }
            for each in failure.tellings
        ],
    }
