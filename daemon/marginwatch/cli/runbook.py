"""`marginwatch runbook`: what to do about an alert."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, logged_late
from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from marginwatch.config.rulefile import Loaded


class NoRunbookError(MarginwatchError):
    """A rule that says nothing of what to do."""

    def __init__(self, rule: str) -> None:
        super().__init__(f'the rule {rule} names no runbook; give it one, for example runbook = "desk.md#{rule}"')


class NoSuchRuleError(MarginwatchError):
    """An id that neither a rule nor a built-in alert has."""

    def __init__(self, rule: str, known: Iterable[str]) -> None:
        from marginwatch.config.suggest import did_you_mean

        hint = did_you_mean(rule, known) or "`marginwatch alerts` shows the rules of what is open"
        super().__init__(f"there is no rule {rule}; {hint}")


@click.command()
@click.argument("rule")
@config_option
def command(*, rule: str, config: Path | None) -> None:
    """Print what to do about an alert of RULE: what it means, what may follow, where to look, and how to mend it.

    Finds the rules of the config, those of the packs and the built-in alerts, with a config or without.
    """
    from marginwatch.config.runbooks import shipped_sections

    with logged_late():
        click.echo(_found(rule, _configured(config), shipped_sections()))


def _configured(config: Path | None) -> Loaded | None:
    """The rules of the config, when they can be had: at a bad moment a page is wanted, whatever else is wrong."""
    from marginwatch.app.build import configure
    from marginwatch.config.location import NoConfigError
    from marginwatch.errors import InvalidInputError

    try:
        return configure(config, os.environ, need_secrets=False).rules
    except NoConfigError:
        return None
    except InvalidInputError:
        click.echo("note: the config or its rules are wrong, so only the packs' runbooks are known", err=True)
        return None


def _found(rule: str, rules: Loaded | None, shipped: Mapping[str, str]) -> str:
    from marginwatch.config.runbooks import read_sections
    from marginwatch.errors import Problem

    own = {} if rules is None else {each.id: each for each in rules.rules}
    page = None if rules is None else rules.runbooks.get(rule)
    sections = {} if page is None else read_sections(page.file)
    if page is not None and not isinstance(sections, Problem):
        return sections[page.section]
    if rule in own and own[rule].runbook:
        return f"The runbook of {rule} is at {own[rule].runbook}"
    if rule in shipped:
        return shipped[rule]
    if rule in own:
        raise NoRunbookError(rule)
    raise NoSuchRuleError(rule, (*own, *shipped))
