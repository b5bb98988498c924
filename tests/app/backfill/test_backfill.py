"""Importing Architect's history over its real protocol: whole, once, and from where it stopped."""

from __future__ import annotations

import asyncio
import math
import signal
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest

from marginwatch import clock
from marginwatch.app.backfill import filling
from marginwatch.app.backfill import run as running
from marginwatch.app.backfill.request import NoHistoryError, NoSuchStepError, NoSuchVenueError, Outcome, Request
from marginwatch.app.build import configure
from marginwatch.core.model import AccountKey
from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.store.imported import Span
from marginwatch.store.store import Store
from marginwatch.venues.architect.wire import HISTORY
from marginwatch.venues.http.budget import RateBudget
from support.house import RULES
from support.process import run, started
from support.sites import Sites, receiver, write_config
from support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.core.model import Observation

ONE: Final = AccountKey("futures", "acc-1")
FIVE: Final = timedelta(minutes=5)
HOUR: Final = timedelta(hours=1)
FIRST: Final = datetime(2025, 3, 3, tzinfo=UTC)
DAY: Final = Span(FIRST, FIRST + timedelta(days=1))


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PAGES_PER_SECOND", 1e6)
    monkeypatch.setattr(filling, "PAUSES", (0.0, 0.0, 0.0))


async def backfill(config: Path, span: Span = DAY, step: timedelta = FIVE, **options: object) -> list[Outcome]:
    """One run, as the command does it, while the venue's server runs in this process."""
    request = Request(span, step, **options)  # type: ignore[arg-type]  # options are the request's own fields
    return await asyncio.to_thread(running.backfill, configure(config, {}), request)


def config_of(folder: Path, sites: Sites) -> Path:
    """All its venues."""
    return write_config(folder, sites.tables(), receiver("desk", "json://127.0.0.1:1/"), rules=RULES)


def there(config: Path, account: AccountKey | None = ONE) -> list[Observation]:
    """All that was imported."""
    store = Store.open(f"sqlite:///{config.parent}/marginwatch.db", create=False)
    try:
        return list(store.imports.observations(account, Span(FIRST - timedelta(days=999), clock.now())))
    finally:
        store.close()


def whole(found: list[Observation], span: Span = DAY, step: timedelta = FIVE) -> bool:
    """Every snapshot of the span is there once."""
    times = [each.as_of for each in found]
    return times == [span.since + number * step for number in range(math.ceil((span.until - span.since) / step))]


def calls(sites: Sites) -> int:
    """Pages asked for since this was asked last."""
    asked = len(sites.faults["architect"].asked(HISTORY))
    sites.faults["architect"].forget_asked()
    return asked


async def test_a_day_comes_in_pages_and_only_once(tmp_path: Path) -> None:
    """Every account the config selects, past the venue's cap on rows; the next run asks for nothing."""
    async with Sites("architect") as sites:
        config = config_of(tmp_path, sites)
        outcomes = await backfill(config)
        assert [(each.label, each.imported, each.there, each.trouble) for each in outcomes] == [
            ("futures/DESK:acc-1", 288, 288, ""),
            ("futures/DESK:acc-2", 288, 288, ""),
        ]
        assert calls(sites) == 6
        assert [(each.imported, each.there) for each in await backfill(config)] == [(0, 288), (0, 288)]
        assert calls(sites) == 0
    found = there(config)
    assert whole(found)
    assert all(each.fetched_at == each.as_of and each.fields["equity"] for each in found)
    assert len(there(config, None)) == 2 * 288


async def test_more_on_either_side_asks_for_the_rest_alone(tmp_path: Path) -> None:
    """A longer span adds what lies before and after; a coarser one finds all there."""
    async with Sites("architect", accounts=("acc-1",)) as sites:
        config = config_of(tmp_path, sites)
        await backfill(config)
        wider = Span(FIRST - timedelta(hours=2), FIRST + timedelta(hours=26))
        (outcome,) = await backfill(config, wider)
        assert (outcome.imported, outcome.there) == (48, 336)
        assert whole(there(config), wider)
        calls(sites)
        await backfill(config, wider, HOUR)
        assert calls(sites) == 0


@pytest.mark.parametrize("step", [HOUR, timedelta(days=1)])
async def test_coarser_history_reaches_further(tmp_path: Path, step: timedelta) -> None:
    """Hourly and daily snapshots are imported as five-minute ones are."""
    span = Span(FIRST, FIRST + 120 * step)
    async with Sites("architect", accounts=("acc-1",)) as sites:
        config = config_of(tmp_path, sites)
        (outcome,) = await backfill(config, span, step)
    assert outcome.imported == 120 if span.until < clock.now() else outcome.imported > 0
    found = there(config)
    assert all(later.observed_at - earlier.observed_at == step for earlier, later in pairwise(found))


