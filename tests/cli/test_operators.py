"""What people write from the command line: acknowledgements, silences and accounts to forget."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from marginwatch.cli.options import operator
from marginwatch.core.model import AccountKey
from marginwatch.store.types import RequestKind
from support.records import after, commit
from support.stores import owned

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell


def acknowledged(desk: Shell) -> dict[str, tuple[object, object, object]]:
    """By whom, until when and with which note each open alert is acknowledged."""
    keys = ("acknowledged_by", "acknowledged_until", "acknowledgement_note")
    return {
        row["alert_id"]: (row[keys[0]], row[keys[1]], row[keys[2]])
        for row in json.loads(desk("alerts", "--json").out)
        if row[keys[0]]
    }


@pytest.mark.parametrize(
    "words",
    [
        ("k3wq7m2pd9xa",),
        ("k3wq",),
        ("k3wq", "--for", "2h", "--note", "on it", "--by", "carol"),
    ],
    ids=" ".join,
)
def test_acknowledging(desk: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """An alert is named by its id or the beginning of it; the answer says which one it was and how long it holds."""
    said = desk("ack", *words)

    assert (said.code, said.err) == (0, "")
    assert said.out == snapshot
    assert acknowledged(desk)["k3wq7m2pd9xa"] == snapshot


@pytest.mark.parametrize("alert", ["k3w", "zx81", "k3wq7m2pd9xb", "nothing"])
def test_what_cannot_be_acknowledged(desk: Shell, alert: str, snapshot: SnapshotAssertion) -> None:
    """An id cut too short, ended or unknown is one sentence, and nothing is written."""
    before = acknowledged(desk)
    said = desk("ack", alert)

    assert (said.code, said.out) == (1, "")
    assert said.err == snapshot
    assert acknowledged(desk) == before


def test_an_empty_id_is_no_beginning(desk: Shell) -> None:
    """It would fit every alert, and is most likely a variable that was not set."""
    assert desk("ack", "").code == 2


def test_who_acknowledges_is_the_user(desk: Shell) -> None:
    """Unless said otherwise it is who typed, and behind sudo who called it."""
    desk("ack", "k3wq")
    assert acknowledged(desk)["k3wq7m2pd9xa"][0] == "ann"

    desk("ack", "k3wq", SUDO_USER="bob")
    assert acknowledged(desk)["k3wq7m2pd9xa"][0] == "bob"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that no file knows, as in a container, can write too."""

    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.delenv("SUDO_USER", raising=False)

    assert operator().isdecimal()


def test_a_silence_from_its_beginning_to_its_end(desk: Shell, snapshot: SnapshotAssertion) -> None:
    """Added, listed and ended, each with an answer that says what comes next."""
    added = desk(
        "silence", "add", "--for", "2h", "--in", "10m", "--venue", "f*", "--account", "A-1", "--note", "moving"
    )
    listed = desk("silence", "list")
    ended = desk("silence", "end", "3")
    rest = desk("silence", "list", "--json")

    assert (added.code, added.err, ended.code, ended.err) == (0, "", 0, "")
    assert [added.out, listed.out, ended.out] == snapshot
    assert [row["ends_at"] for row in json.loads(rest.out) if row["id"] == 3] == ["2026-03-02T12:10:00Z"]


def test_a_silence_of_everything_is_asked_for_twice(desk: Shell) -> None:
    """Silencing all there is needs a word of its own."""
    assert desk("silence", "add", "--for", "1h").code == 2
    assert desk("silence", "add", "--for", "1h", "--everything").code == 0


@pytest.mark.parametrize("command", [("ack", "k3wq"), ("silence", "add", "--everything", "--for", "1h")], ids=" ".join)
def test_what_is_for_the_records_is_one_line_of_a_bounded_length(desk: Shell, command: tuple[str, ...]) -> None:
    """As the page takes it: somebody is named, and nobody writes a line that looks like another's."""
    for wrong in (("--by", "A" * 81), ("--note", "A" * 401), ("--by", " ")):
        said = desk(*command, *wrong)
        assert (said.code, said.out) == (2, ""), wrong
    assert desk(*command, "--note", "on it\n2026-03-02 deed", "--by", "car\x1bol").code == 0
    assert '"on it 2026-03-02 deed"' in (deeds := desk("audit", "--from", "1h ago", "--json").out)
    assert "\\u001b" not in deeds


def test_a_very_long_silence_is_noticed(desk: Shell) -> None:
    """It is begun, and a word says how long that is."""
    said = desk("silence", "add", "--everything", "--for", "9999d")
    assert said.err == "note: that is 9,999 days; to hear no more of it, edit rules or routes\n"
    assert desk("silence", "add", "--everything", "--for", "31d").err == ""


