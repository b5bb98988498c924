"""What one cycle's answers say: the vendor's own examples, partial answers, and every way to be malformed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.fields import WORST_RATIO
from marginwatch.core.model import Account, FailureKind, Normalised, Observation
from marginwatch.venues.architect.normalise import Scope, left_out, normalise, normalise_history, single
from marginwatch.venues.architect.wire import ACCOUNTS, LAST_ACCOUNTS, MARGIN_CALLS, SUMMARIES
from marginwatch.venues.protocol import Part
from support.architect import (
    FIRST,
    NOW,
    SECOND,
    VENUE,
    failed,
    fetched,
    key,
    listed,
    margin_call,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

BODIES = Path(__file__).parent / "bodies"
EVERYTHING = Scope(lambda _: True)


def read(parts: Mapping[str, object], scope: Scope = EVERYTHING) -> Normalised:
    return normalise(fetched(parts), scope)


def one(parts: Mapping[str, object], scope: Scope = EVERYTHING) -> Observation:
    said = read(parts, scope)
    assert said.failures == ()
    (observation,) = said.observations
    return observation


def good(**more: object) -> dict[str, object]:
    return {ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: {"account_summaries": [summary(**more)]}}


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
    assert one(good()).fields["age"] == Decimal("9.777")
    ahead = one(good(timestamp="2025-05-16T00:00:00Z"))
    assert ahead.fields["age"] == 0
    assert ahead.observed_at == ahead.fetched_at


@pytest.mark.parametrize("timestamp", ["2025-05-15T22:32:21", "0001-01-01T00:00:00+23:59"])
def test_a_time_nobody_can_place_is_told(timestamp: str) -> None:
    """A timestamp without a zone is no time of the snapshot: the numbers come, and a failure says what is wrong."""
    (observation,) = read(good(timestamp=timestamp)).observations
    assert observation.as_of is None
    assert "age" not in observation.fields
    assert "timestamp" not in observation.fields
    (failure,) = observation.failures
    assert (failure.kind, failure.where) == (FailureKind.BAD_ANSWER, "account_summaries[0].timestamp")


BAD_ROWS: dict[str, tuple[object, str]] = {
    "no timestamp": ({"timestamp": ...}, "account_summaries[1]"),
    "null timestamp": ({"timestamp": None}, "account_summaries[1].timestamp"),
    "no time": ({"timestamp": "yesterday"}, "account_summaries[1].timestamp"),
    "not finite": ({"equity": "NaN"}, "account_summaries[1].equity"),
    "endless": ({"equity": "Infinity"}, "account_summaries[1].equity"),
    "absurdly large": ({"equity": "1E+99999999"}, "account_summaries[1].equity"),
    "absurdly small": ({"equity": "1E-9999"}, "account_summaries[1].equity"),
    "grouped": ({"equity": "1_000"}, "account_summaries[1].equity"),
    "empty": ({"equity": ""}, "account_summaries[1].equity"),
    "a flag": ({"equity": True}, "account_summaries[1].equity"),
    "a list": ({"equity": []}, "account_summaries[1].equity"),
    "positions as list": ({"positions": []}, "account_summaries[1].positions"),
    "lot without quantity": ({"positions": {"A": [{}]}}, "account_summaries[1].positions[...][0]"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_malformed_row_costs_its_own_account_only(case: str) -> None:
    """The place is named, the row is kept for diagnosis, and the account beside it is observed."""
    changes, where = BAD_ROWS[case]
    assert isinstance(changes, dict)
    bad = {name: value for name, value in summary(SECOND, **changes).items() if value is not ...}
    parts = {
        ACCOUNTS: {"accounts": [listed(), listed(SECOND, "B")]},
        SUMMARIES: {"account_summaries": [summary(), bad]},
    }
    said = read(parts)
    assert [each.account for each in said.observations] == [key()]
    (failure,) = said.failures
    assert (failure.kind, failure.account, failure.where) == (FailureKind.BAD_ANSWER, key(SECOND), where)
    assert failure.body is not None
    assert SECOND.encode() in failure.body


def test_an_account_left_out_of_a_good_answer_is_unknown_to_the_venue() -> None:
    """Listed as visible, yet not in the summaries and not answered for alone."""
    said = read({ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: {"account_summaries": [summary("other")]}})
    assert said.observations == ()
    assert [(each.kind, each.account) for each in said.failures] == [(FailureKind.ACCOUNT_UNKNOWN, key())]


def test_an_account_left_out_may_answer_alone() -> None:
    """The bare summary of one account fills the gap; what it fails with is that account's failure."""
    empty = {ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: {"account_summaries": []}}
    assert one(empty | {single(key()): summary()}).fields["equity"] == 10_000
    for answer, kind in {
        failed("Folio/AccountSummary"): FailureKind.UNREACHABLE,
        b"<html>": FailureKind.BAD_ANSWER,
        json.dumps(summary(SECOND)).encode(): FailureKind.BAD_ANSWER,
    }.items():
        said = read(empty | {single(key()): answer})
        assert [each.kind for each in said.failures] == [kind]


