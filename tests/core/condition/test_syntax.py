"""From text to tree."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.condition import Scene, interpret, names, written
from marginwatch.core.condition.nodes import Name, Number, Text, walk
from marginwatch.core.fields import Unit
from support.expressions import conditions, parsed, right

if TYPE_CHECKING:
    from marginwatch.core.model import Value

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=1000)


@given(conditions(place="python"), AMOUNTS, AMOUNTS, st.booleans())
def test_operators_bind_as_in_python(text: str, equity: Decimal, cash: Decimal, flag: bool) -> None:
    """A sentence that is Python too, read by Python, gives what ours gives: same operators, same precedence."""
    fields: dict[str, Value] = {
        "equity": equity,
        "cash": cash,
        "margin_used": Decimal(7),
        "in_margin_call": flag,
        "trading_enabled": True,
    }
    read_by_python = eval(text, {"__builtins__": {}, "abs": abs}, dict(fields))
    assert interpret(parsed(text), Scene(fields)) is read_by_python


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a < b < c", "a < b and b < c"),
        ("not a == b", "not (a == b)"),
        ("a or b and not c", "a or (b and (not c))"),
        ("a - b - c", "(a - b - c)"),
        ("a + b * c", "a + (b * c)"),
        ("-a * b", "(-a) * b"),
        ("a not in ('x', 'y')", "a not in ['x', 'y',]"),
        ("a in {'x'}", "a in ('x')"),
        ('a == "x"', "a == 'x'"),
        ("a in (b)", "a in b"),
        ("True and a or False", "true and a or false"),
        ("\n a >\t1_000 \r\n", "a > 1000"),
        ("-(-5) < -a", "5 < -(a)"),
        ("a in (-5, 80%, true)", "a in [-5.0, 80.0%, True]"),
    ],
)
def test_two_ways_to_write_one_thing(text: str, same: str) -> None:
    """Brackets, spaces, quotes and notation change nothing but the places."""
    assert parsed(text) == parsed(same)


@given(conditions(place="watched"))
def test_an_expression_written_out_reads_back(text: str) -> None:
    """Its text is another way to write the same."""
    node = parsed(text)
    assert parsed(written(node)) == node


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("in_margin_call in (true,) and not changed( equity)", "(in_margin_call in (true)) and (not changed(equity))"),
        ("currency == 'a\"b' or -(equity+2.50)*-3 < -80 %".replace(" %", "%"), None),
        ("age > '90s'", 'age > "90s"'),
        ("drawdown( equity-cash ,'1d') > 5", 'drawdown(equity - cash, "1d") > 5'),
    ],
)
def test_how_an_expression_is_written_out(text: str, same: str | None) -> None:
    """Brackets stand where they help to read."""
    assert written(parsed(text)) == (same or "(currency == 'a\"b') or ((-(equity + 2.50) * -3) < -80%)")


def test_a_checked_expression_written_out_names_its_calendar() -> None:
    """Two rules that ask for the sessions of different calendars do not share a window."""
    assert written(right('max(equity, "session")')) == 'max(equity, "session of us-futures")'
    assert written(right('age > "1h30m"')) == 'age > "5400s"'


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("80%", "0.80", Unit.RATIO),
        ("0.1", "0.1", None),
        (".5%", "0.005", Unit.RATIO),
        ("50_000.000_1", "50000.0001", None),
        ("12345678901234567890.123456789", "12345678901234567890.123456789", None),
    ],
)
def test_a_number_is_exact(text: str, value: str, unit: Unit | None) -> None:
    """Digits are kept as written and never pass through binary."""
    node = parsed(text)
    assert isinstance(node, Number)
    assert (str(node.value), node.unit) == (value, unit)


def test_a_dotted_name_is_one_field() -> None:
    """Reply paths, positions' fields and permissions are names of fields, read in the order written."""
    text = "openCall.accumFedAmount + equity > position.price - equity and permissions.trade"
    assert names(parsed(text)) == ("openCall.accumFedAmount", "equity", "position.price", "permissions.trade")


def test_places_are_those_of_the_text() -> None:
    """Every node knows the characters it was read from."""
    text = ' "é" in x  or  y >= 80%'
    node = parsed(text)
    found = {text[part.at.offset : part.at.offset + part.at.length] for part in _leaves(text)}
    assert found == {'"é"', "x", "y", "80%"}
    assert text[node.at.offset : node.at.offset + node.at.length] == text.strip()


def _leaves(text: str) -> list[Name | Number | Text]:
    return [node for node in walk(parsed(text)) if isinstance(node, Name | Number | Text)]
