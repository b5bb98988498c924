"""Why a rule did, or did not, tell: as people and programs are told it, of a store that the engine filled."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from marginwatch.core.outbox import AttemptOutcome
from support import storied
from support.records import commit, message
from support.stores import owned
from support.storied import FX, HEDGE, RULES, SECRETS, numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell
    from support.storied import Story

STYLE = re.compile(r"\x1b\[[0-9;]*m")
NOW = 415


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of `storied.tell`; to copy, which is faster than making it."""
    folder = tmp_path_factory.mktemp("story")
    with storied.told(folder) as telling:
        storied.tell(telling)
    return folder / "marginwatch.db"


@pytest.fixture
def asked(shell: Shell, story: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed at five to seven minutes past twelve, beside the story's config and store."""
    storied.write(shell.folder)
    shutil.copy(story, shell.folder / "marginwatch.db")
    monkeypatch.setattr(clock, "now", lambda: storied.at(NOW))
    return shell


def said(shell: Shell, *words: str, terminal: int = 0) -> str:
    """What explaining prints; it must go well."""
    answer = shell("explain", *words, terminal=terminal)
    assert (answer.code, answer.err) == (0, "")
    return "\n".join(line.rstrip() for line in STYLE.sub("", shell.shown(answer.out)).splitlines())


@pytest.mark.parametrize(
    "words",
    [
        ("margin-usage", "A-1"),
        ("slide", "futures/A-1"),
        ("stuck", "fx/Hedge"),
        ("loser", "77"),
        ("loser", "77", "--subject", "XAUUSD"),
        ("losers", "Hedge"),
        ("changes", "STONEX:000000/JDoe"),
        ("margin-usage", "hedge"),
        ("fed", "A-1"),
        ("theirs", "A-1"),
        ("losers", "A-1"),
        ("data-stale", "77"),
        ("venue-unreachable", "futures"),
        ("receiver-failing", "marginwatch"),
    ],
    ids=" ".join,
)
def test_now(asked: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """The rule, what it read and from where, what came of it, where it stands, what was sent."""
    assert said(asked, *words) == snapshot


@pytest.mark.parametrize(
    "words",
    [
        ("margin-usage", "A-1", "--at", "12:01:30"),
        ("margin-usage", "A-1", "--at", "12:03:55"),
        ("changes", "A-1", "--at", "12:03:20"),
        ("slide", "A-1", "--at", "2m ago"),
        ("loser", "77", "--at", "12:05:30", "--subject", "GBPUSD"),
        ("stuck", "77", "--at", "12:01"),
        ("venue-unreachable", "futures", "--at", "12:06:50"),
    ],
    ids=" ".join,
)
def test_of_the_past(asked: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """What was recorded then, beside what today's rule makes of the answers stored of that time."""
    assert said(asked, *words) == snapshot


@pytest.mark.parametrize("width", [80, 160])
def test_on_a_terminal_it_fits(asked: Shell, width: int, snapshot: SnapshotAssertion) -> None:
    """Tables lose what there is no room for, and say so; times of today have no date."""
    assert said(asked, "margin-usage", "A-1", terminal=width) == snapshot


@pytest.mark.parametrize("words", [("margin-usage", "A-1"), ("slide", "A-1"), ("loser", "77"), ("changes", "A-1")])
def test_as_json_it_is_whole(asked: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """A program gets stable keys, exact numbers, durations in seconds and every part of the expression."""
    assert json.loads(said(asked, *words, "--json")) == snapshot


def test_as_json_it_lets_nobody_act(asked: Shell) -> None:
    """A link in a message is a right to act on its alert, and does not leave with an explanation."""
    with closing(sqlite3.connect(asked.folder / "marginwatch.db")) as store, store:
        store.execute("UPDATE outbox SET body = 'Open: https://watch.example.com/act/WyJh.b-_c= now'")
    bodies = {message["body"] for message in json.loads(said(asked, "margin-usage", "A-1", "--json"))["messages"]}

    assert bodies == {"Open: https://watch.example.com/act/… now"}


def test_the_page_names_every_key(asked: Shell) -> None:
    """The page on explaining says what each key of the JSON is."""
    page = (Path(__file__).parent.parent.parent / "docs" / "explain.md").read_text().partition("## JSON")[2]
    found: set[str] = set()
    for words in (("margin-usage", "A-1"), ("slide", "A-1"), ("loser", "77"), ("changes", "A-1", "--at", "12:03:20")):
        found |= keys(json.loads(said(asked, *words, "--json")))

    assert found - set(re.findall(r"`([a-z_]+)`", page)) == set()


def keys(document: object) -> set[str]:
    """All keys in it, at any depth."""
    if isinstance(document, list):
        return {key for item in document for key in keys(item)}
    return (
        set(document) | {key for item in document.values() for key in keys(item)}
        if isinstance(document, dict)
        else set()
    )


def test_colours_say_how_bad_it_is(asked: Shell) -> None:
    """The first line is red while it fires."""
    answer = asked("explain", "margin-usage", "A-1", terminal=200).out

    assert answer.startswith("\x1b[1;31mmargin-usage of ")


@pytest.mark.parametrize(
    "words",
    [
        ("margin-usag", "A-1"),
        ("nothing-like-it", "A-1"),
        ("margin-usage", "A-l"),
        ("margin-usage", "JDoe"),
        ("margin-usage", "nobody"),
        ("margin-usage", "futures"),
        ("loser", "77", "--subject", "EURUSDT"),
        ("margin-usage", "77", "--subject", "EURUSD"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_said_with_a_suggestion(
    asked: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion
) -> None:
    """One sentence on standard error, and 1."""
    answer = asked("explain", *words)

    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert answer.err == snapshot


@pytest.mark.parametrize("text", ["tomorrow", "2026-03-03"])
def test_a_wrong_time_is_wrong_usage(asked: Shell, text: str, snapshot: SnapshotAssertion) -> None:
    """As is one that lies ahead."""
    answer = asked("explain", "slide", "A-1", "--at", text)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err == snapshot


def test_an_id_that_two_venues_have_is_not_guessed(asked: Shell) -> None:
    """Both ways of writing it are named."""
    with owned(asked.folder) as store:
        twin = storied.Story(store, asked.folder / "config.toml")
        twin.see(414, numbers("0.1"), account=type(FX)("fx", "A-1"), name="twin")

    assert asked("explain", "slide", "A-1").err == "several accounts are called A-1; write futures/A-1 or fx/A-1\n"
    assert asked("explain", "slide", "twin").code == 0


def test_rules_edited_since_are_told(asked: Shell, snapshot: SnapshotAssertion) -> None:
    """Key by key, of the past and of a daemon that has not read the files again; other rules' edits are no matter."""
    edited = RULES.replace("> 80%", "> 95%").replace("> 90%", "> 97%").replace('for = "1m"\n', "")
    (asked.folder / "rules.toml").write_text(edited + NEW)

    words = [(rule, *at) for at in ((), ("--at", "12:02:15")) for rule in ("margin-usage", "slide", "new")]
    assert [said(asked, rule, "A-1", *at).splitlines()[:2] for rule, *at in words] == snapshot
    again = json.loads(said(asked, "margin-usage", "A-1", "--at", "12:03:55", "--json"))
    assert (again["state"], again["recorded"]["after"], again["agrees"]) == ("inactive", "firing", False)
    assert "does not give that" in said(asked, "margin-usage", "A-1", "--at", "12:03:55")


NEW = """
[[rule]]
id = "new"
title = "New"
when = "equity < 5"
severity = "info"
"""


def test_what_nobody_recorded_of_the_rules_is_not_claimed(asked: Shell) -> None:
    """Where only the hash of the rules that decided is known, it says that this one may have been another."""
    (asked.folder / "rules.toml").write_text(RULES + NEW)
    with sqlite3.connect(asked.folder / "marginwatch.db") as database:
        database.execute("delete from rulebooks")

    note = "note: the rule files were edited since; this is the rule of today, which may have been another"
    assert note in said(asked, "slide", "A-1")


def test_a_wrong_rule_file_hides_no_good_rule(asked: Shell) -> None:
    """The good rules are explained, with a word on the file; what is missing may be in it."""
    broken = RULES.replace("increased(total_margin)", "increased(total_margn)")
    (asked.folder / "rules.toml").write_text(broken)

    assert "note: a rule file is wrong just now, `marginwatch check` says where" in said(asked, "slide", "A-1")
    assert asked("explain", "changes", "A-1").err.endswith(
        "a rule file is wrong just now, `marginwatch check` says where\n"
    )


def test_an_account_that_left_the_config_is_explained(asked: Shell) -> None:
    """Why nothing looks at it any more: its venue, or its venue's `accounts`."""
    config = asked.folder / "config.toml"
    config.write_text(config.read_text().replace('name = "futures"', 'name = "futures"\naccounts = ["B-*"]'))
    assert "because the config's `accounts` of futures leave the account out" in said(asked, "slide", "A-1")

    config.write_text(config.read_text().replace('name = "futures"', 'name = "other"'))
    assert "because the config has no venue futures any more" in said(asked, "slide", "A-1")


def test_an_old_snapshot_is_not_trusted(asked: Shell) -> None:
    """Numbers whose own time is too long ago are shown, and said to decide nothing."""
    _go_on(asked, lambda story: story.see(420, numbers("0.5"), as_of=-5000))
    monday = said(asked, "margin-usage", "A-1")

    assert "data unknown now" in monday.splitlines()[0]
    assert "the venue's own time of these numbers is 2026-03-02 10:36:40 UTC, too long ago" in monday


def test_silence_of_the_daemon_is_told(asked: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long after the last answer, without even a failure, it says for how long nothing was heard."""
    monkeypatch.setattr(clock, "now", lambda: storied.at(8000))

    assert "nothing was heard of the account for 2 h 6 min" in said(asked, "stuck", "77")


def test_positions_that_are_not_listed_are_unknown(asked: Shell) -> None:
    """Without a list of them nothing can be said of any; with an empty one there is nothing to say."""
    _go_on(asked, lambda story: story.see(420, HEDGE, account=FX, positions=None))
    assert "unknown, because the list of positions is missing from the answer" in said(asked, "loser", "77")

    _go_on(asked, lambda story: story.see(430, HEDGE, account=FX, positions=()))
    assert "unknown, because there is no position EURUSD" in said(asked, "loser", "77", "--subject", "EURUSD")


def test_how_an_alert_comes_to_its_end(asked: Shell, snapshot: SnapshotAssertion) -> None:
    """While it is good its clocks say for how long it must be; afterwards its end is told, and what was sent of it."""

    def ease(story: Story) -> None:
        for second in range(420, 560, 10):
            story.see(second, numbers("0.6"), as_of=second - 2)
        story.send(570, dict.fromkeys(("desk", "phone"), (AttemptOutcome.PERMANENT, "HTTP 410 (gone)")))

    _go_on(asked, ease)
    for line in ("warning has been good for 1 min; it takes 2 min", "critical has been good for 1 min; it takes 2 min"):
        assert line in said(asked, "margin-usage", "A-1", "--at", "2026-03-02T12:08:05")
    assert said(asked, "margin-usage", "A-1") == snapshot


def test_what_comes_and_goes_is_explained(asked: Shell) -> None:
    """That it is kept open, how often it fired, what it takes to be over, and the ladder of reminders."""
    rules = f"""{RULES}
[[rule]]
id = "swings"
value = "margin_usage"
levels = {{ warning = "> 50%" }}
remind_every = ["10m", "20m", "1h"]
flapping = {{ times = 2, within = "4m" }}
"""
    storied.write(asked.folder, rules)

    def swing(story: Story) -> None:
        for second, usage in zip(range(420, 480, 10), ("0.4", "0.6", "0.4", "0.6", "0.4", "0.6"), strict=True):
            story.see(second, numbers(usage), as_of=second - 2)

    _go_on(asked, swing)
    shown = said(asked, "swings", "A-1")
    for words in (
        "reminds after 10 min, 20 min, then every 1 h, flaps at 2 firings within 4 min",
        "fired 3 times since",
        "and is true now",
    ):
        assert words in shown
    assert "warning has been good for 0 s; it takes 2 min" in said(asked, "swings", "A-1", "--at", "12:07:45")
    assert "1 flapping" in asked("status").out
    listed = asked("alerts", "--rule", "swings")
    assert "flapping, true now: fired 3 times" in " ".join(listed.out.split())


def test_a_group_is_explained_as_an_account(asked: Shell, snapshot: SnapshotAssertion) -> None:
    """What its accounts say together, windows included; of the past as it was recorded, for it is put together anew."""
    config = storied.write(asked.folder, RULES + storied.FAMILY)
    storied.join(config)

    def fall(story: Story) -> None:
        for second, equity in enumerate(("100000", "100000", "90000"), 42):
            story.see(10 * second, numbers("0.5", equity), as_of=10 * second - 2)
            story.see(10 * second + 1, {**HEDGE, "margin_usage": Decimal(0)}, account=FX)

    _go_on(asked, fall)
    assert said(asked, "family", "family") == snapshot
    assert said(asked, "family", "group/family", "--at", "12:07:30") == snapshot
    assert "because it looks at groups of accounts, not at one by itself" in said(asked, "family", "A-1")
    assert "because it looks at accounts by themselves, not at groups of them" in said(asked, "slide", "family")


def test_what_a_group_lacks_is_not_called_null(asked: Shell) -> None:
    """No venue answered so: some account of it is missing, and which is told by the alert about the group's data."""
    config = storied.write(asked.folder, RULES + storied.FAMILY)
    storied.join(config)
    config.write_text(config.read_text().replace('"fx/*"', '"fx/*", "fx/nobody"'))
    _go_on(asked, lambda story: story.see(420, numbers("0.5", "100000"), as_of=418))

    shown = said(asked, "family", "family")
    assert "something of its accounts is not known; the group's `data-stale` tells what" in " ".join(shown.split())
    assert "null" not in shown


def test_long_lists_are_cut_in_words_alone(asked: Shell) -> None:
    """A rule of a hundred accounts and an alert of a hundred messages fit on a screen; JSON has all of it."""
    many = ", ".join(f'"ACCOUNT-{number:03}"' for number in range(100))
    rules = asked.folder / "rules.toml"
    rules.write_text(
        f'{rules.read_text()}\n[[rule]]\nid = "few"\nwhen = "equity < 1"\nseverity = "info"\naccounts = [{many}]\n'
    )
    text, whole = said(asked, "few", "A-1"), said(asked, "few", "A-1", "--json")

    assert "looks only at accounts ACCOUNT-000, ACCOUNT-001, " in text
    assert "… (--json has all of it)" in text.splitlines()[0]
    assert ("ACCOUNT-099" in text, "ACCOUNT-099" in whole) == (False, True)
    with owned(asked.folder) as store:
        (alert,) = store.history.alerts(rule="margin-usage", account=storied.FUTURES)
        told = [message(alert_id=alert.alert_id, number=100 + number, topic="t") for number in range(100)]
        store.commit(commit(400, messages=tuple(told)))
    lines = said(asked, "margin-usage", "A-1").splitlines()
    assert [line for line in lines if line.endswith(" before; --json has all")]
    assert len(lines) < 120
    assert len(json.loads(said(asked, "margin-usage", "A-1", "--json"))["messages"]) >= 100


def test_no_secret_is_shown(asked: Shell) -> None:
    """Neither in words nor in JSON."""
    for rule in ("margin-usage", "slide", "changes", "data-stale", "venue-unreachable"):
        account = "futures" if rule == "venue-unreachable" else "A-1"
        for more in ((), ("--json",), ("--at", "12:05")):
            answer = asked("explain", rule, account, *more)
            assert not [secret for secret in SECRETS if secret in answer.out + answer.err]


def _go_on(shell: Shell, tell: Callable[[Story], None]) -> None:
    """More happens, and is asked about afterwards."""
    with owned(shell.folder) as store:
        tell(storied.Story(store, shell.folder / "config.toml", begins=415))
    shell._patch.setattr(clock, "now", lambda: storied.at(570))
