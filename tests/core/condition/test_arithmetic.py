"""Reckoning with unknowns."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marginwatch.core.condition.arithmetic import OPERATIONS, absolute, negative

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)


@given(AMOUNTS, AMOUNTS)
def test_sums_and_products_of_amounts_are_exact(left: Decimal, right: Decimal) -> None:
    """Nothing is rounded that money could notice."""
    for sign, exact in (("+", Fraction.__add__), ("-", Fraction.__sub__), ("*", Fraction.__mul__)):
        found = OPERATIONS[sign](left, right)
        assert found is not None
        assert Fraction(found) == exact(Fraction(left), Fraction(right))


@given(AMOUNTS, AMOUNTS)
def test_a_quotient_is_right_to_many_digits(left: Decimal, right: Decimal) -> None:
    """Division is rounded only beyond 30 digits."""
    assume(right != 0)
    found = OPERATIONS["/"](left, right)
    assert found is not None
    assert abs(Fraction(found) * Fraction(right) - Fraction(left)) <= abs(Fraction(left)) / 10**30


@pytest.mark.parametrize(
    ("sign", "left", "right"),
    [("/", "1", "0"), ("/", "0", "0"), ("*", "1e6000", "1e6000"), ("+", "Infinity", "-Infinity"), ("+", "sNaN", "1")],
)
def test_what_has_no_result_is_unknown(sign: str, left: str, right: str) -> None:
    """Division by zero, overflow and undefined operations give no number and raise nothing."""
    assert OPERATIONS[sign](Decimal(left), Decimal(right)) is None


@pytest.mark.parametrize("sign", OPERATIONS)
def test_unknown_in_gives_unknown_out(sign: str) -> None:
    """Nothing can be reckoned with what is not known."""
    assert OPERATIONS[sign](None, Decimal(1)) is None
    assert OPERATIONS[sign](Decimal(1), None) is None
    assert negative(None) is None
    assert absolute(None) is None


def test_no_setting_of_the_process_changes_a_result() -> None:
    """The precision and traps of the surrounding decimal context have no say."""
    with localcontext(Context(prec=2, traps=[])):
        assert OPERATIONS["+"](Decimal("1000.01"), Decimal("0.001")) == Decimal("1000.011")
        assert OPERATIONS["/"](Decimal(1), Decimal(0)) is None
        assert str(negative(Decimal("-1000.01"))) == "1000.01"
        assert str(absolute(Decimal("-1000.01"))) == "1000.01"
