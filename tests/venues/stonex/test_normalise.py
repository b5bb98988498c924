"""What StoneX Clearing's answers say: the vendor's own examples, each formula, and every way to be malformed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.fields import WORST_RATIO
from marginwatch.core.model import Account, FailureKind, Normalised, Observation, VenueFailure
from marginwatch.venues.stonex.fields import BALANCES, CATALOGUE, POSITIONS
from marginwatch.venues.stonex.normalise import CONFIGURED, normalise
from support.bodies import AT, GONE, changed, documented, failed, fetched, key, leaves, one, shown, wrong

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.bodies import Body

ACCOUNT = "string"
"""As the vendor's example has it."""


def positions(**changes: object) -> Body:
    """The vendor's example of a position summary, without the errors it carries."""
    return changed(documented("stonex", "position-summary"), **({"hasErrors": False, "errors": []} | changes))


def balances(**changes: object) -> Body:
    """A balance summary with every documented key."""
    return changed(documented("stonex", "balance-summary"), **changes)


def read(
    position_summary: Body | bytes | None = None,
    balance_summary: Body | bytes | None = None,
    currency: str | None = None,
) -> Normalised:
    """Both answers read, the good examples where none is given."""
    return normalise(
        fetched(
            key(ACCOUNT),
            {
                POSITIONS: positions() if position_summary is None else position_summary,
                BALANCES: balances() if balance_summary is None else balance_summary,
            },
        ),
        currency,
    )


def observed(position_summary: Body | None = None, balance_summary: Body | None = None) -> Observation:
    return one(read(position_summary, balance_summary))


def test_the_vendors_own_example_is_read_in_full(snapshot: SnapshotAssertion) -> None:
    """Every documented scalar of both answers becomes a field, and every one of a position a position's field."""
    observation = observed()
    assert shown(observation.fields) == snapshot
    assert observation.positions is not None
    assert [shown(position) for position in observation.positions] == snapshot
    assert set(observation.fields) == set(CATALOGUE.fields)
    assert set(CATALOGUE.positions) - set(observation.positions[0]) == {"symbolID", "openType"}


def test_the_vendors_own_example_as_printed_is_a_failure_with_its_trace() -> None:
    """The page's example says `hasErrors: true`, and so it is a failure that names the trace and the reason."""
    failure = wrong(read(documented("stonex", "position-summary")))
    assert (failure.kind, failure.trace_id, failure.call) == (FailureKind.SERVER_ERROR, "string", "position-summary")
    assert failure.detail == "position-summary has errors: string; string: string"


def test_no_date_of_the_vendor_is_taken_for_the_time_of_the_data() -> None:
    """Nothing documents what `date` means, so an observation has no time of its own and no age."""
    observation = observed()
    assert observation.as_of is None
    assert observation.observed_at == AT
    assert observation.fields["date"] == datetime(2024, 10, 8, 14, 55, 27, 996000, tzinfo=UTC)
    assert "age" not in observation.fields


def test_every_scalar_of_the_vendors_example_is_a_name_in_rules() -> None:
    """A field in the vendor's manual is a field in a rule, by its name or, where that is taken, by its path."""
    names = set(CATALOGUE.fields)
    data, portfolio, nested = "data.", "data.portfolios[].", "data.portfolios[].unrealizedGainLoss."
    for path, _ in leaves(documented("stonex", "position-summary")):
        if path.startswith(portfolio):
            name = path.removeprefix(nested).removeprefix(portfolio)
            assert {name, f"unrealizedGainLoss.{name}"} & set(CATALOGUE.positions), path
        elif path.startswith(data) and "[" not in path:
            assert path.removeprefix(data) in names, path
    for path, _ in leaves(documented("stonex", "balance-summary")):
        if path.startswith(data) and "[" not in path:
            assert path.removeprefix(data) in names, path


def test_a_name_that_stands_twice_is_the_position_summarys() -> None:
    """The bare name means the position summary; the twin needs its path."""
    fields = observed(
        positions(data__freeCash=1, data__accumFedAmount=2),
        balances(data__availableWithdrawal__freeCash=3, data__openCall__accumFedAmount=4),
    ).fields
    assert (fields["freeCash"], fields["availableWithdrawal.freeCash"]) == (Decimal(1), Decimal(3))
    assert (fields["accumFedAmount"], fields["openCall.accumFedAmount"]) == (Decimal(2), Decimal(4))


