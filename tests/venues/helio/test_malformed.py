"""Every way a Helio answer can be wrong is a failure that says what and where; and what its login lists."""

from __future__ import annotations

import pytest

from marginwatch.core.model import Account, FailureKind, Normalised
from marginwatch.venues.helio.fields import LOGIN, METRICS_CALL, PORTFOLIO_CALL
from marginwatch.venues.helio.normalise import normalise
from support.bodies import failed, fetched, key, wrong
from support.helio import ACCOUNT, metrics, observed, portfolio, read


def test_two_failed_answers_make_no_observation() -> None:
    """An account of which nothing is known has failures only."""
    failures = failed(PORTFOLIO_CALL, ACCOUNT), failed(METRICS_CALL, ACCOUNT)
    assert read(*failures) == Normalised(failures=failures)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"in_margin_call": "no"}, "in_margin_call"),
        ({"used_margin": False}, "used_margin"),
        ({"used_margin": "NaN"}, "used_margin"),
        ({"balance": "1E+99"}, "balance"),
        ({"account_id": "acc_999999"}, "account_id"),
        ({"positions": {}}, "positions"),
        ({"positions__0__profit": "Infinity"}, "positions[0].profit"),
    ],
)
def test_a_malformed_portfolio_says_where(changes: dict[str, object], where: str) -> None:
    """A wrong type, another account's answer or a number no account can hold is a bad answer with its place."""
    failure = wrong(read(portfolio(**changes), metrics()))
    assert (failure.kind, failure.where, failure.call) == (FailureKind.BAD_ANSWER, where, PORTFOLIO_CALL)
    assert failure.body is not None


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"timestamp": "today"}, "timestamp"),
        ({"timestamp": -1}, "timestamp"),
        ({"timestamp": 10**14}, "timestamp"),
        ({"equity": []}, "equity"),
        ({"equity": "sNaN"}, "equity"),
        ({"account_id": "acc_999999"}, "account_id"),
    ],
)
def test_malformed_metrics_say_where(changes: dict[str, object], where: str) -> None:
    """The same for the metrics; the portfolio stays good."""
    said = read(portfolio(), metrics(**changes))
    failure = wrong(said)
    assert (failure.kind, failure.where, failure.call) == (FailureKind.BAD_ANSWER, where, METRICS_CALL)
    assert said.observations[0].positions is not None


@pytest.mark.parametrize("body", [b"{}", b'{"message":"OK"}'])
def test_an_answer_with_none_of_its_fields_is_a_bad_answer(body: bytes) -> None:
    """An object that has nothing of what is documented is no portfolio and no metrics."""
    said = read(body, body)
    assert [failure.kind for failure in said.failures] == [FailureKind.BAD_ANSWER, FailureKind.BAD_ANSWER]


def test_an_answer_that_is_not_there_is_a_bad_answer() -> None:
    """Parts that nobody fetched are failures, not zeros."""
    said = normalise(fetched(key(ACCOUNT), {}), ())
    assert [failure.kind for failure in said.failures] == [FailureKind.BAD_ANSWER, FailureKind.BAD_ANSWER]


def test_an_account_that_does_not_say_its_id_is_believed() -> None:
    """The address asked for it; only another id contradicts."""
    assert observed(portfolio(account_id=None)).fields["account_id"] is None


@pytest.mark.parametrize(
    ("body", "globs", "ids"),
    [
        (b'[{"id":"a","gid":"g"},{"id":"b","gid":"g"}]', (), ["a", "b"]),
        (b'[{"id":"a"},{"id":"b"},{"id":"a"}]', ("a*",), ["a"]),
        (b'[{"id":17}]', (), ["17"]),
        (b"[]", (), []),
    ],
)
def test_the_login_lists_the_accounts(body: bytes, globs: tuple[str, ...], ids: list[str]) -> None:
    """Each account once, those the config asks for."""
    said = normalise(fetched(None, {LOGIN: body}), globs)
    assert said.listing == tuple(Account(key(account), account) for account in ids)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "accounts"),
        (b"null", "accounts"),
        (b'[{"gid":"g"}]', "accounts[0]"),
        (b'[{"id":""}]', "accounts"),
        (b'[{"id":"a\\u0000"}]', "accounts"),
    ],
)
def test_a_listing_that_cannot_be_read_is_a_failure(body: bytes, where: str) -> None:
    """A bad list is told, and is no empty list."""
    said = normalise(fetched(None, {LOGIN: body}), ())
    assert said.listing is None
    assert (wrong(said).kind, wrong(said).where) == (FailureKind.BAD_ANSWER, where)


def test_a_listing_that_failed_is_passed_on() -> None:
    """A failed login is told as it is; no list at all says nothing."""
    failure = failed(LOGIN, ACCOUNT)
    assert normalise(fetched(None, {LOGIN: failure}), ()) == Normalised(failures=(failure,))
    assert normalise(fetched(None, {}), ()) == Normalised()
