"""How problems look: the line they are about and carets under the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from marginwatch.cli.problems import excerpt
from marginwatch.errors import Place, Problem
from support import ledger

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell


def shown(line: str, col: int, end: int, width: int = 60) -> list[str]:
    """The lines under a problem in line 7."""
    return list(excerpt(Problem(Place("rules.toml", 7, col, end), "wrong", line=line), width))


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ('value = "margin_usge"', "margin_usge"),
        ('\tvalue = "margin_usge"', "margin_usge"),
        ('title = "保証金", vlaue = 3', "vlaue"),
        ('title = "保証金"', "証金"),
        ('"e\u0301" = "\u202eabc", x = 4', "x"),
        (f'when = "{"equity > 0 or " * 20}eqity < 0"', "eqity"),
        (f'when = "eqity < 0{" or equity > 0" * 20}"', "eqity"),
        (f'title = "{"保" * 100}", x = 4', "x"),
        (f'title = "{"x" * 100}"', f'"{"x" * 100}"'),
        ("id = 7", "7"),
    ],
)
def test_carets_stand_under_the_place(line: str, marked: str, snapshot: SnapshotAssertion) -> None:
    """After tabs and wide characters, and in a line that is too long to be shown whole."""
    col = line.index(marked) + 1
    assert "\n".join(shown(line, col, col + len(marked))) == snapshot


def test_the_end_of_a_line_has_a_caret(snapshot: SnapshotAssertion) -> None:
    """What is missing is missing behind the last character."""
    assert "\n".join(shown('id = "call', 11, 12)) == snapshot


def test_without_a_line_there_is_none() -> None:
    """A missing file has no lines."""
    assert shown("", 1, 2) == []


@given(
    st.text(st.sampled_from("a b\t保\u0301\u200d\x07é")), st.integers(1, 400), st.integers(0, 400), st.integers(1, 120)
)
def test_lines_fit_and_carets_stay_under_them(line: str, col: int, length: int, width: int) -> None:
    """Neither line is wider than there is room, whatever the text and the place; one character too wide may be."""
    found = shown(line or "a", col, col + length, width)
    assert len(found) == 2
    widest = cell_len(found[0])
    assert widest <= max(width, 40 + len("  7 | ")) + 1
    assert len(found[1].rstrip()) <= widest + 2
    assert found[1].count("^") == 1


def test_on_a_terminal(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """File by file, in colour, with their number at the end; in a pipe each is a line to search for."""
    config = ledger.write(shell.folder)
    config.write_text(config.read_text().replace("every =", "evry =", 1))
    rules = shell.folder / "rules.toml"
    rules.write_text(rules.read_text().replace("margin_usage", "margin_usge"))
    said = shell("check", terminal=70)
    plain = shell("check", terminal=70, NO_COLOR="1")
    piped = shell("check")

    assert (said.code, said.out) == (plain.code, plain.out) == (1, "")
    assert shell.shown(said.err) == snapshot
    assert shell.shown(plain.err) == snapshot
    sentences = [line for line in piped.err.splitlines() if not line.startswith(" ")]
    assert [line for line in plain.err.splitlines() if line in sentences] == sentences
