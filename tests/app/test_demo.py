"""The demo is the real thing: what it tells is what the daemon told, over the venues' own protocols."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from marginwatch.app.demo import play
from marginwatch.app.demo.console import Board
from marginwatch.app.demo.play import Wanted, run_demo
from marginwatch.app.demo.rules import write_rules
from marginwatch.config.rulecheck import Scene
from marginwatch.config.rulefile import load_rules
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from pathlib import Path


def test_the_story_is_told_and_everything_resolves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Played once and fast, every venue's trouble is told and resolved, and nothing is left open."""
    boards: list[Board] = []

    def board() -> Board:
        boards.append(Board(console=Console(highlight=False, soft_wrap=True)))
        return boards[-1]

    monkeypatch.setattr(play, "Board", board)

    wrong = run_demo(Wanted(once=True, fast=True, port=0))

    assert wrong == []
    told = {(venue, rule, state) for venue, rule, state in boards[0].told}
    assert {
        ("futures", "margin-usage", "worsened"),
        ("futures", "margin-call", "firing"),
        ("futures", "margin-call", "resolved"),
        ("futures", "permissions-changed", "event"),
        ("clearing", "fed-call", "firing"),
        ("clearing", "fed-call", "unknown"),
        ("clearing", "fed-call", "reminder"),
        ("clearing", "fed-call", "resolved"),
        ("fx", "stop-out", "firing"),
        ("fx", "stop-out", "resolved"),
    } <= told
    printed = capsys.readouterr().out
    assert "Data as of" in printed
    assert "messages were delivered" in printed


def test_what_was_not_told_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo does not claim success when a venue's story was not told."""

    class Nothing:
        class history:  # noqa: N801  (stands for the store's attribute)
            @staticmethod
            def alerts(*, open_only: bool) -> list[object]:
                assert open_only
                return []

    monkeypatch.setattr(play, "VENUES", ("fx",))
    board = Board()
    board.told.append(("fx", "margin-call", "firing"))

    assert play._verify(Nothing(), board) == ["nothing resolved was told of fx"]  # type: ignore[arg-type]  # the history is all it reads of a store


@pytest.mark.parametrize(
    ("speed", "expected"), [(1.0, ['for = "1s"', 'clear_for = "2s"']), (7.0, ['remind_every = "8s"'])]
)
def test_the_shipped_rules_are_shortened_and_nothing_else(tmp_path: Path, speed: float, expected: list[str]) -> None:
    """Durations are shorter and steps for the worse larger; what shrinks below a second is left out."""
    files = write_rules(tmp_path, speed)

    margin = next(file for file in files if file.name == "margin.toml").read_text()
    assert {"margin.toml", "calls.toml", "permissions.toml"} == {file.name for file in files}
    assert all(line in margin for line in expected)
    catalogues = {name: kind.catalogue for name, kind in venue_kinds().items()}
    assert load_rules([str(file) for file in files], Scene(catalogues, {}, lambda *_: None)).problems == ()
    assert 'clear_by = "3%"' in margin
    assert 'worsens_by = "10%"' in margin
    assert margin.count("flapping = false") == margin.count("[[rule]]")  # the story is played over and over


def test_the_program_is_named_so_that_it_can_be_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no search path has it, by its whole name; where nothing is installed, by its own."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert play._program() == "marginwatch"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "marginwatch").touch()
    assert play._program() == str(tmp_path / "bin" / "marginwatch")


def test_a_taken_port_is_no_trouble_unless_it_was_asked_for() -> None:
    """The default port gives way, a wanted one is kept."""
    assert play._listen(1234) == "127.0.0.1:1234"
    with ExitStack() as stack:
        with suppress(OSError):  # somebody else may have it, which is as well
            stack.enter_context(socket.create_server(("127.0.0.1", 8470)))
        free = play._listen(None)
    assert free.startswith("127.0.0.1:")
    assert free not in {"127.0.0.1:8470", "127.0.0.1:0"}


@pytest.mark.acceptance
def test_ctrl_c_ends_it_quietly() -> None:
    """An interrupted demo ends with 0 and without a traceback."""
    command = [sys.executable, "-u", "-m", "marginwatch", "demo", "--fast", "--port", "0"]
    environ = {**os.environ, "COLUMNS": "200"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if "stop with Ctrl-C" in line:
                break
        running.send_signal(signal.SIGINT)
        output, error = running.communicate(timeout=30)

    assert (running.returncode, error) == (0, "")
    assert output.endswith("~ stopped\n")
