"""What Helio's answers say: the vendor's own example, each formula, and nulls kept apart from zeros."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.fields import WORST_RATIO
from marginwatch.core.model import TIMES, times
from marginwatch.venues.helio.fields import CATALOGUE, METRICS_CALL, PORTFOLIO_CALL
from support.bodies import AT, GONE, documented, failed, leaves, one, shown
from support.helio import ACCOUNT, metrics, observed, portfolio, read

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion


def test_the_vendors_own_example_is_read_in_full(snapshot: SnapshotAssertion) -> None:
    """Every documented scalar becomes a field, and every one of a position a position's field."""
    observation = observed()
    assert shown(observation.fields) == snapshot
    assert observation.positions is not None
    assert [shown(position) for position in observation.positions] == snapshot
    assert set(observation.fields) | TIMES == set(CATALOGUE.fields)
    assert set(observation.positions[0]) == set(CATALOGUE.positions)


def test_every_scalar_of_the_vendors_example_is_a_name_in_rules() -> None:
    """A field in the vendor's manual is a field in a rule."""
    for path, _ in leaves(documented("helio", "portfolio")):
        if path.startswith("positions[]."):
            assert path.removeprefix("positions[].") in CATALOGUE.positions, path
        elif not path.startswith("orders[]."):
            assert path in CATALOGUE.fields, path
    for name in documented("helio", "metrics").keys() - {"position_pnl_by_id"}:
        assert {name, f"metrics.{name}"} <= set(CATALOGUE.fields) | {"metrics.timestamp"}, name


def test_the_metrics_carry_the_time_of_the_data() -> None:
    """`timestamp` is in milliseconds; the age is measured to the moment the answers were in, never below zero."""
    taken = AT - timedelta(seconds=90)
    observation = observed(None, metrics(timestamp=int(taken.timestamp() * 1000)))
    assert observation.as_of == taken
    assert times(observation.as_of, observation.fetched_at) == {"age": Decimal(90), "timestamp": taken}
    assert TIMES.isdisjoint(observation.fields)

    ahead = observed(None, metrics(timestamp=int((AT + timedelta(seconds=5)).timestamp() * 1000)))
    assert times(ahead.as_of, ahead.fetched_at)["age"] == 0
    assert ahead.observed_at == AT


@pytest.mark.parametrize("timestamp", [None, GONE])
def test_metrics_without_a_time_leave_it_unknown(timestamp: object) -> None:
    """Without `timestamp` the observation has no time of its own and no age."""
    observation = observed(None, metrics(timestamp=timestamp))
    assert observation.as_of is None
    assert times(observation.as_of, observation.fetched_at) == {}


@pytest.mark.parametrize(
    ("changes", "equity", "usage", "excess"),
    [
        ({}, Decimal("10150.5"), Decimal(2500) / Decimal("10150.5"), Decimal("7650.5")),
        ({"used_margin": 0}, Decimal("10150.5"), Decimal(0), Decimal("10150.5")),
        ({"used_margin": 0, "balance": -500}, Decimal("-349.5"), Decimal(0), Decimal("-349.5")),
        ({"balance": Decimal("-150.5")}, Decimal(0), WORST_RATIO, Decimal(-2500)),
        ({"balance": -500}, Decimal("-349.5"), WORST_RATIO, Decimal("-2849.5")),
        ({"balance": None}, None, None, None),
        ({"unrealized_pnl": None}, None, None, None),
        ({"used_margin": None}, Decimal("10150.5"), None, None),
    ],
)
def test_margin_is_reckoned_from_the_portfolio_alone(
    changes: dict[str, object], equity: object, usage: object, excess: object
) -> None:
    """Equity is balance and unrealized P&L; usage and excess follow; null makes null, no equity the worst case."""
    fields = observed(portfolio(**changes), metrics(equity=1, used_margin=999)).fields
    assert (fields["equity"], fields["margin_usage"], fields["margin_excess"]) == (equity, usage, excess)


@pytest.mark.parametrize("name", ["balance", "used_margin"])
def test_what_is_missing_makes_no_figure(name: str) -> None:
    """A figure that needs a missing field is missing."""
    observation = one(read(portfolio(**{name: GONE}), None))
    assert not {"margin_usage", "margin_excess"} & set(observation.fields)


