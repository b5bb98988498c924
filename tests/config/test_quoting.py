"""Lines under problems: those that help are shown, those that may hold a secret never."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.config.document import Node, Source
from marginwatch.config.load import load_settings
from marginwatch.config.quoting import ConfigLines, quoted
from marginwatch.errors import Place, Problem
from marginwatch.ops.redact import REDACTOR
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel

SECRET = "swordfish"
"""Looks like a word, so that nothing but its place gives it away."""
KINDS: Mapping[str, type[BaseModel]] = {name: kind.settings for name, kind in venue_kinds().items()}
GOOD = f"""\
[rules]
files = ["builtin:margin"]
[[venues]]
name = "fx"
kind = "helio"
base_url = "https://trader.example.com/api/v1"
email = "risk@example.com"
password = "{SECRET}"
every = "5s"
[[receivers]]
name = "desk"
url = "slack://{SECRET}/{SECRET}/#risk"
min_severity = "info"
"""


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    REDACTOR.forget()


def lines(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is shown under the problems of a config."""
    file = folder / "config.toml"
    file.write_text(text)
    loaded = load_settings(file, {"HOME": "/", **(environ or {})}, KINDS)
    assert loaded.problems
    return [problem.line for problem in loaded.problems]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ('every = "5s"', 'every = "5 s"  # soon', 'every = "5 s"'),
        ('every = "5s"', "every = [", "[[receivers]]"),
        ('every = "5s"', "every = 5s # soon", "every = 5s"),
        ("[[venues]]", "[[venuse]]", "[[venuse]]"),
        ("[[venues]]", "[[venues]", "[[venues]"),
        ("email", "emial", "emial = …"),
        ("password", "pasword", "pasword = …"),
        ("password", "passwords", "passwords = …"),
        (f'"{SECRET}"', SECRET, ""),
        (f'"{SECRET}"', f'["{SECRET}"]', ""),
        (f'"{SECRET}"', f'"""\n{SECRET}\n""" x', ""),
        (f'"slack://{SECRET}/{SECRET}/#risk"', f'"{SECRET}"', ""),
        ('name = "desk"', f'name = "desk", url = "slack://{SECRET}"', ""),
        ("https://trader", f"https://risk:{SECRET}@trader", ""),
        ('"5s"', '"${env:EVERY}"', ""),
        ('"5s"', '"${nev:EVERY}"', ""),
    ],
)
def test_a_line_is_shown_as_far_as_it_holds_no_secret(tmp_path: Path, old: str, new: str, shown: str) -> None:
    """Values are shown where their key is known to hold no secret, and of an unknown key nothing but the key."""
    found = lines(tmp_path, GOOD.replace(old, new, 1), {"EVERY": "often"})
    assert shown in found
    assert SECRET not in "".join(found)


def test_nothing_is_shown_where_a_secret_has_no_place() -> None:
    """Should the place of one be unknown, no line is known to be without it."""
    source = Source("config.toml", f'every = "5 s"\npassword = "{SECRET}"')
    every = Node(source, 8, 13, "5 s", 0)
    problem = Problem(every.place, "wrong")
    for password, shown in (
        (Node(source, 26, 37, SECRET, 14), 'every = "5 s"'),
        (Node(source, 14, 14, SECRET, 14), ""),
    ):
        root = Node(source, 0, 0, {"every": every, "password": password})
        lines = ConfigLines(root, lambda loc: loc == ("password",))
        assert quoted([problem], source, lines)[0].line == shown


def test_what_stands_before_a_secret_may_be_shown(tmp_path: Path) -> None:
    """In one line of several keys, those before the first secret are."""
    table = f'venues = [{{ nmae = "fx", name = "fx", kind = "helio", password = "{SECRET}", every = "0s" }}]\n'
    found = lines(tmp_path, table + 'receivers = []\nrules.files = ["builtin:margin"]\n')
    assert "venues = [{ nmae = …" in found
    assert SECRET not in "".join(found)


@given(st.data())
def test_no_edit_brings_a_secret_to_light(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever is taken out of a config or put in, no line under a problem holds the secret."""
    start = data.draw(st.integers(0, len(GOOD)))
    length = data.draw(st.integers(0, len(GOOD[start:].partition("\n")[0])))
    put = data.draw(st.sampled_from(["", "x", '"', "'", "=", "\n", "[", "]]", "#", '"""', "0", "${", "every = "]))
    broken = GOOD[:start] + put + GOOD[start + length :]
    file = tmp_path_factory.getbasetemp() / "quoting.toml"
    file.write_text(broken)
    loaded = load_settings(file, {"HOME": "/"}, KINDS)
    for problem in loaded.problems:
        assert SECRET not in problem.line
    REDACTOR.forget()


def test_what_looks_like_a_secret_is_not_shown() -> None:
    """Nor is a line of many thousand characters, which no hand wrote."""
    source = Source("rules.toml", f'token = "{SECRET}"\nid = "a"\n{"x" * 5000}')
    places = (Place("rules.toml", 1, 1, 6), Place("rules.toml", 2, 1, 3), Place("rules.toml", 3, 1, 9))
    others = (Place("rules.toml", 2), Place("other.toml", 2, 1, 3), Place("rules.toml", 4, 1, 3))
    found = quoted([Problem(place, "wrong") for place in (*places, *others)], source)
    assert [problem.line for problem in found] == ["", 'id = "a"', "", "", "", ""]
