"""Which way an alert goes, as `explain` says it: by which routes, when, in whose place, and up which ladder."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from marginwatch.core.alert import Status
from marginwatch.core.health import OURSELVES, RECEIVER_FAILING
from marginwatch.core.result import AlertKey
from marginwatch.core.state import Commit
from support import storied
from support.stores import owned

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

STYLE = re.compile(r"\x1b\[[0-9;]*m")
NOW = 415
ROUTES = """
[[receivers]]
name = "lead"
url = "json://127.0.0.1:1/"
[[receivers]]
name = "nobody"
url = "json://127.0.0.1:1/"
[[routes]]
name = "evening"
receivers = ["phone", "lead"]
hours = "18:00-20:00"
zone = "Europe/London"
rules = ["margin-usage"]
[[routes]]
name = "margin"
receivers = ["desk"]
rules = ["margin-*"]
min_severity = "warning"
escalate = [{ after = "10m", receivers = ["lead"] }, { after = "30m", receivers = ["phone", "nobody"] }]
[[routes]]
name = "slides"
receivers = ["desk"]
rules = ["slide"]
escalate = [{ after = "10m", receivers = ["lead"] }]
"""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of `storied.tell`, with a clock that runs and a receiver that others stand in for."""
    folder = tmp_path_factory.mktemp("story")
    with storied.told(folder) as telling:
        storied.tell(telling)
    with owned(folder) as store:
        (alert,) = store.history.alerts(rule="margin-usage", account=storied.FUTURES)[:1]
        waits = replace(alert, waiting_since=storied.at(60), climbed=("margin@600",))
        lost = replace(
            alert,
            alert_id="lost",
            key=AlertKey(RECEIVER_FAILING, OURSELVES, "desk"),
            status=Status.FIRING,
            active_at=storied.at(30),
            failed_over_at=storied.at(330),
        )
        store.commit(Commit(storied.at(NOW), "r", alerts=(waits, lost)))
    return folder / "marginwatch.db"


@pytest.fixture
def asked(shell: Shell, story: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed at seven minutes past twelve."""
    config = storied.write(shell.folder)
    config.write_text(config.read_text() + ROUTES)
    shutil.copy(story, shell.folder / "marginwatch.db")
    monkeypatch.setattr(clock, "now", lambda: storied.at(NOW))
    return shell


def said(shell: Shell, *words: str) -> str:
    """What explaining prints; it must go well."""
    answer = shell("explain", *words)
    assert (answer.code, answer.err) == (0, "")
    return "\n".join(line.rstrip() for line in STYLE.sub("", shell.shown(answer.out)).splitlines())


@pytest.mark.parametrize("words", [("margin-usage", "A-1"), ("slide", "A-1"), ("losers", "Hedge")])
def test_which_way_it_goes(asked: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """By routes and their hours, in whose place, by ladder; what no route takes goes to everybody."""
    lines = said(asked, *words).splitlines()
    table = next(number for number, line in enumerate(lines) if line.startswith("RECEIVER"))
    kept = [line for line in lines[:table] if line.startswith(("ladder", "      "))]

    assert "\n".join([*kept, *lines[table : table + 6]]) == snapshot


def test_as_json(asked: Shell) -> None:
    """The same for programs, exact."""
    found = json.loads(asked("explain", "margin-usage", "A-1", "--json").out)

    desk, phone, lead, nobody = found["receivers"]
    assert desk["others_hear_because"] == "desk cannot be reached since 2026-03-02 12:00:30 UTC"
    assert [way["routes"] for way in desk["ways"]] == [["margin"], ["margin"]]
    assert [(way["why"], way["held_by"]) for way in phone["ways"]] == [("too_mild", ""), ("severe_enough", "evening")]
    assert phone["ways"][1]["held_until"] == "2026-03-02T18:00:00Z"
    assert lead["ways"][0]["why"] == "escalated"
    assert nobody["hears_of"] == []
    assert [step["taken"] for step in found["ladder"]] == [True, False]