def test_a_row_that_names_nobody_is_a_bad_answer_for_whoever_is_left_out() -> None:
    """The missing account may be in the unreadable row, so the venue does not deny it."""
    said = read({ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: {"account_summaries": [summary() | {"account": 1}]}})
    (failure,) = said.failures
    assert (failure.kind, failure.where) == (FailureKind.BAD_ANSWER, "account_summaries[0].account")
    assert failure.account == key()


def test_an_account_that_stands_in_an_answer_twice_is_not_guessed_at() -> None:
    """Two summaries of one account are a bad answer for it."""
    said = read(
        {ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: {"account_summaries": [summary(), summary(equity="1")]}}
    )
    assert [each.kind for each in said.failures] == [FailureKind.BAD_ANSWER]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b'{"account_summaries":{}}', b'{"account_summaries":[}', b"\xff"]
)
def test_summaries_that_cannot_be_read_fail_once_for_the_venue(body: bytes) -> None:
    """The listing is good and given; the call for all accounts is one failure without an account."""
    said = read({ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: body})
    assert said.listing is not None
    assert said.observations == ()
    assert [(each.kind, each.account) for each in said.failures] == [(FailureKind.BAD_ANSWER, None)]


def test_summaries_that_did_not_come_fail_once_for_the_venue() -> None:
    """The failure is passed on; accounts that may not be viewed are still observed."""
    hidden = listed(SECOND, "B") | {"permissions": {"view": False}}
    said = read({ACCOUNTS: {"accounts": [listed(), hidden]}, SUMMARIES: failed(SUMMARIES)})
    assert [each.account for each in said.observations] == [key(SECOND)]
    assert said.failures == (failed(SUMMARIES),)


BAD_LISTINGS: list[object] = [
    b"",
    {"accounts": None},
    {"accounts": [{"account": {"id": FIRST}}]},
    {"accounts": [{"account": {"id": "", "name": "A"}}]},
    {"accounts": [listed(), {"account": 1}]},
]


@pytest.mark.parametrize("listing", BAD_LISTINGS)
def test_a_listing_that_cannot_name_an_account_is_no_listing(listing: object) -> None:
    """Without an earlier one nothing can be said, for an unnamed account would seem to have vanished."""
    said = read({ACCOUNTS: listing, SUMMARIES: {"account_summaries": [summary()]}})
    assert said.listing is None
    assert said.observations == ()
    assert [(each.kind, each.account) for each in said.failures] == [(FailureKind.BAD_ANSWER, None)]


@pytest.mark.parametrize("listing", [*BAD_LISTINGS, failed(ACCOUNTS)])
def test_an_earlier_listing_names_the_accounts_meanwhile(listing: object) -> None:
    """Balances come, what the earlier listing said of permissions does not, and each observation says why."""
    hidden = listed(SECOND, "B") | {"permissions": {"view": False}}
    earlier = {"accounts": [listed(), hidden]}
    said = read({ACCOUNTS: listing, LAST_ACCOUNTS: earlier, SUMMARIES: {"account_summaries": [summary()]}})
    assert said.listing is None
    (observation,) = said.observations
    assert observation.fields["equity"] == 10_000
    assert "permissions" not in observation.fields
    assert [each.account for each in observation.failures] == [key()]
    assert [each.account for each in said.failures] == [key(SECOND)]


