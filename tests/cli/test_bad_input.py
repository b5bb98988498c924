"""Whatever is wrong with the input is one clear sentence at its place, before anything is touched."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from support import ledger
from support.shell import Shell
from support.unprivileged import open_folder, unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

DO_NOT_RESTART = 78
CONFIG, RULES = "config.toml", "rules.toml"


@dataclass(frozen=True, slots=True)
class Edit:
    """One mistake: in `file`, `old` becomes `new`; without `old`, `new` is put at the end."""

    file: str
    old: str
    new: str

    def __call__(self, folder: Path) -> None:
        path = folder / self.file
        text = path.read_text()
        assert self.old in text
        path.write_text(text.replace(self.old, self.new, 1) if self.old else text + self.new)


def config(old: str, new: str) -> Edit:
    """A mistake in the config."""
    return Edit(CONFIG, old, new)


def rules(old: str, new: str) -> Edit:
    """A mistake in the rule file."""
    return Edit(RULES, old, new)


def receiver(url: str) -> Edit:
    """A receiver that cannot be told anything."""
    return config("", f'[[receivers]]\nname = "odd"\nurl = "{url}"\n')


def stonex(accounts: str) -> Edit:
    """A venue that lists no accounts itself."""
    login = 'base_url = "https://h"\nclient_id = "i"\nclient_secret = "s"\n'
    return config("", f'[[venues]]\nname = "clearing"\nkind = "stonex"\n{login}{accounts}')


WRONG: dict[str, Edit] = {
    "config: malformed": config("[web]", "[web"),
    "config: a key twice": config('listen = ""', 'listen = ""\nlisten = ""'),
    "config: unknown table": config("[web]", "[wev]"),
    "config: unknown key": config("every =", "evry ="),
    "config: a number for a duration": config('every = "10s"', "every = 10"),
    "config: no duration": config('every = "10s"', 'every = "10 seconds"'),
    "config: too often": config('every = "10s"', 'every = "0s"'),
    "config: unknown kind of venue": config('kind = "architect"', 'kind = "architekt"'),
    "config: a key of another venue": config('kind = "architect"', 'kind = "architect"\npassword = "x"'),
    "config: a login that cannot be one": config("A" * 24, "A" * 23),
    "config: two venues of one name": config('name = "fx"', 'name = "futures"'),
    "config: two receivers of one name": config('name = "phone"', 'name = "desk"'),
    "config: accounts not named": stonex(""),
    "config: accounts by pattern": stonex('accounts = ["12*"]\n'),
    "config: no severity": config('name = "desk"', 'name = "desk"\nmin_severity = "high"'),
    "config: no address": config('listen = ""', 'listen = "8470"'),
    "config: a heartbeat without a host": config("[web]", '[heartbeat]\nurl = "https:///s3cr3t"\n[web]'),
    "config: a heartbeat to no port": config("[web]", '[heartbeat]\nurl = "http://h:99999/s3cr3t"\n[web]'),
    "config: a heartbeat by mail": config("[web]", '[heartbeat]\nurl = "mailto://s3cr3t@h"\n[web]'),
    "config: unknown kind of database": config("sqlite:///", "mysql://root:hunter2@h/"),
    "config: a database in memory": Edit(CONFIG, 'url = "sqlite:///FOLDER/marginwatch.db"', 'url = "sqlite://"'),
    "config: malformed reference": config('email = "a@example.com"', 'email = "${vault:mail}"'),
    "config: missing variable": config("A" * 24, "${env:NOT_SET}"),
    "config: missing file": config("A" * 24, "${file:/nonexistent/key}"),
    "config: missing credential": config("A" * 24, "${credential:architect-key}"),
    "receiver: unknown service": receiver("slak://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7/#risk"),
    "receiver: no service": receiver("risk@example.com"),
    "receiver: web address": receiver("https://hooks.example.com/s3cr3t"),
    "receiver: not complete": receiver("slack://T1JJ3T3L2/"),
    "receiver: several recipients": receiver("mailto://u:pw@example.com?to=a@example.com,b@example.com"),
    "receiver: several URLs": receiver("json://a json://b"),
    "rules: malformed": rules('id = "thin"', "id = thin"),
    "rules: unknown key": rules("title =", "titel ="),
    "rules: unknown field": rules('value = "margin_usage"', 'value = "margin_usge"'),
    "rules: a ratio against a plain number": rules('"> 80%"', '"> 80"'),
    "rules: money against a ratio": rules('"< 1_000"', '"< 10%"'),
    "rules: a condition with the wrong unit": rules('on = "changed(permissions)"', 'when = "margin_usage > 80"\n#'),
    "rules: a duplicate id": rules('id = "thin"', 'id = "margin-usage"'),
    "rules: levels the wrong way round": rules('"> 90%"', '"> 70%"'),
    "rules: an event that is none": rules('"changed(permissions)"', '"in_margin_call"'),
    "rules: a bad summary": rules('title = "Little left"', 'title = "Little left"\nsummary = "{margin_exces}"'),
    "rules: a venue that is not there": rules('id = "thin"', 'id = "thin"\nvenues = ["futurs"]'),
    "rules: a file that is not there": config('"rules.toml"', '"rulez.toml"'),
    "rules: a folder": config('"rules.toml"', '"."'),
    "rules: nothing a pattern fits": config('"rules.toml"', '"*.yaml"'),
    "rules: an unknown pack": config('"rules.toml"', '"builtin:margins"'),
    "rules: not a rule file": config('"rules.toml"', '"rules.json"'),
}
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
    assert [line for line in run.err.splitlines() if not re.match(r"\S+?:\d+:\d+: |\S+: ", line)] == []
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


YAML = {
    "malformed": "- id: a\n  when: [in_margin_call\n",
    "a tab": "rule:\n\t- id: a\n",
    "unknown key": "rule:\n  - id: a\n    wen: in_margin_call\n    severity: critical\n",
    "wrong unit": "rule:\n  - id: a\n    when: margin_usage > 80\n    severity: critical\n",
    "a duplicate id": (
        "rule:\n  - {id: a, when: in_margin_call, severity: info}\n  - {id: a, when: in_stop_out, severity: info}\n"
    ),
    "a key twice": "rule:\n  - id: a\n    id: b\n    when: in_margin_call\n    severity: info\n",
    "an object of another language": "rule: !!python/object/apply:os.system ['true']\n",
}


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
    """Trouble that may pass: `run` ends with 3, so that it is started again, and names the disk."""

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, 16_384))

    done = subprocess.run(
        [sys.executable, "-m", "marginwatch", "run"],
        cwd=good.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(good.folder), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=no_room,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert re.search(r"(disk is full|failed): ", done.stderr)