def test_metrics_stand_in_for_a_portfolio_that_failed() -> None:
    """Equity, margin and P&L are then the metrics'; the flags are missing and the failure is told."""
    (observation,) = read(failed(PORTFOLIO_CALL, ACCOUNT), metrics()).observations
    assert observation.fields["equity"] == Decimal("10150.5")
    assert observation.fields["margin_usage"] == Decimal(2500) / Decimal("10150.5")
    assert observation.fields["unrealized_pnl"] == Decimal("150.5")
    assert not {"in_margin_call", "trading_status", "currency"} & set(observation.fields)
    assert (observation.positions, observation.failures[0].call) == (None, PORTFOLIO_CALL)


def test_metrics_stand_in_with_what_they_have() -> None:
    """Metrics without equity give no usage either."""
    (observation,) = read(failed(PORTFOLIO_CALL, ACCOUNT), metrics(equity=GONE)).observations
    assert not {"equity", "margin_usage"} & set(observation.fields)
    assert observation.fields["margin_used"] == 2500


def test_metrics_that_the_account_does_not_have_are_no_failure() -> None:
    """An optional call that is not offered leaves its fields missing, and nothing else."""
    observation = one(read(portfolio(), None))
    assert observation.optional == {METRICS_CALL}
    assert observation.as_of is None
    assert not any(name.startswith("metrics.") or name == "age" for name in observation.fields)


def test_metrics_that_failed_are_told() -> None:
    """A call that should have answered is a failure of the observation."""
    (observation,) = read(portfolio(), failed(METRICS_CALL, ACCOUNT)).observations
    assert observation.fields["margin_used"] == 2500
    assert [failure.call for failure in observation.failures] == [METRICS_CALL]


@pytest.mark.parametrize(
    ("status", "known"),
    [
        ("TRADE_STATUS_FULL", "TRADE_STATUS_FULL"),
        ("TRADE_STATUS_CLOSE_ONLY", "TRADE_STATUS_CLOSE_ONLY"),
        ("TRADE_STATUS_DISABLED", "TRADE_STATUS_DISABLED"),
        ("TRADE_STATUS_LONG_ONLY", "TRADE_STATUS_LONG_ONLY"),
        ("TRADE_STATUS_UNSPECIFIED", None),
        ("TRADE_STATUS_SOMETHING_NEW", None),
        (None, None),
    ],
)
def test_a_status_that_is_not_documented_is_unknown(status: str | None, known: str | None) -> None:
    """An unknown word is never taken for full trading; the venue's own field keeps the word."""
    fields = observed(portfolio(status=status)).fields
    assert (fields["status"], fields["trading_status"]) == (status, known)


def test_a_missing_status_is_missing() -> None:
    """Not told is not null."""
    assert not {"status", "trading_status"} & set(observed(portfolio(status=GONE)).fields)


@pytest.mark.parametrize(("level", "ratio"), [(Decimal("406.02"), Decimal("4.0602")), (0, Decimal(0)), (None, None)])
def test_the_margin_level_is_a_ratio(level: object, ratio: Decimal | None) -> None:
    """The wire has per cent: 400 there is 400% in a rule."""
    fields = observed(None, metrics(margin_level=level)).fields
    assert (fields["margin_level"], fields["metrics.margin_level"]) == (ratio, ratio)


@pytest.mark.parametrize(
    ("changes", "quantity"),
    [
        ({}, Decimal(100000)),
        ({"positions__0__side": "TRADE_SIDE_SELL"}, Decimal(-100000)),
        ({"positions__0__side": "TRADE_SIDE_UNSPECIFIED"}, None),
        ({"positions__0__units": None}, None),
    ],
)
def test_a_quantity_has_its_sides_sign(changes: dict[str, object], quantity: Decimal | None) -> None:
    """Sold is negative; without a documented side the quantity is unknown."""
    observation = observed(portfolio(**changes))
    assert observation.positions is not None
    assert observation.positions[0]["quantity"] == quantity


def test_a_position_may_lack_fields() -> None:
    """What a position does not say is missing from it."""
    observation = observed(portfolio(positions=[{"id": "p"}]))
    assert observation.positions == ({"id": "p"},)


@pytest.mark.parametrize("rows", [None, GONE])
def test_positions_that_are_not_told_are_unknown(rows: object) -> None:
    """No list is not an empty list."""
    assert observed(portfolio(positions=rows)).positions is None
    assert observed(portfolio(positions=[])).positions == ()


def test_numbers_keep_their_digits() -> None:
    """A decimal is what stands on the wire, trailing zeros and all."""
    observation = one(read(b'{"balance":123456789012345678.123456789,"used_margin":1.10}', metrics()))
    assert str(observation.fields["balance"]) == "123456789012345678.123456789"
    assert str(observation.fields["margin_used"]) == "1.10"
    assert observation.as_of == datetime(2025, 1, 1, 12, tzinfo=UTC)
