"""Whatever is wrong with the input is one clear sentence at its place, before anything is touched."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from support import ledger
from support.mistakes import CONFIG, RULES, WRONG, YAML, Edit, config
from support.shell import Shell
from support.unprivileged import open_folder, unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

DO_NOT_RESTART = 78
ONLY_RUN = {"config: missing variable", "config: missing file", "config: missing credential"}
"""Wrong where it runs, and only worth a note where it is checked."""


@pytest.fixture
def good(shell: Shell) -> Shell:
    """A shell beside a good config and its rules."""
    ledger.write(shell.folder)
    return shell


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_one_sentence_at_its_place(good: Shell, name: str, snapshot: SnapshotAssertion) -> None:
    """`check` ends with 1 and `run` with 78, with the same sentence, and neither makes a database."""
    edit = WRONG[name]
    if "FOLDER" in edit.old:
        edit = Edit(edit.file, edit.old.replace("FOLDER", str(good.folder)), edit.new)
    edit(good.folder)
    check, run = good("check"), good("run")

    assert run.code == DO_NOT_RESTART
    assert run.out == ""
    assert good.shown(run.err) == snapshot
    assert [line for line in run.err.splitlines() if not re.match(r"\S+?:\d+:\d+: |\S+: | +\d* \| ", line)] == []
    assert "Traceback" not in run.err
    if name in ONLY_RUN:
        assert check.code == 0
        assert f"note: {run.err}" in check.out
    else:
        assert (check.code, check.out, check.err) == (1, "", run.err)
    assert not (good.folder / "marginwatch.db").exists()


@pytest.mark.parametrize("secret", ["hunter2", "s3cr3t", "TIiajkdnlazkcOXrIdevi7"])
def test_no_sentence_repeats_a_secret(good: Shell, secret: str) -> None:
    """A URL that cannot be used may hold a token all the same."""
    for edit in WRONG.values():
        if secret in edit.new:
            shutil.copy(ledger.write(good.folder), good.folder / "kept")
            edit(good.folder)
            said = good("check")
            assert said.code == 1
            assert secret not in said.err


@pytest.mark.parametrize("name", YAML)
def test_a_mistake_in_yaml(good: Shell, name: str, snapshot: SnapshotAssertion) -> None:
    """YAML is judged as strictly, with the same places."""
    (good.folder / "rules.yaml").write_text(YAML[name])
    config('"rules.toml"', '"rules.yaml"')(good.folder)
    said = good("check")

    assert (said.code, said.out) == (1, "")
    assert good.shown(said.err) == snapshot


def not_utf8(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"# \xff\n")


def with_mark(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def too_large(path: Path) -> None:
    path.write_text(path.read_text() + "#\n" * 600_000)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [not_utf8, with_mark, too_large, a_folder, a_pipe, gone])
@pytest.mark.parametrize("file", [CONFIG, RULES])
def test_a_file_that_cannot_be_one(
    good: Shell, file: str, spoil: Callable[[Path], None], snapshot: SnapshotAssertion
) -> None:
    """Whatever stands where a file should is named, and never waited for."""
    spoil(good.folder / file)
    said = good("run", "--config", CONFIG)

    assert (said.code, said.out) == (DO_NOT_RESTART, "")
    assert good.shown(said.err) == snapshot


@pytest.mark.parametrize("file", [CONFIG, RULES])
def test_a_file_that_may_not_be_read(file: str, monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion) -> None:
    """The sentence says that permission is what is missing."""
    with open_folder() as folder:
        shell = Shell(folder, monkeypatch)
        ledger.write(folder)
        for path in folder.iterdir():
            path.chmod(0o644)
        (folder / file).chmod(0)
        with unprivileged():
            said = shell("check")

    assert (said.code, said.out) == (1, "")
    assert shell.shown(said.err) == snapshot


def test_a_variable_that_means_nothing(good: Shell, snapshot: SnapshotAssertion) -> None:
    """A misspelt override would be missed in silence."""
    said = good("run", MARGINWATCH_STORE_URL="sqlite:////tmp/x.db")

    assert said.code == DO_NOT_RESTART
    assert said.err == snapshot


def text_as_database(path: Path) -> None:
    path.write_text("dear diary,\n" * 100)


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE cats (name TEXT)")


def newer_database(path: Path) -> None:
    shutil.copy(path.parent / "filled.db", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def no_database(path: Path) -> None:
    assert not path.exists()


def folder_as_database(path: Path) -> None:
    path.mkdir()


def content(path: Path) -> object:
    """All that is in the file, whatever it is."""
    if not path.is_file():
        return path.exists()
    if not path.read_bytes().startswith(b"SQLite"):
        return path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (text_as_database, 1),
        (foreign_database, 1),
        (newer_database, DO_NOT_RESTART),
        (no_database, 1),
        (folder_as_database, 1),
    ],
)
def test_a_database_that_cannot_be_looked_at(
    good: Shell, filled: Path, spoil: Callable[[Path], None], code: int, snapshot: SnapshotAssertion
) -> None:
    """One sentence, and the file is as it was."""
    path = good.folder / "marginwatch.db"
    shutil.copy(filled, good.folder / "filled.db")
    spoil(path)
    before = content(path)
    said = good("status")

    assert (said.code, said.out) == (code, "")
    assert good.shown(said.err) == snapshot
    assert content(path) == before


@pytest.mark.parametrize("words", [("ack", "k3w"), ("silence", "add", "--for", "1h", "--rule", "thin")], ids=" ".join)
def test_a_database_that_may_only_be_read(
    filled: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, snapshot: SnapshotAssertion
) -> None:
    """Writing is refused in one sentence, and what is stored stays as it was."""
    with open_folder() as folder:
        shell = Shell(folder, monkeypatch)
        ledger.write(folder)
        shutil.copy(filled, folder / "marginwatch.db")
        before = (folder / "marginwatch.db").read_bytes()
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)
        with unprivileged():
            said = shell(*words)

        assert (said.code, said.out) == (1, "")
        assert shell.shown(said.err) == snapshot
        assert (folder / "marginwatch.db").read_bytes() == before


def test_a_disk_that_is_full(good: Shell) -> None:
    """Trouble that may pass: `run` ends with 3, so that it is started again, and names the database."""
    # a module compiled under the limit would be cut off, for every later process to stumble over
    environ = {"PATH": os.environ["PATH"], "HOME": str(good.folder), "PYTHONDONTWRITEBYTECODE": "1"}
    limited = ["sh", "-c", 'ulimit -f 32; exec "$@"', "sh", sys.executable, "-m", "marginwatch", "run"]
    done = subprocess.run(limited, cwd=good.folder, env=environ, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert re.search(r"(disk is full|failed): ", done.stderr)
