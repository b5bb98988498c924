"""Text that was not written to be an expression."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marginwatch.core.condition import Fault, Scene, check, compile_value, interpret, parse
from marginwatch.core.condition.cursor import MAX_DEPTH
from marginwatch.core.condition.functions import FUNCTIONS, WINDOWS
from marginwatch.core.condition.lexer import KEYWORDS, MAX_LENGTH
from support.expressions import NAMES, SMALL, parsed, right, scenes

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = sorted({*NAMES, *FUNCTIONS, *WINDOWS, *KEYWORDS, "None", "lambda", "__class__", "5", "80%", "'15m'", '"FULL"'})
SIGNS = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "+",
    "-",
    "*",
    "/",
    "<",
    "<=",
    "==",
    "!=",
    "=",
    "%",
    ".",
    "**",
    "#",
    "\\",
    "é",
]


@given(st.text(max_size=200))
@example("\0")
@example("\ud800")
@example("'" + "\U0001f600")
def test_any_text_is_an_expression_or_a_fault(text: str) -> None:
    """Reading never fails otherwise, and a fault's place lies in the text."""
    found = parse(text)
    if isinstance(found, Fault):
        assert 0 <= found.offset <= found.offset + found.length <= len(text)
        assert found.what


@given(st.lists(st.sampled_from(WORDS + SIGNS), max_size=30).map(" ".join), scenes)
def test_a_soup_of_our_own_words_is_evaluated_or_a_fault(text: str, scene: Scene) -> None:
    """Whatever passes the checks can be compiled, and means what it says."""
    node = parse(text)
    found = None if isinstance(node, Fault) else check(node, SMALL, NAMES)
    if found is not None and found.node is not None:
        assert compile_value(found.node)(scene.fields, scene.prior, scene.positions) == interpret(found.node, scene)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "equity.__class__.__mro__",
        "equity.__class__()",
        "().__class__.__bases__[0].__subclasses__()",
        "[x for x in (1, 2)]",
        "{x: 1}",
        "(lambda: 1)()",
        "lambda: 1",
        "f'{equity}'",
        "b'x' == currency",
        "r'x' == currency",
        "'a' 'b' == currency",
        "equity[0] > 1",
        "equity if cash else margin_used",
        "equity := 5",
        "9**9**9**9 > equity",
        "equity // 2 > 1",
        "equity % 2 > 1",
        "~equity > 1",
        "equity << 2 > 1",
        "equity @ cash > 1",
        "1e999999999 > equity",
        "0x10 > equity",
        "0b1 > equity",
        "1j > equity",
        "1__0 > equity",
        "1_ > equity",
        "1. > equity",
        "9" * 81 + " > equity",
        "NaN > equity",
        "equity > Infinity",
        "equity > \0 1",
        "еquity > 1",  # noqa: RUF001  (a Cyrillic letter is the point)
        "equity > ٣",
        "equity > 1 # cash",
        "equity > 1; cash",
        "equity > 1 \\\n and cash > 1",
        "equity\u00a0> 1",
        "print(equity)",
        "open('/etc/passwd')",
        "abs(equity, cash)",
        "abs(*equity)",
        "abs(x=equity)",
        "abs()",
        "abs",
        "any(x for x in position.price)",
        "not",
        "equity in",
        "equity not cash",
        "equity > > cash",
        "(equity > 1",
        "equity > 1)",
        "currency in ()",
        "currency in (currency, 'USD')",
        "currency in [equity]",
        "currency in ('USD'",
        "currency in ['USD')",
        "currency in {'USD': 1}",
        "[1] == 1",
        "(1, 2) == 1",
        "abs([1])",
        "currency in 'USD' in ('USD')",
        "equity < (cash < margin_used < 5) < 5",
        "equity is None",
        "None == equity",
        "NOT in_margin_call",
        "true == TRUE",
        "currency == 'USD",
        "currency == \"USD'",
        "min(equity, '30m', '1h') > 5",
        "",
        " \n\t ",
        "x" * 81,
    ],
)
def test_what_is_no_expression_is_a_fault(text: str) -> None:
    """Python beyond the language, and words beyond Python, are refused when the rule is loaded, with a reason."""
    found = parse(text)
    if not isinstance(found, Fault):
        faults = check(found, SMALL, NAMES).faults
        assert faults
        found = faults[0]
    assert found.what
    assert found.offset + found.length <= len(text)


@pytest.mark.parametrize(
    "nest",
    [
        lambda depth: "(" * depth + "equity" + ")" * depth + " > 1",
        lambda depth: "not " * depth + "in_margin_call",
        lambda depth: "-" * depth + "equity > 1",
        lambda depth: "abs(" * depth + "equity" + ")" * depth + " > 1",
        lambda depth: "(in_margin_call or trading_enabled and not " * depth + "in_margin_call" + ")" * depth,
        lambda depth: "(in_margin_call == " * depth + "in_margin_call" + ")" * depth,
        lambda depth: "(equity + 2 * " * depth + "equity" + ")" * depth + " > 1",
    ],
)
def test_depth_is_bounded_and_all_within_can_be_compiled(nest: Callable[[int], str]) -> None:
    """The deepest expression allowed compiles; a deeper one is a fault, not a crash of ours or of Python's parser."""
    deepest = next(depth for depth in range(MAX_DEPTH, 0, -1) if not isinstance(parse(nest(depth)), Fault))
    assert deepest >= MAX_DEPTH // 2
    compile_value(right(nest(deepest)))
    for depth in (deepest + 1, 100, 100_000):
        assert isinstance(parse(nest(depth)), Fault)


@pytest.mark.parametrize("sign", [" + ", " - ", " * ", " / "])
def test_a_long_sum_is_no_deep_one(sign: str) -> None:
    """As many terms as fit into the length are compiled."""
    text = sign.join(["age"] + ["2"] * ((MAX_LENGTH - 12) // 4)) + " > '1s'"
    if sign in (" + ", " - "):
        text = text.replace("2", "0")
    node = right(text)
    assert compile_value(node)({}, {}, None) is None


def test_too_long_is_a_fault() -> None:
    """An expression has a greatest length."""
    text = "equity > 1 or " * MAX_LENGTH
    found = parse(text)
    assert isinstance(found, Fault)
    assert "characters" in found.what


def test_nothing_of_the_text_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and texts of an expression are constants beside the code, never words of it."""
    seen: list[str] = []
    real = builtins.compile

    def spy(source: str, *args: str) -> object:
        seen.append(source)
        return real(source, *args)

    monkeypatch.setattr(builtins, "compile", spy)
    compile_value(right("trading_status == \"DISABLED\" and equity > 12_345 or currency in ('__import__', 'x')"))
    assert seen
    assert not [word for word in ("DISABLED", "equity", "12345", "12_345", "__import__", "currency") if word in seen[0]]


def test_a_fault_is_told_in_the_words_of_the_rule() -> None:
    """What is said of the first wrong thing names it."""
    assert parse("equity > 1 and and cash") == Fault(15, 3, "a field or a value is expected here, not and")
    assert parsed("equity > 1") is not None
