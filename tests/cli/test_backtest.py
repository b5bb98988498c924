"""`marginwatch backtest`: how what it found reads, on a terminal, piped, as JSON, CSV and HTML."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from support.sites import table, write_config
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

RULES: Final = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
for = "5m"
clear_by = "3%"

[[rule]]
id = "call"
title = "Margin <call>"
when = "in_margin_call or in_stop_out"
severity = "critical"

[[rule]]
id = "status"
title = "Status"
on = "changed(trading_status)"
severity = "info"

[[rule]]
id = "fall"
title = "Fall"
value = 'drawdown(equity, "1m")'
levels = { warning = "> 5_000" }
"""
START: Final = datetime(2026, 11, 6, 20, tzinfo=UTC)
"""A Friday, 15:00 in New York."""
USAGES: Final = (
    *([70] * 30),
    *(82, 83, 84, 86, 88, 91, 92, 93, 95, 97, 97, 97),
    *([70] * 8),
    *([85] * 8),
    *([60] * 20),
)
"""Of one account, in percent, a minute apart."""
CALLED: Final = range(38, 42)
GUIDE: Final = (Path(__file__).parent.parent.parent / "docs" / "backtest.md").read_text()


def rows() -> Iterator[str]:
    """The lines of a file: an hour and a half of one account with a gap, and a quiet one."""
    yield "time,account,equity,margin_usage,in_margin_call"
    for minute, usage in enumerate(USAGES):
        at = START + timedelta(minutes=minute if minute < 60 else minute + 600)
        called = "true" if minute in CALLED else "false"
        yield f"{at.isoformat()},A-1,100000,{usage}%,{called}"
        yield f"{at.isoformat()},A-2,5000,20%,false"


@pytest.fixture
def past(shell: Shell) -> Shell:
    """A folder with a config, rules and a file of observations."""
    venue = {"name": "fx", "kind": "helio", "base_url": "http://127.0.0.1:1", "email": "a@example.com", "password": "x"}
    hook = table("[receivers]", {"name": "hook", "url": "json://127.0.0.1:1/"})
    write_config(shell.folder, table("[venues]", venue), hook, rules=RULES)
    (shell.folder / "past.csv").write_text("\n".join(rows()))
    return shell


SWEEP: Final = ("--set", "margin-usage.levels.warning=70%..90%/10%", "--set", "margin-usage.for=0s..5m/5m")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--rule", "margin-usage", "--rule", "call"),
        ("--accounts", "fx/A-2"),
        ("--from", "2026-11-06T20:45", "--to", "2026-11-06T21:00Z"),
        SWEEP,
        ("--set", "margin-usage.for=0s", "--rule", "call"),
    ],
    ids=" ".join,
)
def test_what_is_printed(past: Shell, snapshot: SnapshotAssertion, words: tuple[str, ...]) -> None:
    """The table, the timeline and the notes."""
    said = past("backtest", "--file", "past.csv", *words)
    assert (said.code, said.err) == (0, "")
    assert said.out == snapshot


def test_what_is_shown_on_a_terminal(past: Shell, snapshot: SnapshotAssertion) -> None:
    """With blocks for a chart, a bar while it runs, and as wide as there is room."""
    said = past("backtest", "--file", "past.csv", "--rule", "margin-usage", terminal=120)
    assert said.code == 0
    assert re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said.out) == snapshot
    assert "backtest" in said.err


def keys(document: object) -> set[str]:
    """All keys in it but those that are names of the user's."""
    if isinstance(document, list):
        return {key for item in document for key in keys(item)}
    if isinstance(document, dict):
        named = {
            key for name, item in document.items() if name not in {"zones", "set", "transitions"} for key in keys(item)
        }
        return set(document) | named
    return set()


def test_json_has_what_the_guide_says(past: Shell, snapshot: SnapshotAssertion) -> None:
    """Each key is in the guide, and each of its keys is there; the steps are like those of `history`."""
    found = json.loads(past("backtest", "--file", "past.csv", "--json").out)
    section = GUIDE.partition("## JSON")[2]
    named = set(re.findall(r"`([a-z_]+)`", section)) - {"history"}

    assert keys(found) == named
    assert {step["rule"] for step in found["transitions"]} == {"margin-usage", "call"}
    assert {**found, "transitions": len(found["transitions"])} == snapshot


