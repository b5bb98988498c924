"""Runbooks: the page that a rule names, the section of it that says what to do, and how a message leads there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from marginwatch.config.rulepacks import packs_folder
from marginwatch.config.sourcefile import read_source
from marginwatch.config.suggest import did_you_mean
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.config.rulemodel import Draft

_WEB: Final = r"https?://[^\s/]\S*"
_SECTION: Final = r"[\w.-]+\.md#[\w.-]+"
FORM: Final = f"^(?:{_WEB}|{_SECTION})$"
"""What `runbook` may be: a web address, or a page beside the rule file and a section of it."""
_HEADING: Final = re.compile(r"^## +(\S.*?) *$", re.MULTILINE)
PAGE: Final = "RUNBOOK.md"
"""What the page of a pack is called."""


@dataclass(frozen=True, slots=True)
class Page:
    """A file of runbooks and one of its sections."""

    file: Path
    section: str
    """The heading as links have it: `margin-usage`."""


def runbook_problems(draft: Draft) -> Iterator[Problem]:
    """What is wrong with the runbook a rule names: its form, or that it is not there."""
    node = draft.runbook
    if node is None:
        return
    page = page_of(draft)
    if page is None:
        if not re.fullmatch(FORM, str(node.value), re.ASCII):
            hint = 'write "https://…", or a page beside this file and its section: "desk.md#margin-usage"'
            yield Problem(node.place, "`runbook` must be a web address or a section of a Markdown file", hint)
        return
    found = read_sections(page.file)
    if isinstance(found, Problem):
        yield Problem(node.place, f"`runbook` names {page.file.name} beside this file: {found.what}")
    elif page.section not in found:
        hint = did_you_mean(page.section, found) or f"a section begins with the line: ## {page.section}"
        yield Problem(node.place, f"`runbook`: {page.file.name} has no section {page.section}", hint)


def told_runbook(draft: Draft, base: str) -> str:
    """How a message leads to the rule's runbook: by a web address where it has one, else by a command."""
    page = page_of(draft)
    if page is None:
        return "" if draft.runbook is None else str(draft.runbook.value)
    if not base:
        return command(draft.id)
    folder = f"{page.file.parent.name}/" if page.file.is_relative_to(packs_folder()) else ""
    return f"{base.rstrip('/')}/{folder}{page.file.name}#{page.section}"


def command(rule: str) -> str:
    """The command that prints the runbook of a rule."""
    return f"marginwatch runbook {rule}"


def page_of(draft: Draft) -> Page | None:
    """The page the rule names; None when it names none, or a web address.

    A rule copied out of a pack without its page keeps the pack's.
    """
    if draft.runbook is None or not re.fullmatch(_SECTION, str(draft.runbook.value), re.ASCII):
        return None
    name, _, section = str(draft.runbook.value).partition("#")
    beside = Path(draft.place.file).parent / name
    pages = () if name != PAGE or beside.exists() else sorted(packs_folder().glob(f"*/{PAGE}"))
    left_behind = (file for file in pages if section in _sections(file))
    return Page(next(left_behind, beside), section)


def read_sections(file: Path) -> Mapping[str, str] | Problem:
    """Every section of a page, by its heading as links have it, or why the page cannot be read.

    A section begins with a heading of the second level, `## margin-usage`, and ends before the next.
    """
    source = read_source(file)
    if isinstance(source, Problem):
        return source
    found = [*_HEADING.finditer(source.text), None]
    return {
        _anchor(heading[1]): source.text[heading.start() : after.start() if after else None].strip()
        for heading, after in pairwise(found)
        if heading
    }


def shipped_sections() -> Mapping[str, str]:
    """The sections of all packs: of each shipped rule and of each built-in alert, by its id."""
    found: dict[str, str] = {}
    for file in sorted(packs_folder().glob(f"*/{PAGE}")):
        found |= _sections(file)
    return found


def _sections(file: Path) -> Mapping[str, str]:
    """Those of a page of ours, which can be read unless the installation is broken."""
    found = read_sections(file)
    return {} if isinstance(found, Problem) else found


def _anchor(heading: str) -> str:
    """The heading as links have it: small letters, blanks as dashes, without punctuation and backticks."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
