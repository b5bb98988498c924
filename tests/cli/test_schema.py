"""`schema`: printed, or written to a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.shell import Shell


@pytest.mark.parametrize("what", ["config", "rules", "tests"])
def test_it_is_printed_or_written(shell: Shell, what: str) -> None:
    """The same text either way, without a config."""
    printed = shell("schema", what)
    written = shell("schema", what, "--output", "here.json")

    assert (printed.code, printed.err) == (0, "")
    assert (written.code, written.out, written.err) == (0, "", "")
    assert (shell.folder / "here.json").read_text() == printed.out
    assert json.loads(printed.out)["$id"] == f"urn:marginwatch:schema:{what}"


def test_a_file_that_cannot_be_written(shell: Shell) -> None:
    """One sentence."""
    said = shell("schema", "rules", "--output", shell.folder)

    assert (said.code, said.out) == (1, "")
    assert shell.shown(said.err) == "FOLDER cannot be written: is a directory\n"


def test_there_is_no_schema_of_anything_else(shell: Shell) -> None:
    """Those there are, are named."""
    said = shell("schema", "rule")

    assert said.code == 2
    assert "'config', 'rules', 'tests'" in said.err
