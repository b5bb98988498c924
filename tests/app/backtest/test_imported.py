"""Backtests over imported history: the rules meet what the venue kept, and nothing of it mixes with what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.backtest.request import NothingRecordedError, Request, TwoSourcesError
from marginwatch.app.backtest.run import backtest
from marginwatch.core.model import Account, AccountKey, Observation
from marginwatch.simulator.architect import API_KEY, API_SECRET
from marginwatch.store.imported import Span
from marginwatch.store.store import Store
from support.sites import receiver, table, write_config

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.app.backtest.report import Report

START = datetime(2025, 3, 3, tzinfo=UTC)
FIVE = timedelta(minutes=5)
ACCOUNT = Account(AccountKey("futures", "a1"), "DESK:one")
RULES = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
for = "10m"
accounts = ["DESK:*"]
"""
LOGIN = {"endpoint": "http://127.0.0.1:1", "api_key": API_KEY, "api_secret": API_SECRET}


@dataclass(frozen=True)
class Past:
    """A config, and a store with an hour of five-minute history imported into it."""

    config: Path

    def play(self, **asked: object) -> Report:
        """A backtest over it."""
        request = Request(imported=True, **asked)  # type: ignore[arg-type]  # asked are the request's own fields
        return backtest(request, self.config, {})

    def store(self) -> Store:
        """Opened anew."""
        return Store.open(f"sqlite:///{self.config.parent}/marginwatch.db")


@pytest.fixture
def past(tmp_path: Path) -> Past:
    """Two breaches: one of three snapshots, and one of a single snapshot, too short for `for`."""
    venue = table("[venues]", {"name": "futures", "kind": "architect", "accounts": ["DESK:*"], **LOGIN})
    made = Past(write_config(tmp_path, venue, receiver("desk", "json://127.0.0.1:1/"), rules=RULES))
    usages = ["0.5", "0.85", "0.85", "0.95", "0.5", "0.5", "0.85", "0.5", "0.5", "0.5", "0.5", "0.5"]
    rows = [
        Observation(ACCOUNT.key, START, START + number * FIVE, {"margin_usage": Decimal(usage)}, positions=())
        for number, usage in enumerate(usages)
    ]
    store = made.store()
    store.imports.add(ACCOUNT, FIVE, rows[::-1], Span(START, START + 12 * FIVE), START)
    store.close()
    return made


def test_rules_are_played_at_the_pace_of_the_history(past: Past) -> None:
    """The longer breach fires at its third snapshot; accounts are selected by the name the venue gave them."""
    report = past.play()
    (line,) = report.lines
    assert (report.source, report.exact, report.sight.observations) == ("imported history", False, 12)
    assert [(each.fired_at, each.ended_at) for each in line.episodes] == [(START + 3 * FIVE, START + 4 * FIVE)]
    assert any("one observation every 5 min" in note for note in report.notes)


def test_only_the_time_asked_for_counts(past: Past) -> None:
    """The rest is played before it, or not at all."""
    report = past.play(since=START + 5 * FIVE, until=START + 9 * FIVE)
    assert report.sight.observations == 4
    assert report.lines[0].total == 0


def test_sweeps_compare_values_over_it(past: Past) -> None:
    """Without a wait the short breach pages, too."""
    report = past.play(sets=("margin-usage.for=0s..10m/10m",))
    assert [line.total for line in report.lines] == [3, 1]


def test_what_was_seen_live_is_another_past(past: Past) -> None:
    """Without `--imported` the store has nothing, and with files there is no telling which was meant."""
    with pytest.raises(NothingRecordedError, match="the store has no observations yet"):
        backtest(Request(), past.config, {})
    with pytest.raises(TwoSourcesError, match="--file and --imported"):
        past.play(files=(past.config,))


def test_without_an_import_the_command_that_makes_one_is_named(tmp_path: Path, past: Past) -> None:
    """A new user is told what comes first."""
    (tmp_path / "marginwatch.db").unlink()
    past.store().close()
    with pytest.raises(NothingRecordedError, match="no history is imported yet; `marginwatch backfill` imports"):
        past.play()
