"""Margin calls, which not every server reports, and which name accounts in their own way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marginwatch.venues.architect.normalise import normalise
from marginwatch.venues.architect.wire import ACCOUNTS, MARGIN_CALLS, SUMMARIES
from support.architect import (
    EVERYTHING,
    FIRST,
    SECOND,
    failed,
    fetched,
    good,
    key,
    listed,
    margin_call,
    read,
    summary,
)


def test_open_margin_calls_are_summed_by_account() -> None:
    """Rows name an account by id, name or the number in its name; what is met is no call."""
    calls = [
        margin_call("000000", "1500", "500", due_date="2025-05-17T00:00:00Z"),
        margin_call("STONEX:000000/JDoe", "200", due_date="2025-05-16T00:00:00Z"),
        margin_call(FIRST, "10", due_date=None),
        margin_call(FIRST, "10", due_date="2025-05-01T00:00:00"),
        margin_call(SECOND, "300", "300"),
        margin_call("nobody", "300", "300"),
    ]
    parts = {
        ACCOUNTS: {"accounts": [listed(), listed(SECOND, "no number")]},
        SUMMARIES: {"account_summaries": [summary(), summary(SECOND)]},
        MARGIN_CALLS: {"margin_calls": calls},
    }
    first, second = read(parts).observations
    assert first.fields["in_margin_call"] is True
    assert first.fields["call_amount"] == 1220
    assert first.fields["margin_calls"] == 4
    assert first.fields["due_date"] == datetime(2025, 5, 16, tzinfo=UTC)
    assert second.fields["in_margin_call"] is False
    assert second.fields["call_amount"] == second.fields["margin_calls"] == 0
    assert second.fields["due_date"] is None
    assert first.failures == second.failures == ()


@pytest.mark.parametrize("names", [("STONEX:7/A", "STONEX:8/B"), ("STONEX:9/A", "DORMAN:9/B")])
def test_a_call_that_cannot_be_placed_leaves_nobody_in_the_clear(names: tuple[str, str]) -> None:
    """Nobody's call, or one of two accounts': those without a call of their own are not known to have none."""
    parts = {
        ACCOUNTS: {"accounts": [listed(FIRST, names[0]), listed(SECOND, names[1])]},
        SUMMARIES: {"account_summaries": [summary(), summary(SECOND)]},
        MARGIN_CALLS: {"margin_calls": [margin_call("9"), margin_call(FIRST)]},
    }
    first, second = read(parts).observations
    assert first.fields["in_margin_call"] is True
    assert "in_margin_call" not in second.fields
    assert [(each.where, each.account) for each in second.failures] == [("margin_calls[0].account_number", key(SECOND))]


@pytest.mark.parametrize("body", [b"", {"margin_calls": [margin_call("1", met="x")]}, failed(MARGIN_CALLS)])
def test_margin_calls_that_fail_are_missing_and_told(body: object) -> None:
    """Everything else comes; each observation has the failure of the call, which is about no single account."""
    (observation,) = read(good() | {MARGIN_CALLS: body}).observations
    assert observation.fields["equity"] == 10_000
    assert "in_margin_call" not in observation.fields
    assert [(each.call, each.account) for each in observation.failures] == [(MARGIN_CALLS, None)]


def test_margin_calls_that_are_not_offered_are_no_failure() -> None:
    """The observation names the optional call, and nothing is wrong with it."""
    said = normalise(fetched(good(), optional=frozenset({MARGIN_CALLS})), EVERYTHING)
    assert said.observations[0].optional == {MARGIN_CALLS}
    assert said.observations[0].failures == ()
    assert "in_margin_call" not in said.observations[0].fields
