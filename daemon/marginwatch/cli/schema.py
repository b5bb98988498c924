"""`marginwatch schema`: what an editor needs to complete and check config and rule files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from marginwatch.errors import MarginwatchError

CONFIG = "config"
KINDS = (CONFIG, "rules")
"""What there is a schema of."""


class UnwritableFileError(MarginwatchError):
    """A file that the user named cannot be written."""

    def __init__(self, file: Path, error: OSError) -> None:
        super().__init__(f"{file} cannot be written: {(error.strerror or 'unknown cause').lower()}")


@click.command()
@click.argument("what", type=click.Choice(KINDS))
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there instead.")
def command(*, what: str, output: Path | None) -> None:
    """Print the JSON Schema of config or rule files, with which editors complete and check them.

    That of config files knows the venue plug-ins that are installed here.
    """
    text = schema_text(what)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise UnwritableFileError(output, error) from None


def schema_text(what: str) -> str:
    """The schema of `config` or `rules` files as a file holds it."""
    from marginwatch.config.ruleschema import rules_schema
    from marginwatch.config.schema import config_schema
    from marginwatch.venues.registry import venue_kinds

    if what == CONFIG:
        schema = config_schema({name: kind.settings for name, kind in venue_kinds().items()})
    else:
        schema = rules_schema()
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
