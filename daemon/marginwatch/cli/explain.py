"""`marginwatch explain`: why a rule did, or did not, tell of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import MomentType, config_option, json_option, opened
from marginwatch.cli.output import emit_json

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@click.command()
@click.argument("rule")
@click.argument("account")
@click.option("--at", type=MomentType(), help="A moment of the past: 14:03, 2h ago, or 2026-03-02T14:03Z (UTC).")
@click.option("--subject", default="", help="The position, of a rule that looks at each. Default: the worst.")
@config_option
@json_option
def command(*, rule: str, account: str, at: datetime | None, subject: str, config: Path | None, as_json: bool) -> None:
    """Say why RULE did, or did not, tell of ACCOUNT: what it saw, where it stands, and what was sent.

    ACCOUNT is an id or a name, with VENUE/ before it where several venues have one. Of a moment of the past, what was
    recorded is shown beside what the rule of today makes of the stored answers.
    """
    from marginwatch import clock
    from marginwatch.app.explain.document import document
    from marginwatch.app.explain.explain import Question, explain
    from marginwatch.cli.explained import show

    with opened(config) as reading:
        found = explain(reading, Question(rule, account, clock.now(), at, subject))
        if as_json:
            emit_json(document(found))
        else:
            show(found, reading)
