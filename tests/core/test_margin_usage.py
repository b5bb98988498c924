"""The one formula every venue shares: margin usage at the edges of equity."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.fields import WORST_RATIO, margin_usage

MONEY = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=4)


@pytest.mark.parametrize(
    ("used", "equity", "usage"),
    [
        ("1650", "6600", "0.25"),
        ("0", "-5", "0"),
        ("0", "0", "0"),
        ("-1", "100", "0"),
        ("0.01", "0", "1000000"),
        ("1650", "-20", "1000000"),
        ("1e18", "1e-4", "1000000"),
    ],
)
def test_usage_is_a_fraction_and_never_a_division_by_nothing(used: str, equity: str, usage: str) -> None:
    """No margin in use is 0 whatever the equity; margin in use without equity is the worst ratio."""
    assert margin_usage(Decimal(used), Decimal(equity)) == Decimal(usage)


@given(used=MONEY, equity=MONEY)
def test_usage_stays_between_nothing_and_the_worst(used: Decimal, equity: Decimal) -> None:
    """Whatever the venue says, the ratio lies within 0 and the worst ratio."""
    assert 0 <= margin_usage(used, equity) <= WORST_RATIO
