"""What the guide shows may be copied: every config in it is good, and every command in it is called rightly."""

from __future__ import annotations

import re
import shlex
import tomllib
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import pytest

from marginwatch import clock
from marginwatch.app.build import configure
from marginwatch.cli import COMMANDS, cli
from support.sites import receiver, table

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("rules/**/*.md")])
OF_RULES: Final = {"rules.md", "rule-tests.md", "desk.md"}
"""What these show are rules and their tests, which have tests of their own."""
LOGINS: Final[dict[str, dict[str, object]]] = {
    "futures": {"kind": "architect", "api_key": "A" * 24, "api_secret": "B" * 44, "currency": "USD"},
    "clearing": {
        "kind": "stonex",
        "base_url": "https://clearing.example.com",
        "client_id": "watcher",
        "client_secret": "dummy-secret",
        "accounts": ["12345678"],
        "currency": "USD",
    },
    "fx": {
        "kind": "helio",
        "base_url": "https://trader.example.com/api/v1",
        "email": "risk@example.com",
        "password": "dummy-password",
    },
}
"""Of the venues that the guide speaks of."""
READS: Final = {"--config", "--rules", "--file"}
"""Options that name a file which must be there."""
RULE: Final = '[[rule]]\nid = "usage"\nvalue = "margin_usage"\nlevels = { warning = "> 80%" }\n'


def blocks(page: Path, language: str) -> list[str]:
    """What a page shows in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


CONFIGS: Final = {
    f"{page.relative_to(ROOT)} {number}": text
    for page in PAGES
    if page.name not in OF_RULES
    for number, text in enumerate(blocks(page, "toml"), 1)
}


def completed(text: str) -> str:
    """The config with what it leaves out: venues, rules, and the receivers that it names."""
    shown = tomllib.loads(text)
    venues = {each["name"] for each in shown.get("venues", ())}
    logins = {kind: table("[venues]", {"name": kind, **login}) for kind, login in LOGINS.items()}
    for name in venues & LOGINS.keys():  # a table that shows some of its keys has the others as well
        given = next(each for each in shown["venues"] if each["name"] == name)
        more = "".join(
            table("x", {key: value}).partition("]\n")[2] for key, value in LOGINS[name].items() if key not in given
        )
        text = text.replace(f'name = "{name}"\n', f'name = "{name}"\n{more}', 1)
    wanted = set(named(shown)) | {"desk"}
    defined = {each["name"] for each in shown.get("receivers", ())}
    return "".join(
        (
            text,
            *(login for name, login in logins.items() if name not in venues),
            *(receiver(name, "json://127.0.0.1:9/hook") for name in sorted(wanted - defined)),
            "" if "rules" in shown else table("rules", {"files": ["builtin:margin"]}),
        )
    )


def named(shown: Any) -> Iterator[str]:  # noqa: ANN401  (as TOML gives it)
    """The receivers that tables name, at any depth."""
    for key, value in shown.items() if isinstance(shown, dict) else enumerate(shown):
        if key == "receivers" and isinstance(value, list):
            yield from (each for each in value if isinstance(each, str))
        if isinstance(value, dict | list):
            yield from named(value)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_of_the_guide_is_good(tmp_path: Path, name: str) -> None:
    """With what it leaves out, and folders of ours in the place of the system's."""
    for folder, file, text in (("rules", "usage.toml", RULE), ("templates", "title.j2", "{{ account }}\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(text)
    config = tmp_path / "config.toml"
    config.write_text(completed(CONFIGS[name]).replace("/etc/marginwatch", str(tmp_path)))

    assert configure(config, {"HOME": str(tmp_path)}, need_secrets=False).settings.venues


def typed(page: Path) -> Iterator[str]:
    """Each call of marginwatch that a page shows, in a block of its own or with arguments in a sentence."""
    for text in blocks(page, "sh"):
        yield from re.findall(r"^(?:[A-Z_]+=\S+ )*(?:\S*/)?marginwatch ([a-z].*)", text, re.MULTILINE)
    for call in re.findall(r"`marginwatch ([a-z][^`]*\s[^`]*)`", page.read_text()):
        yield re.sub(r"\s+", " ", call)


CALLS: Final = sorted({(str(page.relative_to(ROOT)), call) for page in PAGES for call in typed(page)})


@pytest.mark.parametrize(("page", "call"), CALLS)
def test_a_command_of_the_guide_is_called_rightly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, call: str
) -> None:
    """Its command, options and arguments are there and take what is given; nothing is done."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 1, 1, tzinfo=UTC))
    words = shlex.split(re.sub(r"\$\([^)]*\)", "TODAY", call), comments=True)
    for before, word in pairwise(words):
        if before in READS and "/" not in word:
            Path(word).touch()
    command: click.Command = cli
    context = click.Context(cli, info_name="marginwatch")
    while isinstance(command, click.Group) and words:
        name, inner, words = command.resolve_command(context, words)
        assert inner is not None
        assert command is not cli or name in COMMANDS, page
        command = inner
        if not isinstance(command, click.Group):
            command.make_context(name, words, parent=context)
            return
        context = click.Context(command, info_name=name, parent=context)
    assert not words


def test_much_of_the_guide_is_tried() -> None:
    """Lest a change of how pages are written leaves nothing to try."""
    assert len(CONFIGS) > 15
    assert len(CALLS) > 60
