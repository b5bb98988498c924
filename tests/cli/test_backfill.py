"""`backfill` as it is typed: what it says, and how it ends."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from marginwatch.app.backfill import filling
from marginwatch.app.backfill import run as running
from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.venues.architect.wire import HISTORY
from support.background import background_sites
from support.sites import receiver, write_config

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell
    from support.sites import Sites

RULE: Final = (
    '[[rule]]\nid = "usage"\ntitle = "Margin usage"\nvalue = "margin_usage"\nlevels = { critical = "> 90%" }\n'
)
SPAN: Final = ("--from", "2025-03-03", "--to", "2025-03-04T12:00")


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PAGES_PER_SECOND", 1e6)
    monkeypatch.setattr(filling, "PAUSES", ())


def prepare(shell: Shell, sites: Sites) -> None:
    """A config for these venues."""
    write_config(shell.folder, sites.tables(), receiver("desk", "json://127.0.0.1:1/"), rules=RULE)


def test_it_says_what_was_imported_and_what_was_there(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """A line for each account; a second run finds all of it there."""
    with background_sites("architect") as sites:
        prepare(shell, sites)
        first, again = shell("backfill", *SPAN), shell("backfill", *SPAN)
    assert (first.code, first.err, again.code, again.err) == (0, "", 0, "")
    assert first.out + again.out == snapshot


def test_a_backtest_goes_by_what_was_imported(shell: Shell) -> None:
    """Of every account, under the names that the venue gives them, and of nothing else."""
    with background_sites("architect") as sites:
        sites.world.change("architect", "acc-1", margin_used=Decimal(100_000))
        prepare(shell, sites)
        shell("backfill", *SPAN)
    said = shell("backtest", "--imported", "--json")
    report = json.loads(said.out)
    (rule,) = report["rules"]
    assert (said.code, report["source"], report["observations"]) == (0, "imported history", 2 * 432)
    assert (rule["rule"], rule["critical"], rule["open_at_end"]) == ("usage", 1, True)
    assert {each["account"] for each in report["transitions"]} == {"acc-1"}
    assert shell("backtest").err == "there is nothing to test the rules on: the store has no observations yet\n"


def test_an_account_that_fails_stops_no_other(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """One sentence on standard error, the rest as usual, and exit code 3."""
    with background_sites("architect") as sites:
        prepare(shell, sites)
        sites.faults["architect"].fail(HISTORY, Fault(FaultKind.STATUS, status=500), account="acc-1")
        said = shell("backfill", *SPAN, "--resolution", "1h")
    assert said.code == 3
    assert (said.out, said.err) == snapshot


def test_json_has_a_row_for_each_account(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """Stable keys, exact times."""
    with background_sites("architect") as sites:
        prepare(shell, sites)
        said = shell("backfill", *SPAN, "--resolution", "1h", "--accounts", "acc-2", "--json")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == snapshot


def test_a_venue_without_history_is_refused_in_one_sentence(shell: Shell, snapshot: SnapshotAssertion) -> None:
    """Nothing is asked of it."""
    with background_sites("helio", "stonex") as sites:
        prepare(shell, sites)
        said, both = shell("backfill", "--venue", "fx"), shell("backfill")
        assert not any(sites.faults[kind].asked() for kind in ("helio", "stonex"))
    assert (said.code, said.out, both.code, both.out) == (1, "", 1, "")
    assert said.err + both.err == snapshot


@pytest.mark.parametrize("words", [("--from", "1d", "--to", "2d"), ("--from", "soon"), ("--resolution", "2m")])
def test_what_makes_no_sense_is_refused(shell: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """In one sentence, before anything is asked of anybody."""
    said = shell("backfill", *words)
    assert (said.code, said.out) in {(1, ""), (2, "")}
    assert said.err == snapshot


def test_times_ahead_end_now(shell: Shell) -> None:
    """There is no history of tomorrow."""
    with background_sites("architect") as sites:
        prepare(shell, sites)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        said = shell("backfill", "--from", "2h", "--to", f"{tomorrow:%Y-%m-%d}", "--accounts", "acc-1", "--json")
    (row,) = json.loads(said.out)
    assert (said.code, row["imported"]) == (0, 24)
    assert row["to"] < tomorrow.isoformat()


def test_a_terminal_sees_how_far_it_is(shell: Shell) -> None:
    """On standard error, so that standard output holds the result alone."""
    with background_sites("architect") as sites:
        prepare(shell, sites)
        said = shell("backfill", *SPAN, terminal=100)
    assert said.code == 0
    assert "%" in said.err
    assert "%" not in said.out


def test_ctrl_c_says_what_becomes_of_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between two pages it ends by the shells' custom, and the next run brings the rest."""
    keep = filling.Filling._keep

    def interrupted(self: filling.Filling, *given: object) -> None:
        keep(self, *given)  # type: ignore[arg-type]  # handed through
        signal.raise_signal(signal.SIGINT)

    with background_sites("architect") as sites:
        prepare(shell, sites)
        with monkeypatch.context() as patch:
            patch.setattr(filling.Filling, "_keep", interrupted)
            said = shell("backfill", *SPAN, "--accounts", "acc-1")
        assert (said.code, said.out) == (130, "")
        assert said.err == "stopped; what was imported stays, and the next run goes on from there\n"
        (row,) = json.loads(shell("backfill", *SPAN, "--accounts", "acc-1", "--json").out)
    assert (row["imported"], row["there"]) == (432 - 100, 432)
