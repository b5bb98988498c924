"""What there is to look at, as a terminal, a pipe and a program see it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from marginwatch.core.alert import Reason, Status
from marginwatch.core.outbox import Kind
from marginwatch.core.result import AlertKey
from support import ledger
from support.records import ACCOUNT, account_state, after, alert, commit, message, observation, transition
from support.stores import owned

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

LISTINGS = [
    ("status",),
    ("alerts",),
    ("alerts", "--all"),
    ("history",),
    ("outbox",),
    ("silence", "list"),
]
STYLE = re.compile(r"\x1b\[[0-9;]*m")


def bare(text: str) -> str:
    """Without colours and without the blanks that fill a line."""
    return "\n".join(line.rstrip() for line in STYLE.sub("", text).splitlines())


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_piped_it_is_plain(desk: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """A pipe gets every column, whole dates and no colour."""
    said = desk(*words)

    assert (said.code, said.err) == (0, "")
    assert "\x1b" not in said.out
    assert said.out == snapshot


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_on_a_terminal_it_fits(desk: Shell, words: tuple[str, ...], width: int, snapshot: SnapshotAssertion) -> None:
    """A terminal gets what there is room for, with nothing cut off, and a word on what there is no room for."""
    said = desk(*words, terminal=width)
    shown = bare(said.out)

    assert (said.code, said.err) == (0, "")
    assert "…" not in shown
    assert max(len(line) for line in shown.splitlines()[1:]) <= max(width, 100)
    assert shown == snapshot


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_as_json_it_is_whole(desk: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """A program gets stable keys, exact numbers and times with their zone."""
    said = desk(*words, "--json")

    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == snapshot


def test_colours_say_what_is_bad(desk: Shell) -> None:
    """On a terminal bad words are red, and `NO_COLOR` turns that off."""
    red = "\x1b[1;31m"

    assert f"{red}critical" in desk("alerts", terminal=160).out
    assert f"{red}2 alerts firing" in desk("status", terminal=80).out
    assert red not in desk("alerts", terminal=160, NO_COLOR="1").out


def test_nothing_there_is_said_in_words(desk: Shell, snapshot: SnapshotAssertion) -> None:
    """Filters that leave nothing end in a sentence, and in an empty list for programs."""
    filters = [
        ("alerts", "--rule", "changes"),
        ("alerts", "--all", "--since", "1s", "--rule", "thin", "--account", "futures/A-2"),
        ("history", "--alert", "p8nd", "--since", "1s"),
        ("outbox", "--receiver", "spare"),
    ]
    assert [desk(*words).out for words in filters] == snapshot
    assert [json.loads(desk(*words, "--json").out) for words in filters] == [[]] * len(filters)


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (("alerts", "--rule", "margin-usage"), ["k3wq7m2pd9xa", "p8nd2c41hs0v"]),
        (("alerts", "--account", "futures/A-2"), ["p8nd2c41hs0v"]),
        (("alerts", "--account", "futures/Account A-2"), ["p8nd2c41hs0v"]),
        (("alerts", "--all", "--limit", "1"), ["k3wq7m2pd9xa"]),
        (("history", "--since", "5m"), ["k3wq7m2pd9xa", "ev3nt0000000"]),
        (("history", "--alert", "k3wq", "--since", "5m"), ["k3wq7m2pd9xa"]),
        (("history", "--rule", "changes", "--account", "futures/A-1"), ["ev3nt0000000"]),
        (("outbox", "--status", "dead", "--status", "delivered"), ["k3wq7m2pd9xa", "k3wq7m2pd9xa"]),
        (("outbox", "--alert", "p8nd2c41hs0v"), ["p8nd2c41hs0v"]),
        (("outbox", "--alert", "p8nd"), ["p8nd2c41hs0v"]),
        (("outbox", "--limit", "2"), ["p8nd2c41hs0v", "k3wq7m2pd9xa"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_filters(desk: Shell, words: tuple[str, ...], ids: list[str]) -> None:
    """Each filter leaves what fits it, in its order."""
    assert [row["alert_id"] for row in json.loads(desk(*words, "--json").out)] == ids


@pytest.mark.parametrize("wanted", ["", "k3w", "k3wq", "zzzz", "p8nd2c41hs0w"])
def test_an_alert_that_is_not_named_well(desk: Shell, wanted: str, snapshot: SnapshotAssertion) -> None:
    """Too little of an id, one that fits several or none: one sentence, the same as where an alert is acknowledged."""
    twin = alert("k3wq00000000", key=AlertKey("thin", ACCOUNT), status=Status.RESOLVED)
    with owned(desk.folder) as store:
        store.commit(commit(600, alerts=(twin,)))
    said = desk("history", "--alert", wanted)

    assert (said.code, said.out) == (1, "")
    assert said.err == snapshot
    assert not wanted or desk("ack", wanted).err == said.err


def test_a_filter_that_names_nothing_is_noticed(desk: Shell, snapshot: SnapshotAssertion) -> None:
    """A misspelt rule, account, receiver or alert finds nothing, which must not look as if all were well."""
    rule = desk("alerts", "--rule", "margin-usag")
    account = desk("history", "--account", "futures/Account A1")

    assert (rule.code, rule.out) == (0, "no open alerts\n")
    assert [rule.err, account.err] == snapshot
    assert desk("outbox", "--receiver", "spar").err == "note: there is no receiver spar; did you mean spare?\n"
    assert (desk("outbox", "--alert", "zzzz").code, desk("outbox", "--alert", "zzzz").out) == (1, "")


def test_the_verdict_of_a_quiet_day(desk: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without trouble the first line says so; without any news of any venue it asks after the daemon."""
    text = (desk.folder / "config.toml").read_text()
    only_futures = text.replace('"fx"', '"gone"').split("[[venues]]")
    config = "[[venues]]".join([only_futures[0], only_futures[1]]) + '[[receivers]]\nname = "desk"\nurl = "json://h"\n'
    (desk.folder / "config.toml").write_text(config)
    with owned(desk.folder) as store:
        done = store.history.alerts()
        store.commit(commit(600, alerts=tuple(ledger.ended(alert) for alert in done)))

    assert desk("status").out.splitlines()[0] == "all is well; 1 silence in force"

    monkeypatch.setattr(clock, "now", lambda: after(2000))
    assert desk("status").out.splitlines()[0].startswith("no news of futures (is the daemon running?)")


