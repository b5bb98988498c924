"""`check` and `notify-test`: what is wrong is said before it matters."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from marginwatch.simulator.faults import Fault, FaultKind
from support import ledger
from support.sinks import HttpSink, Reply
from support.sites import Sites, receiver, write_config

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

RULE = '[[rule]]\nid = "call"\nwhen = "in_margin_call"\nseverity = "critical"\n'


def without_ports(text: str, sites: Sites, *sinks: HttpSink) -> str:
    """The text with the numbers that differ from run to run replaced."""
    for simulator in sites.simulators.values():
        text = text.replace(str(simulator.port), "PORT")
    for sink in sinks:
        text = text.replace(str(sink.port), "PORT")
    return text


def test_a_good_config(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """One line says that it is good and what it holds."""
    ledger.write(shell.folder)
    (shell.folder / "rules.toml").write_text(RULE.replace("in_margin_call", "margin_usage > 80%"))
    said = shell("check")

    assert (said.code, said.err) == (0, "")
    assert said.out == snapshot
    assert json.loads(shell("check", "--json").out) == {"ok": True, "problems": [], "notes": [], "online": []}


def test_notes_are_no_problems(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """What is worth a word is said, and the config is good all the same, its secrets here or not."""
    config = ledger.write(shell.folder)
    config.write_text(config.read_text().replace(f'"{"A" * 24}"', '"${credential:architect-key}"'))
    config.chmod(0o644)
    (shell.folder / "rules.toml").write_text(ledger.RULES)
    said = shell("check")

    assert (said.code, said.err) == (0, "")
    assert shell.shown(said.out) == snapshot
    assert len(json.loads(shell("check", "--json").out)["notes"]) == 3


def test_what_the_packs_have_for_other_venues_is_one_line_a_venue(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """A rule of one's own keeps its line, those of the packs share one; `--verbose`, JSON and a debug log have all."""
    config = ledger.write(shell.folder)
    config.write_text(config.read_text().replace('"rules.toml"', '"rules.toml", "builtin:margin", "builtin:calls"'))
    (shell.folder / "rules.toml").write_text('[[rule]]\nid = "mine"\nwhen = "in_stop_out"\nseverity = "critical"\n')
    said, verbose, document = shell("check"), shell("check", "-v"), shell("check", "--json")

    assert (said.code, said.err) == (0, "")
    assert shell.shown(said.out) == snapshot
    assert len(verbose.out.splitlines()) > len(said.out.splitlines())
    assert len(json.loads(document.out)["notes"]) == len(verbose.out.splitlines()) - 1
    assert all(note["what"] in verbose.out for note in json.loads(document.out)["notes"])


def test_a_receivers_secret_may_be_elsewhere(shell: Shell) -> None:
    """A receiver whose tokens are not here cannot be judged, and is none the worse for it."""
    config = ledger.write(shell.folder)
    config.write_text(config.read_text() + receiver("chat", "slack://${credential:tokens}/#risk"))
    said = shell("check")

    assert (said.code, said.err) == (0, "")
    assert "${credential:tokens}: " in said.out


