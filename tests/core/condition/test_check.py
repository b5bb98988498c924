"""Existence, units, types, and what a venue lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.condition import Fault, check, every_name, names, parse
from marginwatch.core.fields import Unit, catalogue
from marginwatch.core.rule import RuleKind
from support.expressions import ABSENT, NAMES, SMALL, checked, conditions, field, parsed, right

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

WRONG = (
    # fields that are not there, or not there to be read
    ("margin_usag > 80%", ""),
    ("MARGIN_USAGE > 80%", ""),
    ("openCall.federalcall > 0", ""),
    ("zzz > 0", ""),
    ("position.quantity > 0", ""),
    ("position > 0", ""),
    ("any(equity > 0)", ""),
    ("any(position.quantit > 0)", ""),
    ("any(position.quantity > 0 and any(position.price > 0))", ""),
    ("any(position.quantity > 0 and changed(equity))", ""),
    ("changed(position.quantity)", ""),
    ("changed(prior(equity))", ""),
    ("max(margin_usage) > 80%", ""),
    ("sum(equity) < 50_000", ""),
    ("drawdown(sum(equity), '1d') > 5", ""),
    ("changed(5)", ""),
    ("increased(trading_status)", ""),
    # units that do not meet
    ("margin_usage > 80", ""),
    ("margin_usage > 0.8", ""),
    ("margin_usage + 1 > 80%", ""),
    ("1 - margin_usage < 5%", ""),
    ("equity / margin_used < 1.25", ""),
    ("equity / margin_used < leverage * 3 + 2.5", ""),
    ("margin_usage > -3", ""),
    ("equity > 80%", ""),
    ("equity > margin_usage", ""),
    ("equity * cash > 5", ""),
    ("5 / equity > 1", ""),
    ("age * equity > 1", ""),
    ("any(position.price > equity)", ""),
    ("age > 900", ""),
    ('age > "soon"', ""),
    ('equity > "15m"', ""),
    ("timestamp > 5", ""),
    ("timestamp - timestamp > 5", ""),
    # types that do not fit
    ("equity", "condition"),
    ("trading_status", "condition"),
    ("permissions and in_margin_call", ""),
    ("timestamp", "condition"),
    ("5 or in_margin_call", ""),
    ("not (equity + cash)", ""),
    ("in_margin_call + 1 > 5", ""),
    ("-in_margin_call", ""),
    ("abs(trading_status)", ""),
    ("'x' * 3", "ladder"),
    ("in_margin_call", "ladder"),
    ("trading_status", "ladder"),
    ("timestamp", "ladder"),
    ("in_margin_call == 1", ""),
    ("in_margin_call < true", ""),
    ("trading_status > 'FULL'", ""),
    ("permissions < permissions", ""),
    ("permissions == 'trade'", ""),
    ("trading_status == in_margin_call", ""),
    ("trading_status == 5", ""),
    ("trading_status == 'FUL'", ""),
    ("'close_only' == trading_status", ""),
    ("trading_status in ('FULL', 'CLOSED', 'ONLY')", ""),
    ("prior(trading_status) != 'OPEN'", ""),
    ("'traed' in permissions", ""),
    ("5 in permissions", ""),
    ("trading_status in currency", ""),
    ("margin_usage in (80%, 90)", ""),
    ("in_margin_call in (true, 'yes')", ""),
    # windows that are none, and what cannot be seen through one
    ('max(equity, "1 day") > 5', ""),
    ('max(equity, "30 Minutes") > 5', ""),
    ('max(equity, "Sesion") > 5', ""),
    ('max(equity, "today") > 5', ""),
    ('max(equity, "") > 5', ""),
    ('max(equity, "0s") > 5', ""),
    ('max(equity, "32d") > 5', ""),
    ('max(equity, "999999999w") > 5', ""),
    ('rate(equity, "session") > 5', ""),
    ('max(trading_status, "1d") > 5', ""),
    ('max(timestamp, "1d") > 5', ""),
    ('max(equity > 5, "1d") > 5', ""),
    ('max(5, "1d") > 5', ""),
    ('max(equiti, "1 d") > 5', ""),
    ('drawdown(max(equity, "1h"), "1d") > 5', ""),
    ('drawdown(prior(equity), "1d") > 5', ""),
    ('prior(max(equity, "1h")) > 5', ""),
    ('changed(max(equity, "1h"))', ""),
    ('max(position.price, "1d") > 5', ""),
    ('any(max(position.price, "1d") > 5)', ""),
    ('max(equity, "1d") > 80%', ""),
    ('drawdown(margin_usage, "1d") > 5', ""),
    ('delta(equity, "1d")', "event"),
    # events that ask for no change
    ("in_margin_call", "event"),
    ("changed(permissions) or in_margin_call", "event"),
    ("changed(permissions) or (increased(equity) or equity < 0 and in_margin_call)", "event"),
    # several at once
    ("margin_usag > 80 or margin_usage > 80 or equity and cas < 0", ""),
)


def test_what_is_said_of_a_wrong_expression(snapshot: SnapshotAssertion) -> None:
    """Every fault names what is wrong, points at it and, where that is useful, says what to write instead."""
    assert "\n".join(_pointed(text, kind) for text, kind in WRONG) == snapshot


def _pointed(text: str, kind: str) -> str:
    node = parsed(text)
    faults = check(node, SMALL, NAMES, kind=RuleKind(kind) if kind else None).faults
    assert faults, text
    head = f"{text}    (as {kind})" if kind else text
    return "\n".join([head, *(_under(fault) for fault in faults)])


def _under(fault: Fault) -> str:
    return f"{' ' * fault.offset}{'^' * fault.length} {fault.what}" + (f"; {fault.hint}" if fault.hint else "")


def test_what_is_said_of_bad_syntax(snapshot: SnapshotAssertion) -> None:
    """The first word that does not belong is named, with what to write instead of a habit from elsewhere."""
    texts = (
        "equity = 5",
        "equity => 5",
        "equity <> 5",
        "equity > 5 && cash > 5",
        "equity > 5 || cash > 5",
        "!in_margin_call",
        "equity > 80 %",
        "equity ** 2 > 5",
        "equity // 2 > 5",
        "age > 15m",
        "equity > 1e6",
        "equity > 1,000",
        "equity > €5",
        "equity > 5 # enough",
        "trading_status == 'FULL",
        "NOT in_margin_call",
        "in_margin_call is true",
        "equity is None",
        "equity > null",
        "equity > 5 if cash else 6",
        "max(margin_usage, 30m) > 80%",
        "drawdown(equity) > 5",
        "max(margin_usage, session) > 80%",
        "min(equity, cash) > 5",
        "max(equity, '1d', '2d') > 5",
        "drawdown(equity, ) > 5",
        "maximum(equity, '1d') > 5",
        "chnged(equity)",
        "sqrt(equity) > 5",
        "abs(equity, cash) > 5",
        "equity > ",
        "(equity > 5",
        "equity not cash",
        "currency in ()",
        "currency in ('USD', cash)",
        "currency == ['USD']",
        "(1, 2) == equity",
        "f'{equity}'",
        "'USD' in currency in ('USD')",
        "equity < (cash < 5) < 6",
        "",
        "x" * 81,
        "equity > " + "9" * 81,
        "(" * 30,
    )
    assert "\n".join(_first(text) for text in texts) == snapshot


def _first(text: str) -> str:
    fault = parse(text)
    assert isinstance(fault, Fault), text
    return f"{text}\n{_under(fault)}"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("equity", Unit.MONEY),
        ("equity + 5", Unit.MONEY),
        ("5 - equity", Unit.MONEY),
        ("-abs(equity)", Unit.MONEY),
        ("prior(equity)", Unit.MONEY),
        ("equity * margin_usage", Unit.MONEY),
        ("2 * equity", Unit.MONEY),
        ("equity / 2", Unit.MONEY),
        ("equity / 80%", Unit.MONEY),
        ("equity / margin_calls", Unit.MONEY),
        ("equity / cash", Unit.RATIO),
        ("equity / cash * cash", Unit.MONEY),
        ("100% - margin_usage", Unit.RATIO),
        ("margin_usage * 2", Unit.RATIO),
        ("margin_usage / 80%", Unit.RATIO),
        ("0 + margin_usage", Unit.RATIO),
        ("margin_usage - 0", Unit.RATIO),
        ("margin_calls * margin_usage", Unit.RATIO),
        ("margin_calls + 1", Unit.COUNT),
        ("margin_calls * 2", Unit.COUNT),
        ("age + '1h30m'", Unit.DURATION),
        ("'1h' - age", Unit.DURATION),
        ("age / 2", Unit.DURATION),
        ("age / '1m'", Unit.RATIO),
        ("5 / margin_calls", None),
        ("5 * 3 - 1", None),
        ("timestamp", Unit.TIME),
        ("permissions", Unit.SET),
        ("currency", Unit.TEXT),
        ("equity > 0", Unit.FLAG),
        ("max(equity, '1d')", Unit.MONEY),
        ("drawdown(equity, 'session') / first(equity, 'session')", Unit.RATIO),
        ("rate(margin_usage, '1h')", Unit.RATIO),
        ("mean(age, '1h30m')", Unit.DURATION),
        ("delta(margin_calls, '7d')", Unit.COUNT),
    ],
)
def test_the_unit_of_an_expression(text: str, unit: Unit | None) -> None:
    """What is reckoned keeps track of its unit."""
    assert checked(text).unit is unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("position.quantity * position.price", Unit.MONEY),
        ("position.price * position.quantity + equity", Unit.MONEY),
        ("position.unrealized_pnl / position.quantity", Unit.PRICE),
        ("position.unrealized_pnl / position.price", Unit.QUANTITY),
        ("position.price * 2 - 1", Unit.PRICE),
        ("position.quantity - 3", Unit.QUANTITY),
    ],
)
def test_the_unit_of_an_expression_over_a_position(text: str, unit: Unit) -> None:
    """Price by quantity is money, and money by either is the other."""
    assert checked(text, "position").unit is unit


@pytest.mark.parametrize(
    "text",
    [
        "equity > 0 and margin_usage > 0 and age > 0 and 0 < margin_calls and any(position.price != 0)",
        "margin_usage > 80% and 0.5 * margin_usage > leverage and margin_usage in (80%, 0)",
        "age > '15m' and '1h' > age and age in ('1m', '2m')",
        "timestamp == prior(timestamp) or timestamp > prior(timestamp) or increased(timestamp)",
        "currency == 'anything' and trading_status in ('FULL', 'DISABLED') and currency != trading_status",
        "trading_enabled == false and in_margin_call != (equity < 0) and in_margin_call in (true, false)",
        "'trade' in permissions and currency in permissions and 'view' not in prior(permissions)",
        "permissions == prior(permissions)",
        "all(position.quantity > 0 or abs(position.price) * position.quantity < equity * 20%)",
        "changed(equity > 0) or decreased(equity / margin_used)",
        "true",
    ],
)
def test_what_may_be_asked(text: str) -> None:
    """These are conditions with a meaning."""
    found = checked(text, kind=RuleKind.CONDITION)
    assert (found.unit, found.faults) == (Unit.FLAG, ())


@pytest.mark.parametrize("text", ["equity", "100% - margin_usage", "age", "margin_calls", "equity / 2 / equity", "5"])
def test_a_ladder_climbs_a_number(text: str) -> None:
    """Any number will do, whatever its unit."""
    assert checked(text, kind=RuleKind.LADDER).faults == ()


@pytest.mark.parametrize(
    ("text", "pruned"),
    [
        ("fedCallAmount > 0 or in_margin_call", "in_margin_call"),
        ("in_margin_call or trading_enabled or fedCallAmount > 0", "in_margin_call or trading_enabled"),
        ("in_stop_out or fedCallAmount > 0", None),
        ("fedCallAmount > 0 and in_margin_call", None),
        ("(fedCallAmount > 0 and in_margin_call) or trading_enabled", "trading_enabled"),
        ("not in_stop_out", None),
        ("not (in_stop_out or in_margin_call)", "not in_margin_call"),
        ("0 < fedCallAmount < 5", None),
        ("equity + fedCallAmount > 5", None),
        ("equity > 5 * abs(-fedCallAmount)", None),
        ("in_margin_call == in_stop_out", None),
        ("fedCallAmount in (1, 2)", None),
        ("changed(fedCallAmount) or changed(equity)", "changed(equity)"),
        ("increased(equity + fedCallAmount)", None),
        ("prior(in_stop_out) or in_margin_call", "in_margin_call"),
        ("any(position.liquidation_price > 5)", None),
        ("any(position.liquidation_price > 5 or position.price > 5)", "any(position.price > 5)"),
        ("house_usage > 80% or fedCallAmount > margin_usage", None),
    ],
)
def test_what_a_venue_lacks_is_pruned(text: str, pruned: str | None) -> None:
    """`absent or x` is x; everything else that touches what is absent is absent, and absent is no fault."""
    found = checked(text)
    assert found.node == (None if pruned is None else right(pruned))
    assert found.fields == (frozenset() if pruned is None else frozenset(names(right(pruned))))
    assert (found.absent, found.faults) == (pruned is None, ())


@given(conditions(), st.data())
def test_pruning_leaves_only_what_the_venue_has(text: str, data: st.DataObject) -> None:
    """Whatever a venue lacks, a right expression has no fault there, and what is left reads only what it has."""
    kept = data.draw(st.sets(st.sampled_from(sorted(SMALL.fields))))
    poorer = catalogue("poorer", [SMALL.fields[name] for name in sorted(kept)], list(SMALL.positions.values()))
    found = check(parsed(text), poorer, NAMES)
    assert found.faults == ()
    assert found.fields <= every_name([poorer])
    if found.fields == check(parsed(text), SMALL, NAMES).fields:
        assert found.node == right(text)


def test_an_unknown_name_is_a_fault_even_beside_an_absent_one() -> None:
    """A typing error is found at every venue, whatever else is absent there."""
    assert [fault.offset for fault in checked("fedCallAmount > 0 and eqity > 0").faults] == [22]


def test_a_name_of_this_venue_needs_no_other_list() -> None:
    """What the catalogue itself has is known."""
    assert check(parsed("equity > 0"), SMALL, ()).faults == ()


def test_a_rule_of_positions_reads_position_and_account() -> None:
    """With `each = "position"` position fields stand by themselves, beside those of the account."""
    found = checked(
        "position.quantity > 0 and changed(equity) and position.price > equity / position.quantity", "position"
    )
    assert found.fields == {"position.quantity", "position.price", "equity"}


def test_a_rule_of_positions_asks_no_others() -> None:
    """With `each = "position"` there is nothing for `any` and `all` to range over."""
    (fault,) = checked("any(position.quantity > 0)", "position").faults
    assert fault == Fault(
        0,
        26,
        'any cannot stand in a rule with each = "position"',
        "leave it out: the rule is asked of each position by itself",
    )


@pytest.mark.parametrize(
    "text",
    [
        "changed(equity)",
        "in_margin_call and changed(equity)",
        "increased(equity) or decreased(cash)",
        "prior(in_margin_call) and not in_margin_call",
        "prior(trading_status) == 'FULL' and trading_status != 'FULL'",
        "fedCallAmount > 0 or changed(equity)",
    ],
)
def test_an_event_asks_for_a_change(text: str) -> None:
    """Every way in which it can come true holds a look at what was before."""
    assert checked(text, kind=RuleKind.EVENT).faults == ()


def test_names_of_all_venues() -> None:
    """Positions' fields carry their prefix; common names are there once."""
    other = catalogue("other", [field("equity", Unit.MONEY)], [field("id", Unit.TEXT)])
    assert every_name([other]) == {"equity", "position.id"}
    assert every_name([SMALL, other]) == (NAMES - ABSENT) | {"position.id"}
