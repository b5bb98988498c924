"""What good answers say: the vendor's own examples, numbers, gaps, permissions and positions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from marginwatch.core.fields import WORST_RATIO
from marginwatch.core.model import Account, FailureKind, times
from marginwatch.venues.architect.normalise import Scope, normalise_history
from marginwatch.venues.architect.wire import ACCOUNTS, SUMMARIES
from marginwatch.venues.protocol import Part
from support.architect import (
    EVERYTHING,
    FIRST,
    NOW,
    SECOND,
    good,
    key,
    listed,
    one,
    read,
    summary,
)

BODIES = Path(__file__).parent / "bodies"


def test_the_vendors_own_examples_are_read(snapshot: object) -> None:
    """The documented listing and summary, which lack `trading_enabled` and `equity`, give every field they hold."""
    accounts = json.loads((BODIES / "accounts.json").read_text())
    documented = json.loads((BODIES / "account_summary.json").read_text())
    said = read({ACCOUNTS: {"accounts": accounts[:1]}, SUMMARIES: {"account_summaries": [documented]}})
    assert said.failures == ()
    assert said.listing == (Account(key(), "STONEX:000000/JDoe"),)
    (observation,) = said.observations
    assert observation.as_of == datetime(2025, 5, 15, 22, 32, 21, 222906, tzinfo=UTC)
    assert {name: str(value) for name, value in observation.fields.items() if name != "permissions"} == snapshot
    assert observation.fields["permissions"] == {"list", "reduce_or_close", "set_limits", "trade", "view"}
    assert observation.positions == (
        {"symbol": "MGC 20250626 CME Future/USD", "quantity": Decimal(1), "cost_basis": Decimal("3279.2")},
    )


def test_numbers_keep_their_digits_whether_text_or_number() -> None:
    """A decimal is what stands on the wire, trailing zeros and all, never rounded through a float."""
    body = b'{"account_summaries":[{"account":"%s","timestamp":"2025-05-15T22:32:21Z","positions":{},' % FIRST.encode()
    body += b'"equity":123456789012345678.123456789,"total_margin":"1.10","cash_excess":7,"realized_pnl":1E+3}]}'
    fields = one({ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: body}).fields
    assert str(fields["equity"]) == "123456789012345678.123456789"
    assert str(fields["margin_used"]) == "1.10"
    assert fields["cash"] == Decimal(7)
    assert fields["realized_pnl"] == Decimal(1000)
    assert {type(value) for name, value in fields.items() if name in {"equity", "cash", "margin_usage"}} == {Decimal}


def test_null_missing_and_zero_are_three_things() -> None:
    """A null stays null, a missing key stays missing, and a formula over either is so too."""
    fields = one(good(equity=None, total_margin="0", unrealized_pnl="0", yesterday_equity="1")).fields
    assert fields["equity"] is None
    assert fields["margin_usage"] is None
    assert fields["margin_excess"] is None
    assert fields["day_pnl"] is None
    assert fields["unrealized_pnl"] == 0
    assert "realized_pnl" not in fields
    assert "trading_enabled" not in fields
    assert "currency" not in fields


def test_formulas_follow_their_documents() -> None:
    """Usage, signed headroom and the day's change come from equity, margin and yesterday's equity."""
    fields = one(good(equity="10000", total_margin="12500", yesterday_equity="11000")).fields
    assert fields["margin_usage"] == Decimal("1.25")
    assert fields["margin_excess"] == -2500
    assert fields["day_pnl"] == -1000


@pytest.mark.parametrize(
    ("equity", "used", "usage"), [("0", "1", WORST_RATIO), ("-5", "1", WORST_RATIO), ("-5", "0", 0)]
)
def test_equity_that_is_gone_is_the_worst_case(equity: str, used: str, usage: Decimal) -> None:
    """Margin in use without equity is the worst ratio, and no margin in use is none."""
    assert one(good(equity=equity, total_margin=used)).fields["margin_usage"] == usage


def test_the_old_purchasing_power_is_still_read() -> None:
    """A server that sends it gives buying power under both names; a newer one leaves both out."""
    fields = one(good(purchasing_power="5447.59")).fields
    assert fields["buying_power"] == fields["purchasing_power"] == Decimal("5447.59")
    assert "buying_power" not in one(good()).fields


def test_the_currency_is_the_configs() -> None:
    """The venue names no currency, so the operator does."""
    assert one(good(), Scope(lambda _: True, "EUR")).fields["currency"] == "EUR"


def test_permissions_are_flags_and_their_set() -> None:
    """Each flag is a field, and what is granted is a set."""
    row = listed(trading_enabled=False)
    row["permissions"] = {"list": True, "view": True, "trade": False, "reduce_or_close": True, "set_limits": False}
    fields = one({ACCOUNTS: {"accounts": [row]}, SUMMARIES: {"account_summaries": [summary()]}}).fields
    assert fields["permissions"] == {"list", "view", "reduce_or_close"}
    assert fields["permissions.trade"] is False
    assert fields["trading_enabled"] is False
    assert fields["trader"] == SECOND


@pytest.mark.parametrize(
    ("permissions", "known"),
    [
        (
            {"list": True, "view": True, "trade": None, "reduce_or_close": True, "set_limits": True},
            {"permissions": None},
        ),
        ({"list": True, "view": True}, {}),
        (None, {"permissions": None}),
    ],
)
def test_a_gap_in_the_permissions_leaves_the_set_unknown(permissions: object, known: dict[str, object]) -> None:
    """A null flag nulls the set, a missing one leaves it out: a set is never guessed."""
    row = listed() | {"permissions": permissions}
    fields = one({ACCOUNTS: {"accounts": [row]}, SUMMARIES: {"account_summaries": [summary()]}}).fields
    assert {name: value for name, value in fields.items() if name == "permissions"} == known


def test_permissions_that_are_not_sent_are_missing() -> None:
    """A listing without the key gives no permission field and a visible account."""
    row = {"account": {"id": FIRST, "name": ""}}
    said = read({ACCOUNTS: {"accounts": [row]}, SUMMARIES: {"account_summaries": [summary()]}})
    assert said.listing == (Account(key(), FIRST),)
    assert not [name for name in said.observations[0].fields if name.startswith("permissions")]


def test_an_account_that_may_not_be_viewed_has_not_vanished() -> None:
    """It is listed as not viewable and observed with its permissions alone."""
    row = listed() | {"permissions": {"list": True, "view": False}}
    said = read({ACCOUNTS: {"accounts": [row]}, SUMMARIES: {"account_summaries": []}})
    assert said.listing == (Account(key(), "STONEX:000000/JDoe", viewable=False),)
    assert said.failures == ()
    assert said.observations[0].fields["permissions.view"] is False
    assert said.observations[0].as_of is None
    assert said.observations[0].positions is None


def test_lots_are_listed_one_by_one() -> None:
    """The venue does not aggregate lots, and an empty list of lots is a flat product."""
    lots = [
        {"quantity": "-2", "cost_basis": None, "unrealized_pnl": 3.50, "trade_time": "2025-05-15T10:00:00-04:00"},
        {"quantity": 1, "liquidation_price": "1.5", "trade_time": "2025-05-15T10:00:00"},
        {"quantity": 1, "trade_time": None},
    ]
    positions = one(good(positions={"A/USD": lots, "B/USD": []})).positions
    assert positions == (
        {
            "symbol": "A/USD",
            "quantity": Decimal(-2),
            "cost_basis": None,
            "unrealized_pnl": Decimal("3.50"),
            "trade_time": datetime(2025, 5, 15, 14, tzinfo=UTC),
        },
        {"symbol": "A/USD", "quantity": Decimal(1), "liquidation_price": Decimal("1.5")},
        {"symbol": "A/USD", "quantity": Decimal(1), "trade_time": None},
    )


@pytest.mark.parametrize("gap", [{"positions": None}, {"positions": ...}])
def test_positions_that_are_not_given_are_unknown(gap: dict[str, object]) -> None:
    """Null or missing positions are not no positions."""
    row = {name: value for name, value in summary(**gap).items() if value is not ...}
    said = one({ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: {"account_summaries": [row]}})
    assert said.positions is None


def test_the_snapshots_age_is_measured_when_the_answer_is_in() -> None:
    """Age counts from the venue's time to ours, and a time in our future is no age."""
    seen = one(good())
    age = times(seen.as_of, seen.fetched_at)["age"]
    assert isinstance(age, Decimal)
    assert round(age, 3) == Decimal("9.777")
    ahead = one(good(timestamp="2025-05-16T00:00:00Z"))
    assert times(ahead.as_of, ahead.fetched_at)["age"] == 0
    assert ahead.observed_at == ahead.fetched_at