def test_problems_come_all_at_once(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """Each with its place and a hint, one a line, in words and as JSON."""
    config = ledger.write(shell.folder)
    config.write_text(config.read_text().replace("every =", "evry =", 1))
    rules = shell.folder / "rules.toml"
    rules.write_text(rules.read_text().replace("margin_usage", "margin_usge").replace("title", "titel"))
    said, document = shell("check"), shell("check", "--json")

    assert (said.code, said.out) == (1, "")
    assert shell.shown(said.err) == snapshot
    assert (document.code, document.err) == (1, "")
    assert json.loads(shell.shown(document.out)) == snapshot


def test_what_only_others_can_judge_comes_in_the_same_round(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """A wrong key hides no receiver that cannot be told, no account that cannot be and no database that is none."""
    config = ledger.write(shell.folder)
    config.write_text(
        config.read_text().replace("every =", "evry =", 1).replace("sqlite:///", "mysql://h/")
        + '[[venues]]\nname = "clearing"\nkind = "stonex"\nclient_id = "i"\naccounts = ["12*", 7]\n'
        + receiver("chat", "slak://a/b/c")
        + '[[receivers]]\nname = 7\nurl = "https://example.com/s3cr3t"\n'
        + '[[receivers]]\nname = "nobody"\n'
    )
    said = shell("check")

    assert (said.code, said.out) == (1, "")
    assert shell.shown(said.err) == snapshot


@pytest.mark.parametrize(
    "oddity", ['venues = "none"', "receivers = 7", "store = []", "venues = [7]", "receivers = [7]"]
)
def test_a_table_that_is_none_is_judged_as_that_alone(shell: Shell, oddity: str) -> None:
    """A value where a table should be is one problem, whatever else looks into that table."""
    (shell.folder / "config.toml").write_text(f'{oddity}\n[rules]\nfiles = ["builtin:margin"]\n')
    said = shell("check")

    assert said.code == 1
    assert "must be a" in said.err
    assert "Traceback" not in said.err


def test_no_config_at_all(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says where one was looked for."""
    monkeypatch.setattr("marginwatch.config.location.DEFAULTS", ())
    said = shell("check", "--json")

    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("no config file: looked for ")


async def test_online_everything_is_tried(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """`--online` logs in at every venue and gives each receiver a message that says it is a test."""
    async with Sites() as sites:
        with HttpSink() as sink:
            write_config(shell.folder, sites.tables(), receiver("desk", sink.url()), rules=RULE)
            said = await asyncio.to_thread(shell, "check", "--online")
            (post,) = sink.posts

            assert (said.code, said.err) == (0, "")
            assert said.out == snapshot
            assert post.json["title"] == "TEST: marginwatch can reach you"
            assert post.json["alert_id"] == "test"
            assert {faults.asked()[0].call for faults in sites.faults.values()} == {"login", "Auth/CreateJwt"}


async def test_online_what_fails_is_named(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """Each failure is a line on standard error, the rest is tried all the same, and the exit code is 3."""
    async with Sites() as sites:
        with HttpSink() as sink, HttpSink() as well:
            sink.always = Reply(403)
            sites.faults["architect"].fail("*", Fault(FaultKind.STATUS, status=401, message="no"))
            tables = (sites.tables(), receiver("desk", sink.url()), receiver("phone", well.url()))
            write_config(shell.folder, *tables, rules=RULE)
            said = await asyncio.to_thread(shell, "check", "--online")
            document = await asyncio.to_thread(shell, "check", "--online", "--json")

            assert said.code == document.code == 3
            assert without_ports(said.out, sites, sink, well) == snapshot
            assert without_ports(said.err, sites, sink, well) == snapshot
            assert json.loads(without_ports(document.out, sites, sink, well)) == snapshot


async def test_what_a_login_is_not_granted_is_said(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """A rule that sees less because the venue does not offer a call is named by `check --online` and `status`."""
    rules = RULE + '[[rule]]\nid = "due"\nwhen = "margin_calls > 0 or margin_level < 100%"\nseverity = "info"\n'
    async with Sites("architect", "helio") as sites:
        with HttpSink() as sink:
            sites.faults["architect"].fail("Boss/MarginCalls", Fault(FaultKind.STATUS, status=404))
            sites.faults["helio"].fail("metrics", Fault(FaultKind.STATUS, status=403))
            write_config(shell.folder, sites.tables(), receiver("desk", sink.url()), rules=rules)
            checked = await asyncio.to_thread(shell, "check", "--online")
            await asyncio.to_thread(shell, "once")
            status, document = shell("status"), shell("status", "--json")

    notes = [line.removeprefix("note: ") for line in checked.out.splitlines() if "to this login" in line]
    assert checked.code == 0
    assert notes == snapshot
    assert [f"note: {note}" for note in notes] == [line for line in status.out.splitlines() if "to this login" in line]
    assert json.loads(document.out)["limits"] == notes
    assert json.loads(document.out)["well"]


def test_online_needs_the_secrets(shell: Shell) -> None:
    """Logging in without the secrets makes no sense: one that is missing is a problem then."""
    config = ledger.write(shell.folder)
    config.write_text(config.read_text().replace(f'"{"A" * 24}"', '"${env:ARCHITECT_KEY}"'))
    said = shell("check", "--online")

    assert said.code == 1
    assert "${env:ARCHITECT_KEY}: the environment variable is not set" in said.err


@pytest.mark.parametrize(("words", "told"), [((), {"desk", "phone"}), (("phone",), {"phone"})])
def test_a_test_message(shell: Shell, words: tuple[str, ...], told: set[str], snapshot: SnapshotAssertion) -> None:
    """`notify-test` tells all receivers or those that are named."""
    with HttpSink() as sink:
        config = ledger.write(shell.folder).read_text().partition("[[receivers]]")[0]
        tables = "".join(receiver(name, sink.url(f"/{name}")) for name in ("desk", "phone"))
        (shell.folder / "config.toml").write_text(config + tables)
        said = shell("notify-test", *words)

        assert (said.code, said.err) == (0, "")
        assert said.out == snapshot
        assert {post.path.strip("/") for post in sink.posts} == told


def test_a_test_message_that_is_refused(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """The answer is in the table and in JSON, and the exit code is 3."""
    ledger.write(shell.folder)
    said, document = shell("notify-test", "desk"), shell("notify-test", "desk", "--json")

    assert (said.code, said.err) == (3, "")
    assert said.out == snapshot
    assert (document.code, json.loads(document.out)) == (3, snapshot)


def test_a_receiver_that_is_not_there(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """The sentence names the one that was probably meant, and nobody is told anything."""
    ledger.write(shell.folder)
    said = shell("notify-test", "dsk")

    assert (said.code, said.out) == (2, "")
    assert said.err == snapshot
