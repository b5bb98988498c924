"""Reading an account's history past the venue's cap on rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.model import FailureKind
from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.venues.architect.client import NaiveTimeError
from marginwatch.venues.architect.wire import HISTORY
from support.architect import FIRST, Ticker, connect, key

if TYPE_CHECKING:
    from marginwatch.core.model import Normalised
    from marginwatch.simulator.architect import ArchitectSimulator
    from marginwatch.venues.architect.client import ArchitectVenue, Granularity

START = datetime(2025, 5, 1, tzinfo=UTC)


async def pages(
    venue: ArchitectVenue,
    start: datetime,
    end: datetime,
    granularity: Granularity = "FiveMinutes",
    account: str = FIRST,
) -> list[Normalised]:
    return [page async for page in venue.account_history(key(account), start, end, granularity)]


async def test_history_goes_past_the_cap_without_gap_or_repetition(simulator: ArchitectSimulator) -> None:
    """A day of five-minute snapshots is 288 rows in pages of 100, newest first, the start in and the end out."""
    venue = connect(simulator.endpoint)
    found = await pages(venue, START, START + timedelta(days=1))
    assert [len(page.observations) for page in found] == [100, 100, 88]
    times = [each.as_of for page in found for each in page.observations]
    assert times == [START + timedelta(minutes=5 * step) for step in reversed(range(288))]
    assert {each.account for page in found for each in page.observations} == {key()}
    await venue.aclose()


async def test_a_span_in_another_zone_is_the_same_span(simulator: ArchitectSimulator) -> None:
    """Times are turned into UTC, whatever zone they are given in."""
    venue = connect(simulator.endpoint)
    there = timezone(timedelta(hours=-4))
    found = await pages(venue, START.astimezone(there), (START + timedelta(hours=3)).astimezone(there), "Hourly")
    assert [[each.as_of for each in page.observations] for page in found] == [
        [START + timedelta(hours=hour) for hour in (2, 1, 0)]
    ]
    await venue.aclose()


async def test_an_empty_span_has_no_pages(simulator: ArchitectSimulator) -> None:
    """Nothing between the ends, or ends the wrong way round, is no page and no failure."""
    venue = connect(simulator.endpoint)
    assert await pages(venue, START + timedelta(minutes=1), START + timedelta(minutes=2)) == []
    assert await pages(venue, START, START) == []
    await venue.aclose()


async def test_a_time_without_a_zone_is_refused_with_a_sentence(
    simulator: ArchitectSimulator, snapshot: object
) -> None:
    """Nobody guesses which zone was meant."""
    venue = connect(simulator.endpoint)
    with pytest.raises(NaiveTimeError) as refused:
        await pages(venue, datetime(2025, 5, 1, 9, 30), START)  # noqa: DTZ001  (because this is what is refused)
    assert str(refused.value) == snapshot
    await venue.aclose()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(FaultKind.STATUS, status=500), FailureKind.SERVER_ERROR),
        (Fault(FaultKind.EMPTY), FailureKind.BAD_ANSWER),
    ],
)
async def test_a_page_that_fails_is_the_last(simulator: ArchitectSimulator, fault: Fault, kind: FailureKind) -> None:
    """What came before is kept, and the failure is the account's."""
    venue = connect(simulator.endpoint)
    found = []
    async for page in venue.account_history(key(), START, START + timedelta(days=1)):
        found.append(page)
        simulator.faults.fail(HISTORY, fault)
    assert [len(page.observations) for page in found] == [100, 0]
    assert [(each.kind, each.account) for each in found[-1].failures] == [(kind, key())]
    await venue.aclose()


async def test_an_account_the_venue_does_not_know_is_told(simulator: ArchitectSimulator) -> None:
    """One page with one failure."""
    venue = connect(simulator.endpoint, monotonic=Ticker())
    (page,) = await pages(venue, START, START + timedelta(hours=1), account="nobody")
    assert [each.kind for each in page.failures] == [FailureKind.ACCOUNT_UNKNOWN]
    await venue.aclose()


async def test_a_server_that_repeats_itself_is_not_asked_for_ever(simulator: ArchitectSimulator) -> None:
    """Rows that are not older than those before end the history."""
    venue = connect(simulator.endpoint)
    row = b'{"account":"%s","timestamp":"2025-05-01T12:00:00Z","positions":{}}' % FIRST.encode()
    simulator.faults.fail(HISTORY, Fault(FaultKind.BODY, body=b'{"history":[' + row + b"]}"))
    found = await pages(venue, START, START + timedelta(days=1))
    assert [len(page.observations) for page in found] == [1, 1]
    await venue.aclose()
