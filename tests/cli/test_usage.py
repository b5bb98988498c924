"""Help, versions, misspelt words and completion: what a new user meets first."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from marginwatch.cli import COMMANDS

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

SUBCOMMANDS = [(name,) for name in COMMANDS] + [("silence", name) for name in ("add", "list", "end")]


def test_without_a_command_the_help_is_shown(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """`marginwatch` alone shows what there is, on standard error, and counts as called wrongly."""
    said = shell()

    assert (said.code, said.out) == (2, "")
    assert snapshot == said.err
    assert shell("--help").out == shell("-h").out == said.err


@pytest.mark.parametrize("words", SUBCOMMANDS, ids=" ".join)
def test_every_command_explains_itself(shell: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """`--help` says what a command does and what its options mean."""
    said = shell(*words, "--help")

    assert (said.code, said.err) == (0, "")
    assert snapshot == said.out


@pytest.mark.parametrize("words", SUBCOMMANDS, ids=" ".join)
def test_every_option_has_a_word_of_help(shell: Shell, words: tuple[str, ...]) -> None:
    """No option is listed bare."""
    lines = shell(*words, "--help").out.splitlines()
    bare = [
        line
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
        if line.lstrip().startswith("--") and "  " not in line.strip() and not after.startswith(" " * 18)
    ]
    assert bare == []


def test_the_version(shell: Shell) -> None:
    """`--version` names the program and the installed version."""
    assert f"marginwatch {version('marginwatch')}\n" == shell("--version").out


@pytest.mark.parametrize(
    "words",
    [
        ("chekc",),
        ("check", "--onlin"),
        ("completion",),
        ("zzzzzz",),
        ("status", "--jsn"),
        ("--conifg", "x", "status"),
        ("silence", "ad"),
        ("silence", "zzz"),
        ("ack",),
        ("ack", "a", "b"),
        ("forget", "acc-1"),
        ("alerts", "--since", "5"),
        ("alerts", "--since", "0s"),
        ("alerts", "--limit", "0"),
        ("outbox", "--limit", "99999999999999999999"),
        ("silence", "add", "--for", "2h"),
        ("silence", "end", "one"),
        ("outbox", "--status", "lost"),
        ("completion", "tcsh"),
        ("run", "--log-level", "loud"),
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_one_sentence(shell: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """What is wrong, what was probably meant, and where to read more; exit code 2."""
    said = shell(*words)

    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
    assert snapshot == said.err


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: Shell, name: str) -> None:
    """Each names the variable that asks for completions."""
    said = shell("completion", name)

    assert said.code == 0
    assert f"_MARGINWATCH_COMPLETE={name}_complete" in said.out


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("marginwatch st", {"status"}),
        ("marginwatch silence ", {"add", "end", "list"}),
        ("marginwatch status --c", {"--config"}),
        ("marginwatch statsu --c", set()),
    ],
)
def test_a_completion_completes(words: str, completed: set[str]) -> None:
    """Asked as bash asks, the program names the commands that fit."""
    asked = {"_MARGINWATCH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run([sys.executable, "-m", "marginwatch"], env=asked, capture_output=True, text=True, check=True)
    assert {line.partition(",")[2] for line in done.stdout.split()} == completed


def test_help_imports_nothing_heavy() -> None:
    """`--help` does not wait for the database, the network or the receivers."""
    code = (
        "import sys\nfrom marginwatch.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n"
        "    print(sorted({'sqlalchemy', 'pydantic', 'structlog', 'apprise', 'grpc', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
