"""Every way a StoneX Clearing answer can be wrong is a failure that says what and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.core.model import Account, FailureKind, Normalised, VenueFailure
from marginwatch.venues.stonex.fields import BALANCES, POSITIONS
from marginwatch.venues.stonex.normalise import CONFIGURED, normalise
from support.bodies import GONE, failed, fetched, key, wrong
from support.stonex import ACCOUNT, balances, positions, read

if TYPE_CHECKING:
    from support.bodies import Body


def test_half_an_answer_is_an_observation_with_a_failure() -> None:
    """What the good call says is kept; the fields of the failed one are missing."""
    parts: dict[str, Body | bytes | VenueFailure] = {POSITIONS: positions(), BALANCES: failed(BALANCES, ACCOUNT)}
    (observation,) = normalise(fetched(key(ACCOUNT), parts), None).observations
    assert observation.failures[0].call == "balance-summary"
    assert "equity" not in observation.fields
    assert "in_margin_call" not in observation.fields
    assert observation.fields["unrealized_pnl"] == 0


def test_two_failed_answers_make_no_observation() -> None:
    """An account of which nothing is known has failures only."""
    failures = {call: failed(call, ACCOUNT) for call in (POSITIONS, BALANCES)}
    said = normalise(fetched(key(ACCOUNT), failures), None)
    assert (said.observations, said.failures) == ((), tuple(failures.values()))


def test_an_answer_that_is_not_there_is_a_bad_answer() -> None:
    """Parts that nobody fetched are failures, not zeros."""
    said = normalise(fetched(key(ACCOUNT), {}), None)
    assert [failure.kind for failure in said.failures] == [FailureKind.BAD_ANSWER, FailureKind.BAD_ANSWER]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"statusCode": 404, "errors": []}, FailureKind.ACCOUNT_UNKNOWN),
        ({"statusCode": 200, "errors": [{"field": "AccountNumber"}]}, FailureKind.ACCOUNT_UNKNOWN),
        ({"statusCode": 401}, FailureKind.REFUSED),
        ({"statusCode": 403}, FailureKind.REFUSED),
        ({"statusCode": 429}, FailureKind.RATE_LIMITED),
        ({"statusCode": 500}, FailureKind.SERVER_ERROR),
        ({"statusCode": None, "errors": None, "message": None}, FailureKind.SERVER_ERROR),
        ({"errors": GONE}, FailureKind.SERVER_ERROR),
        ({"errors": "none of it"}, FailureKind.SERVER_ERROR),
    ],
)
def test_has_errors_is_a_failure_whatever_the_status(changes: dict[str, object], kind: FailureKind) -> None:
    """`hasErrors` decides; only where the venue leaves no doubt is the failure more than a server error."""
    failure = wrong(read(positions(hasErrors=True, data=None, traceId="trace\0", **changes)))
    assert (failure.kind, failure.trace_id) == (kind, "trace\ufffd")


def test_the_venues_words_are_passed_on_in_one_line() -> None:
    """Field, reason or code, and message, of the first three errors; control characters and length are tamed."""
    errors = [
        {"code": 17, "field": "accountNumber", "reason": None},
        {"code": None, "field": None, "reason": "no\nluck\x00"},
        {"code": "E9"},
        {"reason": "not shown"},
    ]
    failure = wrong(read(positions(hasErrors=True, message="Failed", errors=errors)))
    assert failure.detail == "position-summary has errors: Failed; accountNumber: 17; no luck; E9"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"hasErrors": GONE}, None),
        ({"hasErrors": None}, "hasErrors"),
        ({"data": GONE}, "data"),
        ({"data": None}, "data"),
        ({"data": []}, "data"),
        ({"data": {}}, "data"),
        ({"data": {"status": "ok"}}, "data"),
        ({"data__totalCash": True}, "data.totalCash"),
        ({"data__totalCash": "many"}, "data.totalCash"),
        ({"data__totalCash": "NaN"}, "data.totalCash"),
        ({"data__totalCash": "-Infinity"}, "data.totalCash"),
        ({"data__totalCash": "sNaN"}, "data.totalCash"),
        ({"data__totalCash": "1E+400"}, "data.totalCash"),
        ({"data__totalCash": "1E-400"}, "data.totalCash"),
        ({"data__acctNo": 5}, "data.acctNo"),
        ({"data__acctNo": "40017731"}, "data.acctNo"),
        ({"data__portfolios": {}}, "data.portfolios"),
        ({"data__portfolios": [None]}, "data.portfolios[0]"),
        ({"data__portfolios__0__price": "1E+99"}, "data.portfolios[0].price"),
        ({"data__portfolios__0__unrealizedGainLoss": 7}, "data.portfolios[0].unrealizedGainLoss"),
        ({"data__portfolios__0__unrealizedGainLoss__cost": "NaN"}, "data.portfolios[0].unrealizedGainLoss.cost"),
    ],
)
def test_a_malformed_position_summary_says_where(changes: dict[str, object], where: str | None) -> None:
    """A wrong type, a missing part or a number no account can hold is a bad answer with its place."""
    failure = wrong(read(positions(**changes)))
    assert (failure.kind, failure.where, failure.call) == (FailureKind.BAD_ANSWER, where, "position-summary")
    assert failure.body is not None


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"data": 1}, "data"),
        ({"data": {}}, "data"),
        ({"data__marginBalance": 0}, "data.marginBalance"),
        ({"data__marginBalance__equity": "NaN"}, "data.marginBalance.equity"),
        ({"data__openCall__federalCall": []}, "data.openCall.federalCall"),
        ({"data__marginRequirements": {}}, "data.marginRequirements"),
        (
            {"data__marginRequirements": [{"houseRequirement": 1}, {"houseRequirement": "Infinity"}]},
            "data.marginRequirements[1].houseRequirement",
        ),
    ],
)
def test_a_malformed_balance_summary_says_where(changes: dict[str, object], where: str) -> None:
    """The same for the other answer; the position summary stays good."""
    said = read(None, balances(**changes))
    failure = wrong(said)
    assert (failure.kind, failure.where, failure.call) == (FailureKind.BAD_ANSWER, where, "balance-summary")
    assert said.observations[0].positions is not None


def test_the_configured_accounts_are_the_listing() -> None:
    """The venue lists none, so the config's accounts stand in."""
    said = normalise(fetched(None, {CONFIGURED: b'["1","2"]'}), None)
    assert said == Normalised(listing=(Account(key("1"), "1"), Account(key("2"), "2")))


def test_a_listing_that_failed_or_cannot_be_read_is_a_failure() -> None:
    """A bad list is told, and is no empty list; no list at all says nothing."""
    broken = normalise(fetched(None, {CONFIGURED: b"[1]"}), None)
    assert (broken.listing, broken.failures[0].kind) == (None, FailureKind.BAD_ANSWER)
    failure = failed("login", "1")
    assert normalise(fetched(None, {CONFIGURED: failure}), None) == Normalised(failures=(failure,))
    assert normalise(fetched(None, {}), None) == Normalised()
