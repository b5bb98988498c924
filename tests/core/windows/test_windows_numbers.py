"""Numbers kept in little memory come back as they were given."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.windows.numbers import Numbers

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9)
ANY = st.one_of(
    AMOUNTS,
    AMOUNTS,
    AMOUNTS,
    st.integers(-5, 5).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([Decimal(text) for text in ("1e6143", "-1e6143", "1e-6143", "0E-30", "-0", "9223372036854775808")]),
)


@given(st.lists(st.one_of(ANY, st.integers(0, 3)), max_size=40))
def test_what_is_added_comes_back(steps: list[Decimal | int]) -> None:
    """In its order and equal to the last digit, whatever was added and dropped before; a whole number drops so many."""
    numbers, plain = Numbers(), list[Decimal]()
    for step in steps:
        if isinstance(step, int):
            numbers.drop(step)
            del plain[:step]
        else:
            numbers.append(step)
            plain.append(step)
        assert list(numbers) == plain
        assert len(numbers) == len(plain)


@pytest.mark.parametrize(
    ("given", "bytes_each"),
    [(["100.25", "7", "-3.1"], 9), (["1", "0.123456789012345678901"], 113)],
    ids=["amounts", "too many digits"],
)
def test_what_they_take(given: list[str], bytes_each: int) -> None:
    """Amounts take eight bytes each; what does not fit takes what it is."""
    numbers = Numbers()
    for number in range(9_999):
        numbers.append(Decimal(given[number % len(given)]) + 0)
    kept = numbers._as_given or ()
    size = sys.getsizeof(numbers._scaled) + sys.getsizeof(kept) + sum(map(sys.getsizeof, kept))
    assert size / 9_999 <= bytes_each * 1.15