async def test_a_failure_that_passes_is_waited_out(tmp_path: Path) -> None:
    """The venue fails at the second page and again; what was in is not asked for anew."""
    async with Sites("architect", accounts=("acc-1",)) as sites:
        config = config_of(tmp_path, sites)
        sites.faults["architect"].fail(HISTORY, Fault(FaultKind.STATUS, status=500), times=3)
        (outcome,) = await backfill(config)
        assert (outcome.imported, outcome.trouble) == (288, "")
    assert whole(there(config))


async def test_a_venue_that_stays_down_leaves_what_was_imported(tmp_path: Path) -> None:
    """One sentence says why; the next run imports the rest and nothing twice."""
    async with Sites("architect", accounts=("acc-1",)) as sites:
        config = config_of(tmp_path, sites)
        half = Span(FIRST + timedelta(hours=12), DAY.until)
        await backfill(config, half)
        sites.faults["architect"].fail(HISTORY, Fault(FaultKind.STATUS, status=500))
        (outcome,) = await backfill(config)
        assert (outcome.imported, outcome.there) == (0, 144)
        assert "simulated fault" in outcome.trouble
        assert len(outcome.trouble.splitlines()) == 1
        sites.faults["architect"].clear()
        (outcome,) = await backfill(config)
        assert (outcome.imported, outcome.there, outcome.trouble) == (144, 288, "")
    assert whole(there(config))


async def test_a_venue_that_refuses_the_login_is_told_once(tmp_path: Path) -> None:
    """Nothing is known of its accounts, so there is one sentence for the venue, and no history call."""
    async with Sites("architect") as sites:
        sites.faults["architect"].fail("Auth/CreateJwt", Fault(FaultKind.STATUS, status=401))
        (outcome,) = await backfill(config_of(tmp_path, sites))
        assert calls(sites) == 0
    assert (outcome.account, outcome.label) == (None, "futures")
    assert outcome.trouble


async def test_a_row_that_cannot_be_read_is_told_and_asked_for_again(tmp_path: Path) -> None:
    """The good ones beside it are kept; once it can be read, the next run completes the page."""
    async with Sites("architect", accounts=("acc-1",)) as sites:
        config = config_of(tmp_path, sites)
        span = Span(FIRST, FIRST + timedelta(minutes=10))
        rows = [
            b'{"account":"acc-1","timestamp":"2025-03-03T00:05:00Z","equity":"no number"}',
            b'{"account":"acc-1","timestamp":"2025-03-03T00:00:00Z","equity":"1000"}',
        ]
        body = b'{"history":[' + b",".join(rows) + b"]}"
        sites.faults["architect"].fail(HISTORY, Fault(FaultKind.BODY, body=body), times=1)
        (outcome,) = await backfill(config, span)
        assert outcome.imported == 1
        assert "1 row of its history cannot be read" in outcome.trouble
        (outcome,) = await backfill(config, span)
        assert (outcome.imported, outcome.there, outcome.trouble) == (1, 2, "")


async def test_what_may_still_come_is_not_taken_for_whole(tmp_path: Path) -> None:
    """After the newest snapshot there is, time counts as imported only a day later: the venue may be late."""
    async with Sites("architect", accounts=("acc-1",)) as sites:
        config = config_of(tmp_path, sites)
        now = clock.now()
        span = Span(now - HOUR, now)
        (outcome,) = await backfill(config, span)
        assert outcome.imported == 12
        calls(sites)
        await backfill(config, span)
        assert calls(sites) == 1
        sites.faults["architect"].fail(HISTORY, Fault(FaultKind.BODY, body=b'{"history":[]}'), times=1)
        later = Span(now - timedelta(days=3), now - timedelta(days=2))
        assert [each.there for each in await backfill(config, later)] == [0]
        calls(sites)
        await backfill(config, later)
        assert calls(sites) == 0


async def test_accounts_are_picked_by_id_name_or_venue(tmp_path: Path) -> None:
    """Globs as for a backtest; when none fits, the accounts there are."""
    span = Span(FIRST, FIRST + HOUR)
    async with Sites("architect") as sites:
        config = config_of(tmp_path, sites)
        for glob in ("acc-2", "DESK:acc-2", "futures/*-2"):
            assert [each.label for each in await backfill(config, span, accounts=(glob,))] == ["futures/DESK:acc-2"]
        (outcome,) = await backfill(config, span, accounts=("nobody",))
        assert outcome.trouble == "no account fits nobody; there are DESK:acc-1, DESK:acc-2"


