"""Whether StoneX Clearing has a call open, and how large it is, from amounts that overlap."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.model import FailureKind, VenueFailure
from marginwatch.venues.stonex.fields import BALANCES, POSITIONS
from marginwatch.venues.stonex.normalise import normalise
from support.bodies import GONE, failed, fetched, key
from support.stonex import ACCOUNT, balances, observed, positions

if TYPE_CHECKING:
    from support.bodies import Body


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