def test_many_accounts_are_still_one_screen(desk: Shell) -> None:
    """The table holds the twenty worst and counts the others; JSON has them all."""
    states = tuple(
        account_state(observation(590, {}, account=type(ACCOUNT)("futures", f"B-{number:02}"))) for number in range(30)
    )
    with owned(desk.folder) as store:
        store.commit(commit(600, accounts=states))
    said = desk("status")

    assert "Account A-1" in said.out
    assert "and 12 accounts less used; --json has all" in said.out
    assert len(json.loads(desk("status", "--json").out)["accounts"]) == 32


def test_a_venues_words_cannot_command_the_terminal(desk: Shell) -> None:
    """Control characters in what a venue said are not passed on."""
    step = transition("evil00000000", 500, reason=Reason.HELD, detail="\x1b]0;owned\x07\x1b[2J\nline")
    with owned(desk.folder) as store:
        store.commit(commit(600, transitions=(step,)))

    for terminal in (0, 160):
        out = STYLE.sub("", desk("history", terminal=terminal).out)
        assert "\x1b" not in out
        assert "\x07" not in out


def test_a_wrong_rule_file_does_not_hide_the_alerts(desk: Shell) -> None:
    """Looking works while a rule file is being edited; only the units of its rules are not known."""
    (desk.folder / "rules.toml").write_text("[[rule]\n")
    said = desk("alerts")

    assert said.code == 0
    assert "0.9512" in said.out


def test_the_database_password_is_needed_for_looking_too(shell: Shell) -> None:
    """A secret that is missing from the database's own URL is named, at its place."""
    config = ledger.write(shell.folder)
    config.write_text(config.read_text().replace("sqlite:///", "postgresql://u:${credential:database}@h/"))
    said = shell("status")

    assert said.code == 1
    assert re.match(r"config\.toml:2:\d+: \$\{credential:database\}: ", said.err)


def test_a_config_without_its_secrets_is_enough_for_looking(desk: Shell, tmp_path: Path) -> None:
    """Whoever looks need not be able to read the venues' and the receivers' secrets."""
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace(f'"{"A" * 24}"', '"${credential:architect-key}"'))

    assert (desk("alerts").code, desk("alerts").err) == (0, "")


def test_a_digest_that_is_there_is_not_called_unknown(desk: Shell) -> None:
    """Where another choice leaves none of its messages, that is no message, and not a wrong id."""
    with owned(desk.folder) as store:
        store.commit(commit(messages=(message("d7kq2m5x9w3a", kind=Kind.DIGEST),)))
    words = ("outbox", "--alert", "d7kq2m5x9w3a")
    assert "d7kq2m5x9w3a" in desk(*words).out
    none = desk(*words, "--status", "dead")
    assert (none.code, none.out, none.err) == (0, "no messages\n", "")