def requirements(*amounts: object) -> list[object]:
    return [{"houseRequirement": amount} for amount in amounts]


@pytest.mark.parametrize(
    ("rows", "equity", "used", "usage"),
    [
        (requirements(Decimal("800.50"), Decimal("99.50")), 1000, Decimal(900), Decimal("0.9")),
        ([], 1000, Decimal(0), Decimal(0)),
        ([], -5, Decimal(0), Decimal(0)),
        (requirements(1), 0, Decimal(1), WORST_RATIO),
        (requirements(1), -20, Decimal(1), WORST_RATIO),
        (requirements(1, None), 1000, None, None),
        (None, 1000, None, None),
        (requirements(1), None, Decimal(1), None),
    ],
)
def test_margin_in_use_is_the_sum_of_the_houses_requirements(
    rows: object, equity: object, used: Decimal | None, usage: Decimal | None
) -> None:
    """Usage is that sum over equity of the same answer; null makes null, no equity makes the worst case."""
    fields = observed(None, balances(data__marginRequirements=rows, data__marginBalance__equity=equity)).fields
    assert (fields["margin_used"], fields["margin_usage"]) == (used, usage)


@pytest.mark.parametrize(
    "changes",
    [
        {"data__marginRequirements": GONE},
        {"data__marginRequirements": [{"symbol": "ACME"}]},
    ],
)
def test_a_missing_requirement_is_missing_and_not_zero(changes: dict[str, object]) -> None:
    """Without the list, or without a row's figure, margin in use is not known."""
    fields = observed(None, balances(**changes)).fields
    assert not {"margin_used", "margin_usage"} & set(fields)


def test_a_missing_equity_is_missing_and_not_zero() -> None:
    """Usage needs equity to be there."""
    fields = observed(None, balances(data__marginBalance__equity=GONE)).fields
    assert not {"equity", "margin_usage"} & set(fields)
    assert "margin_used" in fields


@pytest.mark.parametrize("block", ["marginBalance", "availableWithdrawal", "openCall"])
@pytest.mark.parametrize("value", [None, GONE])
def test_a_missing_object_takes_its_fields_with_it(block: str, value: object) -> None:
    """An object that is null or not there leaves its fields missing; the others are read."""
    fields = observed(None, balances(**{f"data__{block}": value})).fields
    assert not any(name.startswith(f"{block}.") for name in fields)
    assert "fedCallAmount" in fields


CALLS = {
    "data__fedCallAmount": "position",
    "data__maintCallAmount": "position",
    "data__accumFedAmount": "position",
    "data__openCall__federalCall": "balance",
    "data__openCall__maintenanceCall": "balance",
    "data__openCall__dayTradeCall": "balance",
    "data__openCall__accumFedAmount": "balance",
}


@pytest.mark.parametrize("path", CALLS)
def test_any_amount_of_a_call_is_a_margin_call(path: str) -> None:
    """Each of the overlapping amounts alone says that a call is open; the amounts are never added."""
    changes: dict[str, object] = {path: Decimal("1500.25")}
    observation = observed(positions(**changes)) if CALLS[path] == "position" else observed(None, balances(**changes))
    assert observation.fields["in_margin_call"] is True
    assert observation.fields["call_amount"] == Decimal("1500.25")


def test_the_largest_amount_is_the_call() -> None:
    """The amounts overlap, so the largest stands for all."""
    fields = observed(
        positions(data__fedCallAmount=300, data__accumFedAmount=400),
        balances(
            data__openCall__federalCall=300, data__openCall__maintenanceCall=200, data__openCall__dayTradeCall=100
        ),
    ).fields
    assert fields["call_amount"] == 400
    assert (fields["fed_call"], fields["maintenance_call"], fields["day_trade_call"]) == (300, 200, 100)


def test_no_call_needs_every_amount() -> None:
    """Zero everywhere is no call; one amount that is null or missing leaves it unknown."""
    assert observed().fields["in_margin_call"] is False
    assert observed().fields["call_amount"] == 0

    null = observed(positions(data__fedCallAmount=None)).fields
    assert (null["in_margin_call"], null["call_amount"]) == (None, None)
    missing = observed(positions(data__fedCallAmount=GONE)).fields
    assert not {"in_margin_call", "call_amount"} & set(missing)


