"""The guide to messages is true: every name, and a template that can be copied."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from marginwatch.errors import Place
from marginwatch.notify.body import Role
from marginwatch.notify.filters import FILTERS
from marginwatch.notify.render import BODY_LENGTH, TITLE_LENGTH
from marginwatch.notify.templates import FILES, ROOM
from marginwatch.notify.tryout import try_out
from marginwatch.notify.variables import VARIABLES

GUIDE = (Path(__file__).parents[2] / "docs" / "messages.md").read_text()


def test_the_guide_lists_every_name() -> None:
    """Each variable, filter, part and file, in the words of the program."""
    for name, meaning in VARIABLES.items():
        assert f"| `{name}` | {meaning} |" in GUIDE
    for name, each in FILTERS.items():
        assert f"| `{name}` | {(inspect.getdoc(each) or '').splitlines()[0]} |" in GUIDE
    assert all(f"`{role}`" in GUIDE for role in Role)
    assert all(f"`{file}`" in GUIDE for file in FILES)


def test_the_guides_template_works(tmp_path: Path) -> None:
    """On every kind of message."""
    [text] = re.findall(r"```jinja\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "text.j2").write_text(text)

    assert try_out(tmp_path, Place("config.toml")).problems == ()


def test_the_guides_figures_hold() -> None:
    """The lengths it names."""
    lengths = (TITLE_LENGTH, BODY_LENGTH, ROOM["markdown.j2"], ROOM["html.j2"])

    assert all(f"{length:,} characters" in GUIDE for length in lengths)
