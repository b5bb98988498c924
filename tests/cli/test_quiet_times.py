"""What holds messages back, as commands show it: maintenance, quiet hours, hours of routes and outages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.result import AlertKey
from marginwatch.core.state import Withheld
from support.ledger import FIRST
from support.records import after, alert, commit, transition
from support.stores import owned

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

WINDOWS = """
[[maintenance]]
name = "release"
zone = "Europe/London"
begins = "2026-03-02 12:00"
ends = "2026-03-02 14:30"
accounts = ["A-1"]
note = "new version"
[[maintenance]]
name = "weekly"
zone = "UTC"
days = ["Sat"]
at = "06:00"
lasts = "2h"
"""
QUIET = 'quiet = { hours = "12:00-13:00", zone = "UTC" }\n'


@pytest.fixture
def held(desk: Shell) -> Shell:
    """Commands typed while several things hold messages back."""
    config = desk.folder / "config.toml"
    first, rest = config.read_text().split('name = "phone"\n', 1)
    config.write_text(first + 'name = "phone"\n' + QUIET + rest + WINDOWS)
    with owned(desk.folder) as store:
        firing = next(each for each in store.history.alerts() if each.key == AlertKey("margin-usage", FIRST))
        step = transition(alert_id=firing.alert_id)
        rows = (
            Withheld(step, firing, "maintenance:release", ("desk", "spare"), after(9000)),
            Withheld(step, firing, "quiet:phone", ("phone",), after(3600)),
            Withheld(transition(alert_id="x1"), alert(alert_id="x1"), "hours:day", ("spare",), after(7200)),
            Withheld(transition(alert_id="x2"), alert(alert_id="x2"), "outage:p8nd", ("spare",)),
        )
        store.commit(commit(600, withheld=rows))
    return desk


def test_status_says_what_holds_messages_back(held: Shell, snapshot: SnapshotAssertion) -> None:
    """Until when, from whom and how much; maintenance already in the first line."""
    answer = held("status", terminal=160)

    assert "\n".join(line.rstrip() for line in held.shown(answer.out).splitlines()) == snapshot
    assert json.loads(held("status", "--json").out)["holds"] == snapshot(name="json")


def test_the_list_of_silences_has_what_else_holds_back(held: Shell, snapshot: SnapshotAssertion) -> None:
    """In a table of its own; for programs silences alone, each with how many alerts wait for it."""
    answer = held("silence", "list", terminal=160)

    assert "\n".join(line.rstrip() for line in held.shown(answer.out).splitlines()) == snapshot
    assert [each["held_back"] for each in json.loads(held("silence", "list", "--json").out)] == [0, 0]


def test_explain_says_what_holds_an_alert_back(held: Shell, snapshot: SnapshotAssertion) -> None:
    """What is in force for it, and what of it waits; of the past what would have held back by today's config."""
    lines = held.shown(held("explain", "margin-usage", str(FIRST), terminal=160).out).splitlines()
    past = json.loads(held("explain", "margin-usage", str(FIRST), "--at", "12:05", "--json").out)

    told = [line.strip() for line in lines if any(word in line for word in ("held back", "maintenance", "quiet"))]
    assert "\n".join(told) == snapshot
    assert [(each["name"], each["alerts"]) for each in past["holds"]] == [("release", 0), ("phone", 0)]