async def test_venues_without_a_history_say_so(tmp_path: Path) -> None:
    """Asked for by name they are refused; beside others they are left out."""
    async with Sites() as sites:
        config = config_of(tmp_path, sites)
        with pytest.raises(NoHistoryError, match=r"^clearing \(stonex\) offers no history of accounts: there is"):
            await backfill(config, venue="clearing")
        with pytest.raises(NoSuchVenueError, match="there is no venue futurs; did you mean futures"):
            await backfill(config, venue="futurs")
        with pytest.raises(NoSuchStepError, match="futures keeps no history of every 1 min"):
            await backfill(config, step=timedelta(minutes=1))
        outcomes = await backfill(config, Span(FIRST, FIRST + HOUR))
    assert {each.venue for each in outcomes} == {"futures"}


async def test_no_page_is_asked_for_without_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call waits for its turn in one budget for all accounts of the venue, which holds no burst."""
    given: list[RateBudget] = []
    reserve = RateBudget.reserve

    def counted(budget: RateBudget, patience: float) -> float | None:
        if budget.per_second == 500:
            given.append(budget)
        return reserve(budget, patience)

    monkeypatch.setattr(running, "PAGES_PER_SECOND", 500)
    monkeypatch.setattr(RateBudget, "reserve", counted)
    async with Sites("architect") as sites:
        await backfill(config_of(tmp_path, sites))
        assert len(given) >= calls(sites) == 6
    assert len(set(map(id, given))) == 1


async def test_progress_rises_from_nothing_to_all(tmp_path: Path) -> None:
    """Over all accounts, each page a little."""
    told: list[tuple[str, float]] = []
    async with Sites("architect") as sites:
        config = config_of(tmp_path, sites)
        asked = Request(DAY, FIVE)
        await asyncio.to_thread(
            running.backfill, configure(config, {}), asked, lambda label, done: told.append((label, done))
        )
    done = [each for _, each in told]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 1)
    assert list(dict.fromkeys(label for label, _ in told)) == ["futures/DESK:acc-1", "futures/DESK:acc-2"]


async def test_a_killed_run_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    """`kill -9` in the middle: what was committed stays, and the next run asks for what is missing alone."""
    async with Sites("architect", accounts=("acc-1",)) as sites:
        config = config_of(tmp_path, sites)
        faults = sites.faults["architect"]
        span = Span(FIRST, FIRST + timedelta(days=2))
        words = ("backfill", "--config", config, "--from", f"{span.since:%Y-%m-%d}", "--to", f"{span.until:%Y-%m-%d}")
        async with started(*words) as process:
            await until(lambda: len(faults.asked(HISTORY)) >= 3)
            await process.kill()
        faults.clear()
        kept = there(config)
        assert 0 < len(kept) < 576
        newest = [span.until - number * FIVE for number in range(len(kept), 0, -1)]
        assert [each.as_of for each in kept] == newest
        calls(sites)
        (outcome,) = await backfill(config, span)
        assert (outcome.imported, outcome.there) == (576 - len(kept), 576)
        assert calls(sites) == math.ceil((576 - len(kept)) / 100)
    assert whole(there(config), span)


async def test_a_running_daemon_goes_on_undisturbed(tmp_path: Path) -> None:
    """Beside it the import needs no ownership; what the daemon knows and tells is its own."""
    async with Sites("architect", accounts=("acc-1",)) as sites:
        config = config_of(tmp_path, sites)
        async with started("run", "--config", config) as daemon:
            await daemon.logged("ready")
            code, process = await run(
                "backfill", "--config", config, "--from", "2025-03-03", "--to", "2025-03-03T08:00"
            )
            assert (code, process.errors) == (0, [])
            assert process.output[0].startswith("futures/DESK:acc-1: 96 observations imported")
            daemon.signal(signal.SIGTERM)
            assert await daemon.ended() == 0
    store = Store.open(f"sqlite:///{tmp_path}/marginwatch.db", create=False)
    try:
        recorded, state = store.history.recorded(), store.history.account_states()[0]
        assert (store.history.transitions(), len(there(config))) == ([], 96)
    finally:
        store.close()
    assert recorded is not None
    assert recorded[0] > DAY.until
    assert state.first_seen > DAY.until