def test_an_earlier_listing_that_is_bad_too_helps_nobody() -> None:
    """Then the present one's failure is all there is."""
    said = read({ACCOUNTS: failed(ACCOUNTS), LAST_ACCOUNTS: b"", SUMMARIES: {"account_summaries": [summary()]}})
    assert said == Normalised(failures=(failed(ACCOUNTS),))


def test_permissions_that_cannot_be_read_cost_themselves_only() -> None:
    """The account's balances come, with a failure that names the place."""
    (observation,) = read(
        {ACCOUNTS: {"accounts": [listed(trading_enabled="yes")]}, SUMMARIES: {"account_summaries": [summary()]}}
    ).observations
    assert observation.fields["equity"] == 10_000
    assert "permissions" not in observation.fields
    assert [each.where for each in observation.failures] == ["accounts[0].trading_enabled"]


def test_an_account_listed_twice_is_taken_once_when_both_say_the_same() -> None:
    """Contradicting rows leave the permissions unknown; equal ones are one."""
    balances = {SUMMARIES: {"account_summaries": [summary()]}}
    same = read({ACCOUNTS: {"accounts": [listed(), listed()]}, **balances})
    assert same.failures == same.observations[0].failures == ()
    other = read({ACCOUNTS: {"accounts": [listed(), listed(trading_enabled=False)]}, **balances})
    (observation,) = other.observations
    assert "permissions" not in observation.fields
    assert [each.where for each in observation.failures] == ["accounts[1]"]


def test_only_selected_accounts_are_listed_and_observed() -> None:
    """What the operator did not ask for is neither listed nor observed nor missed."""
    scope = Scope(lambda account: account.name == "B")
    parts = {
        ACCOUNTS: {"accounts": [listed(), listed(SECOND, "B")]},
        SUMMARIES: {"account_summaries": [summary(SECOND)]},
    }
    said = read(parts, scope)
    assert said.listing == (Account(key(SECOND), "B"),)
    assert [each.account for each in said.observations] == [key(SECOND)]
    assert said.failures == ()


def test_accounts_left_out_are_known_before_anything_is_read() -> None:
    """Those visible, selected and not in the answer are asked for alone; a bad answer leaves nobody out."""

    def missing(listing: object, summaries: object) -> tuple[str, ...]:
        made = fetched({ACCOUNTS: listing, SUMMARIES: summaries}).parts
        first, second = made[ACCOUNTS], made[SUMMARIES]
        assert isinstance(first, Part)
        assert isinstance(second, Part)
        scope = Scope(lambda account: account.name != "unwanted")
        return tuple(each.id for each in left_out(VENUE, first, second, scope))

    hidden = listed("hidden", "H") | {"permissions": {"view": False}}
    listing = {"accounts": [listed(), listed(SECOND, "B"), listed("3", "unwanted"), hidden]}
    assert missing(listing, {"account_summaries": [summary()]}) == (SECOND,)
    assert missing(listing, {"account_summaries": [{}]}) == ()
    assert missing(listing, b"") == ()
    assert missing(b"", {"account_summaries": []}) == ()


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
    """Everything else comes; the call's failure belongs to the account's observation."""
    (observation,) = read(good() | {MARGIN_CALLS: body}).observations
    assert observation.fields["equity"] == 10_000
    assert "in_margin_call" not in observation.fields
    assert [(each.call, each.account) for each in observation.failures] == [(MARGIN_CALLS, key())]


def test_margin_calls_that_are_not_offered_are_no_failure() -> None:
    """The observation names the optional call, and nothing is wrong with it."""
    said = normalise(fetched(good(), optional=frozenset({MARGIN_CALLS})), EVERYTHING)
    assert said.observations[0].optional == {MARGIN_CALLS}
    assert said.observations[0].failures == ()
    assert "in_margin_call" not in said.observations[0].fields


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
