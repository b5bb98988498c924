"""`backup` and `restore` as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.store.store import Store

if TYPE_CHECKING:
    from support.shell import Shell


def test_a_backup_is_made_and_put_back(desk: Shell) -> None:
    """What is listed afterwards is what was listed before; the database of before stays aside."""
    before = desk("alerts", "--all", "--json").out
    made = desk("backup", "copy.db")
    assert made.code == 0, made.err
    assert made.out.startswith("copy.db: ")
    desk("silence", "add", "--everything", "--for", "1h", "--note", "since then")
    put = desk("restore", "copy.db", "--force")

    replaced = desk.folder / "marginwatch.db.replaced"
    assert (put.code, put.out) == (0, f"copy.db is the database now; the one of before is {replaced}\n")
    assert desk("alerts", "--all", "--json").out == before
    assert "since then" not in desk("silence", "list", "--all", "--json").out


def test_a_new_machine_starts_with_a_backup(desk: Shell) -> None:
    """No database is there yet, so nothing needs to be forced."""
    desk("backup", "copy.db")
    (desk.folder / "marginwatch.db").unlink()
    assert desk("restore", "copy.db").out == "copy.db is the database now\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("backup", "marginwatch.db"), "no backup was written to marginwatch.db: there is a file of that name already"),
        (("restore", "nowhere.db"), "nowhere.db cannot be restored: there is no such file; nothing was changed"),
        (("restore", "config.toml"), "config.toml cannot be restored: file is not a database; nothing was changed"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(desk: Shell, words: tuple[str, ...], sentence: str) -> None:
    """On standard error, with the exit code of wrong input."""
    said = desk(*words)
    assert (said.code, said.out, said.err) == (1, "", f"{sentence}\n")


def test_a_database_in_use_is_neither_replaced_nor_in_the_way_of_a_backup(desk: Shell) -> None:
    """The daemon goes on during a backup, and must be stopped for a restore."""
    store = Store.open(f"sqlite:///{desk.folder}/marginwatch.db")
    store.own()
    made, put = desk("backup", "copy.db"), desk("restore", "copy.db", "--force")
    store.close()
    assert (made.code, put.code) == (0, 3)
    assert "is in use by another marginwatch" in put.err


def test_a_config_that_is_wrong_names_no_database(desk: Shell) -> None:
    """Its mistakes are told, as by any command."""
    (desk.folder / "config.toml").write_text("[nonsense]\n")
    said = desk("restore", "copy.db")
    assert said.code == 1
    assert "config.toml:1:2: there is no table nonsense" in said.err or "nonsense" in said.err
