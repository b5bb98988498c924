"""What StoneX Clearing's answers say: the vendor's own examples, each formula, and nulls kept apart from zeros."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.fields import WORST_RATIO
from marginwatch.core.model import FailureKind
from marginwatch.venues.stonex.fields import CATALOGUE
from support.bodies import AT, GONE, documented, leaves, one, shown, wrong
from support.stonex import balances, observed, positions, read

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


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
