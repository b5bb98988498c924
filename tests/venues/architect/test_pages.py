"""Answers for very many accounts, read some accounts at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.venues.architect import normalise as normalising
from marginwatch.venues.architect.normalise import normalise, pages
from marginwatch.venues.architect.wire import ACCOUNTS, SUMMARIES
from support.architect import EVERYTHING, fetched, listed, summary

if TYPE_CHECKING:
    from marginwatch.venues.protocol import Fetched

IDS = [f"account-{number}" for number in range(5)]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two accounts a page."""
    monkeypatch.setattr(normalising, "PAGE", 2)


def cycle(*left_out: str) -> Fetched:
    """Five accounts, some of which the summaries leave out."""
    rows = [summary(each) for each in IDS if each not in left_out]
    return fetched(
        {ACCOUNTS: {"accounts": [listed(each, each) for each in IDS]}, SUMMARIES: {"account_summaries": rows}}
    )


def test_pages_say_together_what_is_said_at_once() -> None:
    """The listing comes with the first, every account once and in order."""
    said = list(pages(cycle(IDS[3]), EVERYTHING))
    whole = normalise(cycle(IDS[3]), EVERYTHING)

    assert [len(page.observations) + len(page.failures) for page in said] == [2, 2, 1]
    assert [page.listing for page in said] == [whole.listing, None, None]
    assert tuple(each for page in said for each in page.observations) == whole.observations
    assert [each.account and each.account.id for each in whole.failures] == [IDS[3]]


def test_a_failure_for_all_is_said_once() -> None:
    """Even where no account is left to speak of."""
    broken = fetched({ACCOUNTS: {"accounts": [listed(each, each) for each in IDS]}, SUMMARIES: {}})

    assert [len(page.failures) for page in pages(broken, EVERYTHING)] == [1, 0, 0]
    assert [page.listing for page in pages(fetched({ACCOUNTS: {"accounts": []}, SUMMARIES: {}}), EVERYTHING)] == [()]
