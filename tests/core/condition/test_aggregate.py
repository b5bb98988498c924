"""Questions to the accounts of a group, read from an expression."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marginwatch.core.condition import written
from marginwatch.core.condition.aggregate import aggregates, answers, lowered
from marginwatch.core.fields import Unit, catalogue
from support.catalogues import FUTURES, MARGIN_FX
from support.expressions import field, parsed

BOTH = {"desk": FUTURES, "london": MARGIN_FX}
NAMES = frozenset({*FUTURES.fields, *MARGIN_FX.fields})


@pytest.mark.parametrize(
    "text",
    [
        "sum(equity) / sum(margin_used) > 80%",
        "not any(in_margin_call) or -max(equity) < abs(min(equity))",
        'drawdown(sum(equity), "1d") > 5',
        'currency in ("USD", "EUR") and "USD" in permissions',
        "prior(count(in_margin_call)) < count(in_margin_call)",
    ],
)
def test_a_lowered_expression_reads_as_it_did(text: str) -> None:
    """Each question becomes the name of its answer, and all else stays."""
    assert written(lowered(parsed(text))) == written(parsed(text))


def test_the_fields_of_a_group_are_the_answers() -> None:
    """Each with its unit, and what the group is reckoned in."""
    found, faults = aggregates(
        parsed("sum(equity) > 5 and count(in_margin_call) > 1 and currency == 'USD'"), BOTH, NAMES
    )

    assert faults == ()
    units = {each.name: each.unit for each in answers(found)}
    assert units == {"currency": Unit.TEXT, "sum(equity)": Unit.MONEY, "count(in_margin_call)": Unit.COUNT}


def test_what_a_venue_lacks_is_left_out_of_a_question() -> None:
    """As in a rule of an account: the rest is asked."""
    (found,), _ = aggregates(parsed("any(in_margin_call or in_stop_out)"), BOTH, NAMES)

    assert {venue: written(node) for venue, node in found.arguments.items()} == {
        "desk": "in_margin_call",
        "london": "in_margin_call or in_stop_out",
    }


def test_one_name_for_two_kinds_of_number_is_refused() -> None:
    """Venues give their own names as they like."""
    other = catalogue("other", [field("equity", Unit.QUANTITY)], [])

    _, (fault,) = aggregates(parsed("sum(equity) > 5"), {"desk": FUTURES, "other": other}, NAMES)

    assert fault.what == "this is money at desk and a quantity at other"


def test_money_in_a_currency_of_its_own_is_refused() -> None:
    """Its rate is not that of the account."""
    own = catalogue("own", [replace(field("value", Unit.MONEY), converted="value_usd")], [])

    _, (fault,) = aggregates(parsed("sum(value) > 5"), {"own": own}, frozenset({"value"}))

    assert (fault.what, fault.hint) == ("value is in a currency of its own", "value_usd has it converted")


def test_what_is_wrong_inside_a_question_is_told_once() -> None:
    """However many venues say so."""
    _, faults = aggregates(parsed("sum(equity + margin_usage) > 5"), BOTH, NAMES)

    assert len(faults) == 1
