"""`marginwatch backtest` on what a store has on record: live decisions repeated, other rules, thinned stretches."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.store.retention import Retention
from support.storied import tell, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell
    from support.storied import Story


@pytest.fixture
def story(shell: Shell) -> Iterator[Story]:
    """Some minutes of trouble, in a store beside the config."""
    with told(shell.folder) as begun:
        tell(begun)
        yield begun


def test_what_was_live_is_repeated(shell: Shell, story: Story, snapshot: SnapshotAssertion) -> None:
    """Step by step, and it says so."""
    lived = json.loads(shell("history", "--limit", "1000", "--json").out)[::-1]
    said = json.loads(shell("backtest", "--json").out)

    assert story.store.history.recorded() is not None
    assert said["exact"]
    assert said["transitions"] == [step for step in lived if step["venue"]]
    assert shell("backtest").out == snapshot


def test_a_span_begins_with_what_led_to_it(shell: Shell, story: Story, snapshot: SnapshotAssertion) -> None:
    """Windows and timers are as they were; what fired before is open and no page."""
    del story
    assert shell("backtest", "--from", "2026-03-02T12:03", "--rule", "margin-usage").out == snapshot


def test_other_rules_than_those_that_ran_are_said_to_be(
    shell: Shell, story: Story, snapshot: SnapshotAssertion
) -> None:
    """An edited file, and a sweep of what is in force."""
    del story
    rules = shell.folder / "rules.toml"
    rules.write_text(rules.read_text().replace('for = "1m"', 'for = "30s"'))
    assert shell("backtest", "--rule", "margin-usage").out == snapshot(name="edited")
    assert shell("backtest", "--set", "margin-usage.for=0s..2m/1m").out == snapshot(name="swept")


def test_a_thinned_stretch_is_said_to_be_one(shell: Shell, story: Story, snapshot: SnapshotAssertion) -> None:
    """It is played as far as it is kept."""
    tick = story.store.history.recorded()
    assert tick is not None
    story.store.prune(tick[1] + timedelta(days=2), Retention(timedelta(days=400), timedelta(hours=1)))
    assert shell("backtest", "--rule", "margin-usage").out == snapshot