@pytest.mark.parametrize("timestamp", ["2025-05-15T22:32:21", "0001-01-01T00:00:00+23:59"])
def test_a_time_nobody_can_place_is_told(timestamp: str) -> None:
    """Numbers of unknown age must decide nothing: a timestamp without a zone makes the answer malformed."""
    said = read(good(timestamp=timestamp))
    assert said.observations == ()
    (failure,) = said.failures
    assert (failure.kind, failure.where) == (FailureKind.BAD_ANSWER, "account_summaries[0].timestamp")


def test_history_is_read_newest_first_beside_its_bad_rows() -> None:
    """Each row is an observation of its own time; a malformed one is a failure."""
    rows = [summary(timestamp="2025-05-15T10:00:00Z"), summary(equity="x"), summary(timestamp="2025-05-15T09:00:00Z")]
    said = normalise_history(Part(json.dumps({"history": rows}).encode(), NOW), key(), Scope(lambda _: True, "USD"))
    assert [each.as_of.hour for each in said.observations if each.as_of] == [10, 9]
    assert said.observations[0].fields["currency"] == "USD"
    assert [each.where for each in said.failures] == ["history[1].equity"]
    assert [each.kind for each in normalise_history(Part(b"", NOW), key(), EVERYTHING).failures] == [
        FailureKind.BAD_ANSWER
    ]
