"""Durations, levels and distances."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.condition import Amount, Fault, Limit, parse_amount, parse_duration, parse_level, unit_fault
from marginwatch.core.fields import Unit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10s", "10"),
        ("15m", "900"),
        ("2h", "7200"),
        ("1d", "86400"),
        ("1w", "604800"),
        ("250ms", "0.25"),
        ("1h30m", "5400"),
        ("1.5h", "5400"),
        ("0s", "0"),
    ],
)
def test_a_duration_is_seconds(text: str, seconds: str) -> None:
    """Pieces add up."""
    assert parse_duration(text) == Decimal(seconds)


@pytest.mark.parametrize("text", ["", "15", "m", "15 m", "-5m", "1.m", "15min", "1y", "9" * 10 + "s", "\u0661s"])
def test_what_is_no_duration(text: str) -> None:
    """Anything else is not one."""
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("> 80%", Limit(">", Decimal("0.8"), Unit.RATIO)),
        (" >=80% ", Limit(">=", Decimal("0.8"), Unit.RATIO)),
        ("< -5_000.50", Limit("<", Decimal("-5000.50"), None)),
        ("<= - 3%", Limit("<=", Decimal("-0.03"), Unit.RATIO)),
        ("> .5", Limit(">", Decimal("0.5"), None)),
        ("> 15m", Limit(">", Decimal(900), Unit.DURATION)),
        ('> "1h30m"', Limit(">", Decimal(5400), Unit.DURATION)),
        ("> 0", Limit(">", Decimal(0), None)),
    ],
)
def test_a_level(text: str, limit: Limit) -> None:
    """A sign and a number, a percentage or a duration."""
    assert parse_level(text) == limit


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("80%", "a level begins with > >= < or <="),
        ("== 80%", "a level begins with > >= < or <="),
        ("", "a level begins with > >= < or <="),
        (">", "a level begins with > >= < or <="),
        ("> " + "9" * 100, "a level begins with > >= < or <="),
        ("> equity", "equity is not a number"),
        ("> 1e5", "1e5 is not a number"),
        ("> 80 %", "80 % is not a number"),
        ("> > 5", "> 5 is not a number"),
        ("> NaN", "NaN is not a number"),
        ("> '5m", "'5m is not a number"),
    ],
)
def test_what_is_no_level(text: str, what: str) -> None:
    """The fault points at the part that is wrong."""
    fault = parse_level(text)
    assert isinstance(fault, Fault)
    assert fault.what == what
    assert fault.offset + fault.length == len(text)
    assert fault.hint


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("3%", Amount(Decimal("0.03"), Unit.RATIO)),
        (" 500 ", Amount(Decimal(500), None)),
        ("5m", Amount(Decimal(300), Unit.DURATION)),
        ("0", Amount(Decimal(0), None)),
    ],
)
def test_an_amount(text: str, amount: Amount) -> None:
    """A distance to a limit, or between two values."""
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", " is not an amount"),
        ("3 points", "3 points is not an amount"),
        ("-3%", "the amount is a distance, so it cannot be negative"),
        ("x" * 200, f"{'x' * 80} is not an amount"),
    ],
)
def test_what_is_no_amount(text: str, what: str) -> None:
    """Neither a number nor a positive one."""
    fault = parse_amount(text)
    assert isinstance(fault, Fault)
    assert (fault.offset, fault.length, fault.what) == (0, len(text), what)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("> 80%", Unit.RATIO),
        ("> 0", Unit.RATIO),
        ("> 0", Unit.DURATION),
        ("> 500", Unit.MONEY),
        ("> 500", Unit.PRICE),
        ("> 500", Unit.QUANTITY),
        ("> 5", Unit.COUNT),
        ("> 5", None),
        ("> 15m", Unit.DURATION),
    ],
)
def test_a_limit_fits_the_unit_of_the_value(text: str, unit: Unit | None) -> None:
    """A percentage for a ratio, a duration for a duration, a plain number for the rest, zero for all."""
    limit = parse_level(text)
    assert isinstance(limit, Limit)
    assert unit_fault(limit, unit) is None


@pytest.mark.parametrize(
    ("text", "unit", "fault"),
    [
        ("80", Unit.RATIO, Fault(0, 0, "the value is a ratio and this is a plain number", "write 80%")),
        ("0.8", Unit.RATIO, Fault(0, 0, "the value is a ratio and this is a plain number", "write 80%")),
        ("1.5", Unit.RATIO, Fault(0, 0, "the value is a ratio and this is a plain number", "write 150% or 1.5%")),
        ("80%", Unit.MONEY, Fault(0, 0, "the value is money and this is a ratio")),
        ("80%", None, Fault(0, 0, "the value is a plain number and this is a ratio")),
        ("15m", Unit.MONEY, Fault(0, 0, "the value is money and this is a duration")),
        (
            "900",
            Unit.DURATION,
            Fault(0, 0, "the value is a duration and this is a plain number", 'write it like "15m"'),
        ),
    ],
)
def test_a_limit_of_another_unit_is_a_fault(text: str, unit: Unit | None, fault: Fault) -> None:
    """It would be right at no account, so it is refused, with the spelling that was most likely meant."""
    amount = parse_amount(text)
    assert isinstance(amount, Amount)
    assert unit_fault(amount, unit) == fault


@given(st.text(max_size=120))
def test_any_text_is_an_amount_or_a_fault(text: str) -> None:
    """Reading never fails otherwise."""
    assert isinstance(parse_level(text), Limit | Fault)
    assert isinstance(parse_amount(text), Amount | Fault)
