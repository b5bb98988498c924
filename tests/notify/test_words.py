"""Times, ages, numbers and differences in words."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.fields import Unit
from marginwatch.notify.words import against, amount, clean, clip, plain, sentence, span


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=-5), "0 s"),
        (timedelta(milliseconds=900), "0 s"),
        (timedelta(seconds=12), "12 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(hours=3), "3 h"),
        (timedelta(hours=3, minutes=5, seconds=59), "3 h 5 min"),
        (timedelta(days=2, minutes=30), "2 d"),
        (timedelta(days=2, hours=1), "2 d 1 h"),
    ],
)
def test_a_length_of_time_reads_in_its_two_largest_units(length: timedelta, words: str) -> None:
    """Smaller units than the second are left out, and so is a zero."""
    assert span(length) == words


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        ("0.9", Unit.RATIO, "90%"),
        ("0.92149", Unit.RATIO, "92.1%"),
        ("-0.0001", Unit.RATIO, "0%"),
        ("1234567.8", Unit.MONEY, "1,234,567.80 USD"),
        ("5000", Unit.MONEY, "5,000 USD"),
        ("-12.345", Unit.MONEY, "-12.34 USD"),
        ("1.08345", Unit.PRICE, "1.08345"),
        ("3.000", Unit.QUANTITY, "3"),
        ("1E+3", Unit.COUNT, "1,000"),
        ("900", Unit.DURATION, "15 min"),
    ],
)
def test_a_number_reads_by_its_unit(value: str, unit: Unit, words: str) -> None:
    """Ratios as percent, money with cents and currency, the rest with the digits it has."""
    assert amount(Decimal(value), unit, "USD") == words


@pytest.mark.parametrize(
    ("value", "limit", "unit", "texts"),
    [
        ("0.921", "0.9", Unit.RATIO, ("92.1%", "90%", "2.1 points above")),
        ("0.91", "0.9", Unit.RATIO, ("91%", "90%", "1 point above")),
        ("0.9", "0.9", Unit.RATIO, ("90%", "90%", "exactly at")),
        ("0.90004", "0.9", Unit.RATIO, ("90.004%", "90%", "0.004 points above")),
        ("4600", "5000", Unit.MONEY, ("4,600 EUR", "5,000 EUR", "400 EUR below")),
        ("4999.999", "5000", Unit.MONEY, ("4,999.999 EUR", "5,000 EUR", "0.001 EUR below")),
        ("61", "60", Unit.DURATION, ("1 min 1 s", "1 min", "1 s above")),
    ],
)
def test_a_value_that_differs_from_its_limit_looks_different(
    value: str, limit: str, unit: Unit, texts: tuple[str, str, str]
) -> None:
    """As many digits are shown as it takes to see on which side of the limit the value is."""
    assert against(Decimal(value), Decimal(limit), unit, "EUR") == texts


@pytest.mark.parametrize(
    ("operator", "words"), [(">", "not above"), ("<", "not below"), (">=", "exactly at"), ("<=", "exactly at")]
)
def test_a_value_that_is_its_limit_is_on_one_side_of_it(operator: str, words: str) -> None:
    """Where it does not cross it, that is said; zero is no exception."""
    for at in (Decimal(0), Decimal("0.9"), Decimal(-5)):
        assert against(at, at, Unit.RATIO, operator=operator)[2] == words


@given(
    value=st.decimals(-(10**12), 10**12, places=10),
    limit=st.decimals(-(10**12), 10**12, places=10),
    unit=st.sampled_from([Unit.RATIO, Unit.MONEY, Unit.PRICE, Unit.COUNT]),
)
def test_two_different_numbers_never_read_the_same(value: Decimal, limit: Decimal, unit: Unit) -> None:
    """A message never says that something is above a limit while showing the two as equal."""
    shown, bound, gap = against(value, limit, unit)

    assert (shown == bound) == (value == limit)
    assert gap.endswith("exactly at" if value == limit else "above" if value > limit else "below")


def test_words_from_outside_stay_on_one_line() -> None:
    """Line breaks and control characters become single spaces."""
    assert clean("a\r\n b\x1b[31m\tc\u2028d ") == "a b [31m c d"


def test_what_is_cut_shows() -> None:
    """A text that is too long ends in an ellipsis, within its length."""
    assert [clip("abcdef", 6), clip("abcdefg", 6), clip("abcd efg", 6)] == ["abcdef", "abcde…", "abcd…"]


def test_sentences_have_one_full_stop() -> None:
    """Whether or not the words came with one."""
    assert [sentence("it works."), sentence("it works")] == ["It works.", "It works."]
    assert sentence("no field is named eqity; did you mean equity?").endswith("equity?")


def test_numbers_for_machines_have_no_exponent() -> None:
    """All digits, no grouping; nothing for no number."""
    assert [plain(Decimal("1E-7")), plain(Decimal("12E+4")), plain(None)] == ["0.0000001", "120000", ""]