def test_two_values_of_a_label_are_refused(desk: Shell) -> None:
    """No account has both, so one of them would be forgotten without a word."""
    with (desk.folder / "config.toml").open("a") as file:
        file.write(GROUPED)
    said = desk("silence", "add", "--label", "book=swaps", "--label", "book=futures", "--for", "1h")
    assert (said.code, said.out) == (2, "")
    assert "given with two values" in said.err
    assert desk("silence", "add", "--label", "book=swaps", "--label", "book=swaps", "--for", "1h").code == 0


GROUPED = """
[[groups]]
name = "rates"
accounts = ["futures/*"]
currency = "USD"

[[accounts]]
match = ["futures/A-1"]
labels = { book = "swaps" }
"""


def test_a_silence_of_a_group_and_a_label(desk: Shell, snapshot: SnapshotAssertion) -> None:
    """As maintenance windows choose; the list says so, in words and in JSON."""
    config = desk.folder / "config.toml"
    config.write_text(config.read_text() + GROUPED)
    said = desk("silence", "add", "--for", "1h", "--group", "rates", "--label", "book=swaps")
    wrong = [
        desk("silence", "add", "--for", "1h", *words)
        for words in (("--group", "rate"), ("--label", "book=swap"), ("--label", "book"))
    ]
    listed, rows = desk("silence", "list"), json.loads(desk("silence", "list", "--json").out)

    assert (said.code, said.err, [each.code for each in wrong]) == (0, "", [1, 1, 2])
    assert [listed.out, *(each.err for each in wrong)] == snapshot
    assert [(row["groups"], row["labels"]) for row in rows][-1] == (["rates"], {"book": "swaps"})


def test_a_silence_may_name_an_account_by_its_name(desk: Shell) -> None:
    """What the venue calls an account serves as well as its id, with wildcards too."""
    said = desk("silence", "add", "--for", "1h", "--account", "Account A-?")

    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize(
    "words",
    [("--rule", "margin-usag"), ("--rule", "zzz*"), ("--venue", "futur", "--account", "A-9")],
    ids=" ".join,
)
def test_a_silence_of_what_is_not_there_is_refused(
    desk: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion
) -> None:
    """A misspelt rule or venue is named with the one that was probably meant, and nothing is silenced."""
    said = desk("silence", "add", "--for", "1h", *words)

    assert (said.code, said.out) == (1, "")
    assert said.err == snapshot
    assert [row["id"] for row in json.loads(desk("silence", "list", "--json").out)] == [1, 2]


@pytest.mark.parametrize(
    "words",
    [("--account", "A-11"), ("--venue", "fx", "--account", "A-1"), ("--account", "futures/A-1")],
    ids=" ".join,
)
def test_a_silence_that_fits_nothing_is_noticed(
    desk: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion
) -> None:
    """An account may be one that is yet to be opened: a note says so, and the silence holds all the same."""
    said = desk("silence", "add", "--for", "1h", *words)

    assert said.code == 0
    assert said.err == snapshot


def test_a_silence_that_is_not_there(desk: Shell, snapshot: SnapshotAssertion) -> None:
    """The sentence names those that could be ended."""
    said = desk("silence", "end", "2")

    assert (said.code, said.out) == (1, "")
    assert said.err == snapshot


@pytest.mark.parametrize("account", ["futures/A-1", "futures/Account A-1"])
def test_forgetting_an_account(desk: Shell, account: str, snapshot: SnapshotAssertion) -> None:
    """Named by its id or its name, it is put down for the daemon's next tick; one that is listed comes back."""
    said = desk("forget", account)

    assert said.code == 0
    assert said.err == "note: futures still lists it: it comes back as a new account, and its alerts as new\n"
    assert said.out == snapshot
    with owned(desk.folder) as store:
        (request,) = store.operator_input().requests
    assert (request.kind, request.account) == (RequestKind.FORGET, AccountKey("futures", "A-1"))
    assert (request.by, request.at) == ("ann", after(600))


def test_forgetting_an_account_that_vanished(desk: Shell) -> None:
    """Nothing brings it back, and nothing is to note."""
    with owned(desk.folder) as store:
        found = next(each for each in store.history.account_states() if each.account.key.id == "A-1")
        store.commit(commit(600, accounts=(replace(found, missing=3),)))

    assert desk("forget", "futures/A-1").err == ""


def test_forgetting_an_account_that_is_not_there(desk: Shell, snapshot: SnapshotAssertion) -> None:
    """The sentence names the account that was probably meant."""
    said = desk("forget", "futures/Account A-11")

    assert (said.code, said.out) == (1, "")
    assert said.err == snapshot
