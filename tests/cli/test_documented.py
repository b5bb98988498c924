"""The page on commands says what they do: every command, option, exit code and key of JSON is on it."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from marginwatch import clock
from marginwatch.app.build import configure
from marginwatch.cli import COMMANDS
from marginwatch.config.rulebook import rulebook
from marginwatch.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.shell import Shell

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "commands.md").read_text()
INSTALL = (DOCS / "install.md").read_text()
TABLE = PAGE.partition("## Exit codes")[0]
ROWS = {name: row for row in TABLE.splitlines() for name in re.findall(r"^\| `([\w-]+)` \|", row)}
SECTIONS = dict(re.findall(r"^### `([\w -]+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
EVERYWHERE = {"--help", "--config", "--json", "--log-level"}


def options(command: click.Command) -> Iterator[str]:
    """Long names of all options, subcommands' included."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from (name for name in parameter.opts if name.startswith("--"))
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from options(inner)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_with_its_options(name: str) -> None:
    """The table has a row for the command that names what is special to it."""
    command: click.Command = import_module(f"marginwatch.cli.{name.replace('-', '_')}").command

    assert set(options(command)) - EVERYWHERE == set(re.findall(r"`(--[\w-]+)`", ROWS[name]))


def keys(document: object) -> set[str]:
    """All keys in it, at any depth, those of `told` aside, which are names of receivers."""
    if isinstance(document, list):
        return {key for item in document for key in keys(item)}
    if isinstance(document, dict):
        return set(document) | {key for name, item in document.items() if name != "told" for key in keys(item)}
    return set()


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_is_there(desk: Shell, name: str) -> None:
    """The section of a command's JSON names exactly its keys."""
    words = name.split()
    (desk.folder / "rules.test.toml").write_text(A_TEST)
    found = keys(json.loads(desk(*words, *(["--all"] if name == "alerts" else []), "--json").out))
    if name == "check":
        found |= keys(json.loads(desk("notify-test", "--json").out))
        (desk.folder / "rules.toml").write_text("[[rule]]\n")
        found |= keys(json.loads(desk("check", "--json").out))
    if name == "test":
        (desk.folder / "rules.test.toml").write_text("[[test]]\n")
        found |= keys(json.loads(desk("test", "--json").out))
    if name == "plan":
        in_force(desk.folder)
        with (desk.folder / "config.toml").open("a") as file:
            file.write(LADDER)
        found |= keys(json.loads(desk("plan", "--json").out))
    named = set(re.findall(r"`([a-z_]+)`", SECTIONS[name]))

    assert found <= named
    assert named - found <= VALUES


A_TEST = """
venue = "architect"
[[test]]
name = "as nobody would expect"
[[test.step]]
set = { margin_usage = "90%" }
expect = { margin-usage = "inactive" }
"""
"""A file of rule tests that fails."""


def in_force(folder: Path) -> None:
    """A daemon has taken up the config."""
    configured = configure(folder / "config.toml", {})
    store = Store.open(f"sqlite:///{folder}/marginwatch.db")
    store.own()
    store.rulebooks.record(rulebook(configured.rules, configured.settings), clock.now())
    store.close()


LADDER = """
[[receivers]]
name = "late"
url = "json://127.0.0.1:9/late"
[[receivers]]
name = "later"
url = "json://127.0.0.1:9/later"
[[routes]]
name = "to-late"
receivers = ["late"]
escalate = [{ after = "10m", receivers = ["later"] }]
"""
"""An edit by which others hear of what is open."""

VALUES = {
    *("good", "failing", "silent", "untried"),
    *("error", "note"),
    *("pending", "firing", "resolved", "closed", "sending", "delivered", "dead", "notify"),
    *("held", "digested", "alert", "digest", "summary", "report"),
    *("step", "message", "deed"),
}
"""Words of the sections that are values and not keys."""


def test_the_config_of_the_installation_is_good_as_it_stands(shell: Shell) -> None:
    """Beside the files the page has made by then, and before anybody wrote a rule of their own."""
    part = INSTALL.partition("## The files\n")[2]
    commands, config = (re.findall(rf"```{kind}\n(.*?)```", part, re.DOTALL)[0] for kind in ("sh", "toml"))
    for made in re.findall(r"^(?:mkdir -p|touch) (/etc/\S+)", commands, re.MULTILINE):
        place = shell.folder / made[1:]
        place.touch() if place.suffix else place.mkdir(parents=True)
    file = shell.folder / "etc/marginwatch/config.toml"
    file.write_text(config.replace('"/etc/', f'"{shell.folder}/etc/'))
    said = shell("check", "--config", str(file))

    assert (said.code, said.err) == (0, "")
