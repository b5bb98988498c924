"""Message templates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.fields import Unit
from marginwatch.core.model import Severity
from marginwatch.core.template import Placeholder, Printable, Template, TemplateFault, misfit, parse

VALUES: dict[str, Printable] = {
    "account": "STONEX:000000/JDoe",
    "margin_usage": Decimal("0.8234"),
    "margin_excess": Decimal("4105.59"),
    "currency": "USD",
    "openCall.federalCall": Decimal("1E+3"),
    "in_margin_call": True,
    "trading_enabled": False,
    "severity": Severity.CRITICAL,
    "permissions": frozenset({"view", "list"}),
    "nothing_granted": frozenset(),
    "as_of": datetime(2025, 5, 15, 22, 32, 21, 222906, tzinfo=UTC),
    "equity": None,
    "day_pnl": Decimal("-0.3"),
}


def template(text: str) -> Template:
    parsed = parse(text)
    assert isinstance(parsed, Template)
    return parsed


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("no names", "no names"),
        (
            "{account}: margin usage {margin_usage:.1%}, {margin_excess:,.0f} {currency} left",
            "STONEX:000000/JDoe: margin usage 82.3%, 4,106 USD left",
        ),
        ("{openCall.federalCall} {openCall.federalCall:,.2f}", "1000 1,000.00"),
        ("{margin_usage} {margin_usage:+.2%} {margin_usage: .1f}", "0.8234 +82.34%  0.8"),
        ("{in_margin_call} {trading_enabled}", "yes no"),
        ("{severity} {permissions} {nothing_granted}", "critical list, view none"),
        ("{as_of} {as_of:%H:%M}", "2025-05-15 22:32:21 UTC 22:32"),
        ("{account:s}", "STONEX:000000/JDoe"),
        ("{{{account}}} }}{{", "{STONEX:000000/JDoe} }{"),
        ("{day_pnl:,.0f}", "0"),
    ],
)
def test_each_kind_of_value_prints_as_people_write_it(text: str, rendered: str) -> None:
    """Every kind of value has a plain form and the formats that suit it; nothing rounds to minus zero."""
    assert template(text).render(VALUES) == rendered


@pytest.mark.parametrize("text", ["{equity}", "{equity:,.0f}", "{never_answered:.1%}"])
def test_a_null_or_missing_value_prints_unknown(text: str) -> None:
    """What is not known is said to be unknown, whatever its format."""
    assert template(text).render(VALUES) == "unknown"


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{day_pnl:,.2f} {currency} left", "-0.30 left"),
        ("{currency} {day_pnl:,.2f}", "-0.30"),
        ("in {currency}.", "in ."),
    ],
)
def test_an_unknown_currency_leaves_no_hole(text: str, rendered: str) -> None:
    """Where the venue names no currency the amount stands alone, without a doubled space."""
    assert template(text).render({**VALUES, "currency": None}) == rendered


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("{account:.1%}", "STONEX:000000/JDoe"),
        ("{in_margin_call:,.0f}", "yes"),
        ("{margin_usage:%H:%M}", "0.8234"),
        ("{as_of:,.0f}", "2025-05-15 22:32:21 UTC"),
    ],
)
def test_a_format_that_does_not_suit_is_ignored(text: str, rendered: str) -> None:
    """A message goes out in its plain form rather than not at all."""
    assert template(text).render(VALUES) == rendered


def test_a_time_is_printed_in_its_own_zone() -> None:
    """Whoever renders chooses the zone; the plain form names it."""
    east = datetime(2025, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2), "EET"))
    assert template("{since} {since:%H:%M}").render({"since": east}) == "2025-01-01 01:00:00 EET 01:00"


@pytest.mark.parametrize("number", ["1E+9999", "-1E-9999", "NaN", "-Infinity"])
def test_an_absurd_number_does_not_fill_the_message(number: str) -> None:
    """A number with thousands of digits is printed in its short form."""
    assert template("{x:,.2f}").render({"x": Decimal(number)}) == str(Decimal(number))


@pytest.mark.parametrize(
    ("text", "offset", "what"),
    [
        ("usage {margin_usage", 6, "this `{` has no partner"),
        ("usage margin_usage}", 18, "this `}` has no partner"),
        ("{a{b}}", 0, "this `{` has no partner"),
        ("x {}", 2, "there is no name between the braces"),
        ("x { :.1%}", 2, "there is no name between the braces"),
        ("{equity.__class__!r}", 0, "`equity.__class__!r` is not the plain name of a field"),
        ("{0}", 0, "`0` is not the plain name of a field"),
        ("{values[0]}", 0, "`values[0]` is not the plain name of a field"),
        ("{equity!r:>9}", 0, "`equity!r` is not the plain name of a field"),
        ("{ equity }", 0, "` equity ` is not the plain name of a field"),
        ("{equity:>999999999}", 0, "`>999999999` is not a format"),
        ("{equity:.1%%}", 0, "`.1%%` is not a format"),
    ],
)
def test_what_is_no_template_is_told_with_its_place(text: str, offset: int, what: str) -> None:
    """Only plain names with a plain format are taken: no index, attribute, conversion or width."""
    fault = parse(text)
    assert isinstance(fault, TemplateFault)
    assert (fault.offset, fault.what) == (offset, what)
    assert fault.length > 0


def test_placeholders_are_listed_with_their_places() -> None:
    """A rule file's check sees every name, its format and where it stands."""
    assert template("a {b:,} {{c}} {d.e}").placeholders == (Placeholder("b", ",", 2, 5), Placeholder("d.e", "", 14, 5))


@pytest.mark.parametrize(
    ("spec", "unit", "sentence"),
    [
        ("", Unit.TEXT, ""),
        (".1%", Unit.RATIO, ""),
        (",.0f", Unit.MONEY, ""),
        ("", Unit.DURATION, ""),
        ("%H:%M", Unit.TIME, ""),
        ("", Unit.TIME, ""),
        (".1f", Unit.TIME, "the format `.1f` does not suit x, which is a time"),
        (".1%", Unit.TEXT, "the format `.1%` does not suit x, which is text"),
        (",", Unit.FLAG, "the format `,` does not suit x, which is true or false"),
        (".1f", Unit.SET, "the format `.1f` does not suit x, which is a set of words"),
        ("%H", Unit.MONEY, "the format `%H` does not suit x, which is a number"),
        ("s", Unit.MONEY, "the format `s` does not suit x, which is a number"),
    ],
)
def test_a_format_is_held_against_the_unit(spec: str, unit: Unit, sentence: str) -> None:
    """A format that cannot suit the value is found before the first message."""
    assert misfit(Placeholder("x", spec, 0, 1), unit) == sentence


ANY_VALUE = st.one_of(
    st.none(),
    st.decimals(),
    st.booleans(),
    st.text(),
    st.datetimes(timezones=st.just(UTC)),
    st.frozensets(st.text()),
    st.sampled_from(Severity),
)


@given(st.one_of(st.text(), st.from_regex(r"\{x:[-+ ]?[,.%a-zA-Z0-9]*\}", fullmatch=True)), ANY_VALUE)
def test_any_text_parses_or_is_told_and_any_value_prints(text: str, value: Printable) -> None:
    """No template and no value can stop a message."""
    parsed = parse(text)
    if isinstance(parsed, Template):
        rendered = parsed.render(dict.fromkeys((part.name for part in parsed.placeholders), value))
        assert isinstance(rendered, str)
        assert parsed.placeholders or rendered == text.replace("{{", "{").replace("}}", "}")
