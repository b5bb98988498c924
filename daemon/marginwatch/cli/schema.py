"""`marginwatch schema`: what an editor needs to complete and check config and rule files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from marginwatch.cli.output import NotWrittenError

if TYPE_CHECKING:
    from marginwatch.config.ruleschema import Schema

KINDS = ("config", "rules", "tests")
"""The files there is a schema of."""


@click.command()
@click.argument("what", type=click.Choice(KINDS))
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there instead.")
def command(*, what: str, output: Path | None) -> None:
    """Print the JSON Schema of config files, rule files or tests of rules, for editors to complete and check them.

    That of config files knows the venue plug-ins that are installed here.
    """
    text = schema_text(what)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise NotWrittenError(output, error) from None


def schema_text(what: str) -> str:
    """The schema of one of the kinds of files, as a file holds it."""
    makers = {"config": _of_config, "rules": _of_rules, "tests": _of_tests}
    return json.dumps(makers[what](), indent=2, ensure_ascii=False) + "\n"


def _of_config() -> Schema:
    from marginwatch.config.schema import config_schema
    from marginwatch.venues.registry import venue_kinds

    return config_schema({name: kind.settings for name, kind in venue_kinds().items()})


def _of_rules() -> Schema:
    from marginwatch.config.ruleschema import rules_schema

    return rules_schema()


def _of_tests() -> Schema:
    from marginwatch.app.ruletest.schema import tests_schema

    return tests_schema()