def test_a_negative_amount_is_no_call() -> None:
    """A call below zero calls for nothing."""
    changes: dict[str, object] = dict.fromkeys(CALLS, -5)
    held = {path: value for path, value in changes.items() if CALLS[path] == "position"}
    owed = {path: value for path, value in changes.items() if CALLS[path] == "balance"}
    fields = observed(positions(**held), balances(**owed)).fields
    assert (fields["in_margin_call"], fields["call_amount"]) == (False, Decimal(0))


def test_one_open_call_is_known_though_the_other_answer_failed() -> None:
    """True or unknown is true: half the answers suffice to see a call, not to see that there is none."""
    parts: dict[str, Body | bytes | VenueFailure] = {
        POSITIONS: failed(POSITIONS, ACCOUNT),
        BALANCES: balances(data__openCall__federalCall=5),
    }
    (observation,) = normalise(fetched(key(ACCOUNT), parts), None).observations
    assert observation.fields["in_margin_call"] is True
    assert "call_amount" not in observation.fields
    assert observation.positions is None
    assert [failure.kind for failure in observation.failures] == [FailureKind.TIMED_OUT]


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
    failure = wrong(read(positions(hasErrors=True, data=None, traceId="trace-1", **changes)))
    assert (failure.kind, failure.trace_id) == (kind, "trace-1")


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


def test_numbers_keep_their_digits_and_may_be_written_as_text() -> None:
    """A decimal is what stands on the wire, trailing zeros and all; the vendor writes some numbers as texts."""
    body = balances(data__marginBalance__equity="PLACE", data__marginBalance__houseExcess="1.10")
    text = str(body).replace("'", '"').replace('"PLACE"', "123456789012345678.123456789").replace("False", "false")
    observation = one(read(None, text.encode()))
    assert str(observation.fields["equity"]) == "123456789012345678.123456789"
    assert str(observation.fields["margin_excess"]) == "1.10"


def test_null_and_missing_stay_apart() -> None:
    """A null field is there and unknown; a missing one is not there."""
    fields = observed(positions(data__totalCash=None, data__netMarket=GONE, data__gainLoss=GONE)).fields
    assert fields["totalCash"] is None
    assert not {"netMarket", "unrealized_pnl"} & set(fields)


@pytest.mark.parametrize(
    "date", [None, "", "yesterday", "2024-10-08", "0001-01-01T00:00:00", "0001-01-01T00:00:00+23:59"]
)
def test_a_date_without_a_zone_is_unknown_and_spoils_nothing(date: object) -> None:
    """What cannot be read as a time with its zone is null; the money beside it is read."""
    fields = observed(positions(data__date=date)).fields
    assert fields["date"] is None
    assert fields["totalCash"] == 0


@pytest.mark.parametrize("nested", [None, GONE])
def test_a_position_may_lack_its_gain(nested: object) -> None:
    """A position without `unrealizedGainLoss` keeps its own fields."""
    observation = observed(positions(data__portfolios__0__unrealizedGainLoss=nested))
    assert observation.positions is not None
    assert observation.positions[0]["symbol"] == "string"
    assert "unrealized_pnl" not in observation.positions[0]


def test_a_position_may_lack_its_total_gain() -> None:
    """Without the figure, the position's unrealized P&L is missing."""
    observation = observed(positions(data__portfolios__0__unrealizedGainLoss__totalUnrealizedAmount=GONE))
    assert observation.positions is not None
    assert "unrealized_pnl" not in observation.positions[0]


@pytest.mark.parametrize("rows", [None, GONE])
def test_positions_that_are_not_told_are_unknown(rows: object) -> None:
    """No list is not an empty list."""
    assert observed(positions(data__portfolios=rows)).positions is None
    assert observed(positions(data__portfolios=[])).positions == ()


@pytest.mark.parametrize(
    ("rows", "configured", "currency"),
    [
        ([{"currency": "USD"}, {"currency": "USD"}], None, "USD"),
        ([{"currency": "USD"}, {"currency": "EUR"}], None, None),
        ([{"currency": ""}, {"currency": None}, {}], None, None),
        ([], None, None),
        (None, None, None),
        ([{"currency": "EUR"}], "USD", "USD"),
        (None, "USD", "USD"),
    ],
)
def test_the_currency_is_the_configs_or_the_one_all_positions_share(
    rows: object, configured: str | None, currency: str | None
) -> None:
    """Positions that disagree, or are not there, leave the currency missing."""
    said = read(positions(data__portfolios=rows), None, configured)
    assert one(said).fields.get("currency") == currency


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
