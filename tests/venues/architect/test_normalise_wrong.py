"""Answers that are malformed, partial or missing: what is still said, and whose failure it is."""

from __future__ import annotations

import json

import pytest

from marginwatch.core.model import Account, FailureKind, Normalised, VenueFailure
from marginwatch.venues.architect.normalise import Scope, left_out, single
from marginwatch.venues.architect.wire import ACCOUNTS, LAST_ACCOUNTS, SUMMARIES
from marginwatch.venues.protocol import Part
from support.architect import (
    FIRST,
    SECOND,
    VENUE,
    failed,
    fetched,
    key,
    listed,
    one,
    read,
    summary,
)

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


@pytest.mark.parametrize("spoilt", ["", "a\0", "a\x9f"])
def test_an_id_that_cannot_be_one_spoils_the_listing(spoilt: str) -> None:
    """Nothing is put in its place, for two accounts could become one."""
    (failure,) = read({ACCOUNTS: {"accounts": [listed(), listed(spoilt)]}, SUMMARIES: {}}).failures
    assert (failure.kind, failure.where) == (FailureKind.BAD_ANSWER, "accounts[1].account.id")


def test_control_characters_of_a_text_are_replaced() -> None:
    """In names, symbols and whatever else is for people to read."""
    lots = {"E\0S": [{"quantity": "1"}]}
    said = read(
        {
            ACCOUNTS: {"accounts": [{**listed(name="J\x1bDoe"), "trader": "j\n"}]},
            SUMMARIES: {"account_summaries": [summary(positions=lots)]},
        }
    )
    assert said.listing == (Account(key(), "J\ufffdDoe"),)
    assert said.observations[0].fields["trader"] == "j\ufffd"
    assert said.observations[0].positions == ({"symbol": "E\ufffdS", "quantity": 1},)


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
    observation = said.observations[0]
    assert observation.fields["equity"] == 10_000
    for each in said.observations:
        assert "permissions" not in each.fields
        assert [failure.account for failure in each.failures] == [None]


@pytest.mark.parametrize("listing", [*BAD_LISTINGS, failed(ACCOUNTS)])
def test_a_hidden_account_is_heard_of_in_a_listing_that_came(listing: object) -> None:
    """One that cannot be read is the venue's trouble and not the account's; without any, nothing was heard of it."""
    earlier = {"accounts": [listed() | {"permissions": {"view": False}}]}
    said = read({ACCOUNTS: listing, LAST_ACCOUNTS: earlier, SUMMARIES: {"account_summaries": []}})
    if isinstance(listing, VenueFailure):
        assert (said.observations, [each.account for each in said.failures]) == ((), [key()])
    else:
        assert ([each.account for each in said.observations], said.failures) == ([key()], ())


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


def test_a_row_that_is_not_utf8_costs_its_own_account_only() -> None:
    """Bytes that are no text are a bad answer, told without them."""
    body = json.dumps({"account_summaries": [summary(), summary(SECOND, equity="?")]}).encode().replace(b"?", b"\xff")
    said = read(
        {ACCOUNTS: {"accounts": [listed(), listed(SECOND, "B")]}, SUMMARIES: body.replace(b"trader", b"equity")}
    )
    assert [each.account for each in said.observations] == [key()]
    assert [(each.kind, each.account) for each in said.failures] == [(FailureKind.BAD_ANSWER, key(SECOND))]
