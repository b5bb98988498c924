"""Why a rule is unknown, in words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.evaluate import Evaluated
from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.core.result import Unknown
from support.watching import KEY, NOON, ladder, look, on, only, seen, state, when

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.model import Value

FIELDS: dict[str, Value] = {"equity": Decimal(5), "cash": Decimal(0), "in_margin_call": None}


def failure(call: str, detail: str) -> VenueFailure:
    return VenueFailure("desk", FailureKind.TIMED_OUT, NOON, detail, call)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("in_margin_call", "in_margin_call is null"),
        ("margin_used > 5", "margin_used is missing from the answer"),
        ("margin_used > 5 or in_margin_call", "margin_used is missing from the answer; in_margin_call is null"),
        ("margin_used > 5 and age > '1m'", "margin_used and age are missing from the answer"),
        (
            "margin_used > 5 or age > '1m' or leverage > 1% or margin_usage > 1% or margin_calls > 1",
            "margin_used, age, leverage and 2 more are missing from the answer",
        ),
        ("equity > 5 or prior(equity) > 5", "equity is not known from before"),
        (
            "prior(margin_used + cash) > margin_used",
            "margin_used is missing from the answer; margin_used and cash are not known from before",
        ),
        (
            "equity / cash > 80%",
            "its value cannot be worked out: a division by zero, or a number out of range or of the wrong type",
        ),
        ("any(position.price > 5)", "position.price is null"),
        ("all(position.quantity < 5)", "position.quantity is missing from the answer"),
        (
            "any(position.price * position.quantity < margin_used)",
            "position.price is null; position.quantity and margin_used are missing from the answer",
        ),
    ],
)
def test_the_reason_names_the_fields(text: str, because: str) -> None:
    """Null, missing, not known from before and not reckonable are told apart."""
    positions: tuple[Mapping[str, Value], ...] = (
        {"symbol": "ES", "quantity": Decimal(1), "price": None},
        {"symbol": "NQ", "price": Decimal(1)},
    )
    assert only(look(when(text), seen(FIELDS, positions), state())).outcome == Unknown(because)


def test_positions_that_were_not_listed() -> None:
    """Without the list every field of it is missing."""
    found = look(when("any(position.price > 5)"), seen(FIELDS, None))
    assert only(found).outcome == Unknown("position.price is missing from the answer")


def test_a_failed_call_explains_what_is_missing() -> None:
    """The failure of the call a field comes from is the reason; that of another call is not."""
    failures = (failure("positions", "positions timed out after 10 s."), failure("login", "the token was refused"))
    rule = when("any(position.price > 5) or margin_used > 5")
    assert only(look(rule, seen(FIELDS, None, failures))).outcome == Unknown(
        "position.price is missing from the answer, because positions timed out after 10 s;"
        " margin_used is missing from the answer"
    )
    each = when("position.price > 5", each="position")
    assert look(each, seen(FIELDS, None, failures)).unknown == {
        "rule": "the list of positions is missing from the answer, because positions timed out after 10 s"
    }


def test_a_failure_that_names_no_call_explains_everything() -> None:
    """It concerns the whole answer."""
    found = look(when("margin_used > 5"), seen(FIELDS, failures=(failure("", "the answer was cut off"),)))
    assert found.unknown == {"rule": "margin_used is missing from the answer, because the answer was cut off"}


def test_a_null_is_the_venues_own_answer() -> None:
    """A call that answered is not blamed on one that failed."""
    found = look(when("in_margin_call"), seen(FIELDS, failures=(failure("summary", "it failed"),)))
    assert found.unknown == {"rule": "in_margin_call is null"}


def test_an_optional_call_that_is_not_offered_blinds_nobody() -> None:
    """A rule that lacks nothing but such fields is quiet, yet an alert that is open does not resolve by it."""
    rule = ladder("margin_used", (">", "5", "4"))
    silent = seen(FIELDS, optional=["summary"])
    assert look(rule, silent) == Evaluated()
    found = look(rule, silent, live=[""])
    assert only(found).outcome == Unknown("margin_used is missing from the answer")
    assert found.unknown == {}


def test_an_optional_call_excuses_only_itself() -> None:
    """Where something else is missing or null too, the rule is blind."""
    both = when("in_margin_call or any(position.price > 5)")
    found = look(both, seen(FIELDS, None, optional=["positions"]))
    assert found.unknown == {"rule": "in_margin_call is null; position.price is missing from the answer"}
    each = when("position.price > 5", each="position")
    assert look(each, seen(FIELDS, None, optional=["positions"]), live=["ES"]).unknown == {}


def test_an_answer_for_all_accounts_that_cannot_be_read_blinds_nobody() -> None:
    """It is told for the venue; one for this account, or one that never came, is told for the account."""
    rule = ladder("margin_used", (">", "5", "4"))
    unread = replace(failure("summary", "it is no JSON"), account=None, kind=FailureKind.BAD_ANSWER)
    silent = look(rule, seen(FIELDS, failures=(unread,)), live=[""])
    assert only(silent).outcome == Unknown("margin_used is missing from the answer, because it is no JSON")
    assert silent.unknown == {}
    for other in (replace(unread, account=KEY), replace(unread, kind=FailureKind.TIMED_OUT)):
        assert look(rule, seen(FIELDS, failures=(other,))).unknown
        assert look(rule, seen(FIELDS, failures=(unread, other))).unknown


def test_a_call_is_known_by_its_whole_name() -> None:
    """`summar` is another call than `summary`, as an excuse and as a reason."""
    silent = seen(FIELDS, failures=(failure("summar", "it failed"),), optional=["mary", "summar"])
    assert look(when("margin_used > 5"), silent).unknown == {"rule": "margin_used is missing from the answer"}


def test_an_event_is_unknown_for_its_present_only() -> None:
    """What was never known before keeps no event from being false."""
    found = look(on("changed(margin_used)"), seen(FIELDS), state())
    assert found.unknown == {"rule": "margin_used is missing from the answer"}