def test_csv_has_a_line_a_rule(past: Shell) -> None:
    """With the keys of the JSON, what is set in one cell."""
    text = past("backtest", "--file", "past.csv", "--csv", *SWEEP).out
    found = list(csv.DictReader(io.StringIO(text)))

    assert [(row["set"], row["current"]) for row in found] == [
        ("levels.warning=70% for=0s", "False"),
        ("levels.warning=70% for=5m", "False"),
        ("levels.warning=80% for=0s", "False"),
        ("levels.warning=80% for=5m", "True"),
    ]
    assert {row["rule"] for row in found} == {"margin-usage"}


class _Page(HTMLParser):
    """Notes what a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [value or "" for name, value in attrs if name in {"src", "href", "data", "action"}]
        if tag not in {"meta", "rect", "path"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "path"}:
            assert self.open.pop() == tag


def test_html_is_one_page_that_fetches_nothing(past: Shell, snapshot: SnapshotAssertion) -> None:
    """No script, no address; what came from files is escaped."""
    said = past("backtest", "--file", "past.csv", "--html", "report.html")
    text = (past.folder / "report.html").read_text()
    page = _Page()
    page.feed(text)
    page.close()

    assert said.code == 0
    assert page.open == []
    assert (page.fetched, page.tags & {"script", "link", "img", "iframe", "object"}) == ([], set())
    assert text == snapshot


def test_names_of_files_and_accounts_are_escaped(past: Shell) -> None:
    """Whatever they are."""
    name = "<script>alert(1)</script>.csv".replace("/", "")
    text = (past.folder / "past.csv").read_text().replace("A-1", "<b>&")
    (past.folder / name).write_text(text)
    assert past("backtest", "--file", name, "--html", "report.html").code == 0
    html = (past.folder / "report.html").read_text()

    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "soon"),
        ("--from", "2026-13-01"),
        ("--from", "2026-11-02", "--to", "2026-11-01"),
        ("--rule", "margin-usge"),
        ("--accounts", "nobody"),
        ("--set", "margin-usage.levels.warning=95%"),
        ("--html", "no/such/folder.html"),
        ("--rules", "other.toml"),
        ("--file", "other.csv"),
    ],
    ids=" ".join,
)
def test_what_is_wrong_is_one_sentence(past: Shell, snapshot: SnapshotAssertion, words: tuple[str, ...]) -> None:
    """On standard error, with exit code 1."""
    said = past("backtest", "--file", "past.csv", *words)
    assert (said.code, said.out) == (1, "")
    assert past.shown(said.err) == snapshot


def test_one_output_is_asked_for_in_one_way(past: Shell) -> None:
    """Neither of the two is printed where both are asked for."""
    said = past("backtest", "--file", "past.csv", "--csv", "--json")
    assert (said.code, said.out) == (2, "")
    assert "--csv and --json cannot stand together" in said.err


def test_other_rules_can_be_tried(past: Shell) -> None:
    """Without a word in the config."""
    (past.folder / "other.toml").write_text(
        '[[rule]]\nid = "low"\nvalue = "equity"\nlevels = { critical = "< 6_000" }\n'
    )
    found = json.loads(past("backtest", "--file", "past.csv", "--rules", "other.toml", "--json").out)

    assert [(line["rule"], line["critical"]) for line in found["rules"]] == [("low", 1)]


def test_a_wrong_config_is_reported(past: Shell) -> None:
    """As by every command."""
    (past.folder / "config.toml").write_text("[store]\nkeep = 1\n")
    said = past("backtest", "--file", "past.csv")
    assert said.code == 1
    assert "config.toml:2:8" in said.err


def test_without_a_store_there_is_nothing_to_go_by(past: Shell) -> None:
    """Nor with an empty one."""
    assert "there is no database" in past("backtest").err
    with owned(past.folder):
        pass
    said = past("backtest")
    assert (said.code, said.err) == (1, "there is nothing to test the rules on: the store has no observations yet\n")


def test_a_store_whose_address_is_a_secret_needs_it(past: Shell) -> None:
    """The one that is not there is named."""
    config = past.folder / "config.toml"
    config.write_text(re.sub(r'url = "sqlite[^"]*"', 'url = "${env:STORE}"', config.read_text()))
    said = past("backtest")
    assert said.code == 1
    assert "${env:STORE}" in said.err
