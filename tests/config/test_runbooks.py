"""The runbooks that rules name: what is accepted, how a message leads there, and which section it is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from marginwatch.config.rulefile import Loaded, load_rules
from marginwatch.config.rulepacks import pack_names, packs_folder
from marginwatch.config.runbooks import read_sections, shipped_sections
from marginwatch.errors import Problem
from support.scenes import SCENE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAGE = """# Desk

Before the first section.

## House limit

Sell.

### Meaning

Too much.

## `margin.call`: now!

Call.
"""


def load(folder: Path, runbook: str, base: str = "") -> Loaded:
    rule = f'[[rule]]\nid = "mine"\nwhen = "in_margin_call"\nrunbook = "{runbook}"\n'
    (folder / "desk.toml").write_text(rule)
    (folder / "desk.md").write_text(PAGE)
    return load_rules(["desk.toml"], replace(SCENE, runbook_base=base), folder)


def told(loaded: Loaded) -> str:
    assert loaded.problems == ()
    return loaded.rules[0].runbook


@pytest.mark.parametrize("base", ["", "https://wiki.example.com"])
def test_a_web_address_is_told_as_it_is(tmp_path: Path, base: str) -> None:
    """Wherever pages are published."""
    loaded = load(tmp_path, "https://desk.example.com/calls?x=1#now", base)

    assert told(loaded) == "https://desk.example.com/calls?x=1#now"
    assert loaded.runbooks == {}


def test_a_page_is_told_by_the_command_that_prints_it(tmp_path: Path) -> None:
    """The rule's id says which section it is."""
    loaded = load(tmp_path, "desk.md#house-limit")

    assert told(loaded) == "marginwatch runbook mine"
    assert (loaded.runbooks["mine"].file, loaded.runbooks["mine"].section) == (tmp_path / "desk.md", "house-limit")


@pytest.mark.parametrize("base", ["https://wiki.example.com/desk", "https://wiki.example.com/desk/"])
def test_a_page_that_is_published_is_told_by_its_address(tmp_path: Path, base: str) -> None:
    """Below the address that the config names."""
    assert told(load(tmp_path, "desk.md#house-limit", base)) == "https://wiki.example.com/desk/desk.md#house-limit"


def test_pages_of_packs_keep_their_folder() -> None:
    """All of them have the same name."""
    loaded = load_rules(["builtin:margin"], replace(SCENE, runbook_base="https://w.example.com"))

    assert loaded.problems == ()
    assert loaded.rules[0].runbook == "https://w.example.com/margin/RUNBOOK.md#margin-usage"


def test_a_rule_copied_out_of_a_pack_keeps_the_page_of_the_pack(tmp_path: Path) -> None:
    """Whoever edits a shipped rule copies one file."""
    shutil.copy(packs_folder() / "margin" / "margin.toml", tmp_path)
    loaded = load_rules(["margin.toml"], replace(SCENE, runbook_base="https://w"), tmp_path)

    assert loaded.problems == ()
    assert loaded.runbooks["margin-usage"].file == packs_folder() / "margin" / "RUNBOOK.md"
    assert loaded.rules[0].runbook == "https://w/margin/RUNBOOK.md#margin-usage"


def test_a_rule_without_a_runbook_tells_none(tmp_path: Path) -> None:
    """It is no mistake to have none."""
    (tmp_path / "desk.toml").write_text('[[rule]]\nid = "mine"\nwhen = "in_margin_call"\n')
    loaded = load_rules(["desk.toml"], SCENE, tmp_path)

    assert told(loaded) == ""


def test_a_section_that_is_not_there_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    """At the place of the key."""
    (problem,) = load(tmp_path, "desk.md#house-limits").problems

    assert (problem.place.line, problem.place.col) == (4, 11)
    assert problem.what == "`runbook`: desk.md has no section house-limits"
    assert problem.hint == "did you mean house-limit?"


def test_a_section_that_is_like_no_other_is_told_how_to_write(tmp_path: Path) -> None:
    """The hint is the heading that is missing."""
    (problem,) = load(tmp_path, "desk.md#zzz").problems

    assert problem.hint == "a section begins with the line: ## zzz"


def test_sections_end_where_the_next_begins(tmp_path: Path) -> None:
    """Headings below them belong to them, what is before the first to none."""
    (tmp_path / "desk.md").write_text(PAGE)

    assert sections(tmp_path / "desk.md") == {
        "house-limit": "## House limit\n\nSell.\n\n### Meaning\n\nToo much.",
        "margincall-now": "## `margin.call`: now!\n\nCall.",
    }


def test_a_page_without_sections_has_none(tmp_path: Path) -> None:
    """And is read all the same."""
    (tmp_path / "desk.md").write_text("Nothing\n")

    assert sections(tmp_path / "desk.md") == {}


def test_the_sections_of_all_packs_are_found() -> None:
    """Each pack has a page, whose sections are among them."""
    pages = [sections(packs_folder() / pack / "RUNBOOK.md") for pack in pack_names(packs_folder())]

    assert all(pages)
    assert shipped_sections() == {name: text for page in pages for name, text in page.items()}


def sections(file: Path) -> Mapping[str, str]:
    found = read_sections(file)
    assert not isinstance(found, Problem)
    return found
