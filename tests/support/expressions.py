"""A small catalogue, and strategies that write random expressions and the values they read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from hypothesis import strategies as st

from marginwatch.core.condition import Checked, Fault, Scene, Scope, check, every_name, parse
from marginwatch.core.condition.functions import WINDOWS
from marginwatch.core.fields import Catalogue, Field, Unit, catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.condition import Node
    from marginwatch.core.model import Value
    from marginwatch.core.rule import RuleKind

_Choice = TypeVar("_Choice")


def field(name: str, unit: Unit, *values: str, call: str = "summary") -> Field:
    return Field(name, unit, f"{call}:{name}", f"The {name}.", values=values)


STATUSES: Final = ("FULL", "CLOSE_ONLY", "DISABLED")
SMALL: Final[Catalogue] = catalogue(
    "small",
    [
        *(field(name, Unit.MONEY) for name in ("equity", "cash", "margin_used", "openCall.federalCall")),
        field("margin_usage", Unit.RATIO),
        field("leverage", Unit.RATIO),
        field("in_margin_call", Unit.FLAG),
        field("trading_enabled", Unit.FLAG),
        field("trading_status", Unit.TEXT, *STATUSES),
        field("currency", Unit.TEXT),
        field("permissions", Unit.SET, "view", "trade"),
        field("age", Unit.DURATION),
        field("timestamp", Unit.TIME),
        field("margin_calls", Unit.COUNT),
    ],
    [
        field("symbol", Unit.TEXT, call="positions"),
        field("quantity", Unit.QUANTITY, call="positions"),
        field("price", Unit.PRICE, call="positions"),
        field("unrealized_pnl", Unit.MONEY, call="positions"),
        field("closing", Unit.FLAG, call="positions"),
    ],
)
ABSENT: Final = frozenset({"fedCallAmount", "in_stop_out", "house_usage", "position.liquidation_price"})
"""Names another venue has."""
NAMES: Final = every_name([SMALL]) | ABSENT


def parsed(text: str) -> Node:
    node = parse(text)
    assert not isinstance(node, Fault), f"{text}: {node}"
    return node


def checked(text: str, scope: Scope = "account", kind: RuleKind | None = None) -> Checked:
    return check(parsed(text), SMALL, NAMES, scope=scope, kind=kind, calendar="us-futures")


def right(text: str, scope: Scope = "account") -> Node:
    """The pruned tree of an expression that has no fault and applies."""
    found = checked(text, scope)
    assert found.node is not None, f"{text}: {found.faults}"
    return found.node


class _Writer:
    """Writes one sentence of the grammar after another, brackets only where they are drawn.

    `place` is where the sentence stands: for an `account`, for one that is `watched` over time, a `position`, under a
    function of `change`, or in `python` too, which shares only a part of the language.
    """

    def __init__(self, draw: st.DrawFn, place: str) -> None:
        self._draw = draw
        self._place = place
        self._whole = place in {"account", "watched"}

    def condition(self, depth: int) -> str:
        return " or ".join(self._both(depth) for _ in range(self._pick(1, 1, 2)))

    def number(self, unit: Unit, depth: int) -> str:
        more = range(self._pick(0, 0, 1, 2) if depth > 0 else 0)
        return self._term(unit, depth) + "".join(f" {self._pick('+', '-')} {self._term(unit, depth - 1)}" for _ in more)

    def _both(self, depth: int) -> str:
        return " and ".join(
            self._pick("", "", "not ", "not not ") + self._truth(depth) for _ in range(self._pick(1, 2))
        )

    def _truth(self, depth: int) -> str:
        if depth <= 0:
            return self._flag()
        ways = [self._relation, self._relation, self._bracketed]
        if self._place != "python":
            ways += [self._member, self._equal]
        if self._whole:
            ways += [self._changing, self._quantified]
        return self._pick(*ways)(depth - 1)

    def _bracketed(self, depth: int) -> str:
        return f"({self.condition(depth)})"

    def _relation(self, depth: int) -> str:
        unit = self._pick(Unit.MONEY, Unit.RATIO) if self._place != "python" else Unit.MONEY
        pairs = range(self._pick(1, 1, 2))
        more = "".join(f" {self._pick('<', '<=', '>', '>=', '==', '!=')} {self.number(unit, depth)}" for _ in pairs)
        return self.number(unit, depth) + more

    def _member(self, depth: int) -> str:
        among = self._pick('("FULL", "CLOSE_ONLY")', '["DISABLED"]', '{"FULL", "DISABLED",}')
        held = self._pick("permissions", "prior(permissions)") if self._whole else "permissions"
        operator = self._pick("in", "not in")
        flag = f"{self._flag()} {operator} (true, false)" if depth else f'"trade" {operator} {held}'
        return self._pick(f"trading_status {operator} {among}", f'"trade" {operator} {held}', flag)

    def _equal(self, depth: int) -> str:
        sides = (self._flag(), self._bracketed(depth))
        left, right = self._pick(sides, sides[::-1])
        return self._pick(f"{left} == {right}", f"{left} != {right}", 'trading_status == "FULL"', "currency != 'USD'")

    def _changing(self, depth: int) -> str:
        inner = _Writer(self._draw, "change")
        function = self._pick("changed", "increased", "decreased")
        if function == "changed" and self._pick(True, False):
            read = self._pick("permissions", "trading_status", f"({inner.condition(depth)}) == in_margin_call")
            return f"changed({read})"
        unit, field = self._pick((Unit.MONEY, "equity"), (Unit.RATIO, "margin_usage"))
        return f"{function}({field} + {inner.number(unit, depth)})"

    def _quantified(self, depth: int) -> str:
        inner = _Writer(self._draw, "position")
        worth = f"position.quantity * position.price > {inner.number(Unit.MONEY, 0)}"
        return f"{self._pick('any', 'all')}({inner.condition(depth)} {self._pick('or', 'and')} {worth})"

    def _term(self, unit: Unit, depth: int) -> str:
        factor = self._factor(unit, depth)
        if depth <= 0:
            return factor
        if self._place == "python":
            return factor + self._pick("", " * 3", " * 2 * -3")
        if unit is Unit.RATIO and self._pick(True, False):
            return f"{self._pick('cash', 'equity')} / {self._pick('margin_used', 'abs(equity)')}"
        if unit is Unit.MONEY and self._pick(True, False):
            return f"{self._pick('cash', '2 * equity')} {self._pick('*', '/')} {self._factor(Unit.RATIO, depth)}"
        return factor + self._pick("", " / 7", " * 1.5 / -2")

    def _factor(self, unit: Unit, depth: int) -> str:
        ways = ["leaf", "leaf", "-", "()", "abs"] if depth > 0 else ["leaf"]
        if depth > 0 and self._whole:
            ways.append("prior")
        if depth > 0 and self._place == "watched":
            ways += ["window", "window"]
        match self._pick(*ways):
            case "-":
                return f"-{self._factor(unit, depth - 1)}"
            case "()":
                return f"({self.number(unit, depth - 1)})"
            case "abs":
                return f"abs({self.number(unit, depth - 1)})"
            case "prior":
                field = "equity" if unit is Unit.MONEY else "leverage"
                return f"prior({_Writer(self._draw, 'change').number(unit, 1)} + {field})"
            case "window":
                return self._window(unit)
            case _:
                return self._leaf(unit)

    def _window(self, unit: Unit) -> str:
        function = self._pick(*sorted(WINDOWS))
        window = self._pick("30s", "2m", "1h", "1d" if function == "rate" else "session")
        field = "equity" if unit is Unit.MONEY else "leverage"
        return f'{function}({_Writer(self._draw, "change").number(unit, 1)} + {field}, "{window}")'

    def _leaf(self, unit: Unit) -> str:
        if unit is Unit.RATIO:
            return self._pick("margin_usage", "leverage", "80%", "0.5%", "0%")
        money = ["equity", "cash", "margin_used", "0", "5", "50_000"]
        if self._place != "python":
            money += ["openCall.federalCall", "1.5"]
        if self._place == "position":
            money.append("position.unrealized_pnl")
        return self._pick(*money)

    def _flag(self) -> str:
        flags = ["in_margin_call", "trading_enabled", "True", "False"]
        if self._place != "python":
            flags += ["true", "false"]
        if self._place == "position":
            flags.append("position.closing")
        return self._pick(*flags)

    def _pick(self, *choices: _Choice) -> _Choice:
        return self._draw(st.sampled_from(choices))


@st.composite
def conditions(draw: st.DrawFn, place: str = "account") -> str:
    """The text of a condition."""
    return _Writer(draw, place).condition(3)


@st.composite
def numbers(draw: st.DrawFn, unit: Unit = Unit.MONEY, place: str = "account") -> str:
    """The text of an expression with a number's value."""
    return _Writer(draw, place).number(unit, 3)


_TAMED = [Decimal(number) for number in (0, 5, -5, 7, 300, 1_500, 50_000, -50_000)]
_DECIMALS: Final = st.one_of(
    st.sampled_from([Decimal("0.8"), Decimal("0.005"), *_TAMED]),
    st.sampled_from([Decimal("1e6143"), Decimal("-1e6143"), Decimal("1e-6143"), *_TAMED]),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-100_000, max_value=100_000),
)
_OF_UNIT: Final[dict[Unit, st.SearchStrategy[Value]]] = {
    Unit.FLAG: st.booleans(),
    Unit.TEXT: st.sampled_from([*STATUSES, "USD", "LONG_ONLY"]),
    Unit.SET: st.frozensets(st.sampled_from(["view", "trade", "list"])),
    Unit.TIME: st.sampled_from([datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (9, 14)]),
}


@st.composite
def _rows(draw: st.DrawFn, fields: Mapping[str, Field]) -> dict[str, Value]:
    """A value for every field, but for a few that are null or missing."""
    row = {name: draw(_OF_UNIT.get(known.unit, _DECIMALS)) for name, known in fields.items()}
    some = st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True)
    row |= dict.fromkeys(draw(st.just([]) | some))
    for name in draw(st.just([]) | some):
        del row[name]
    return row


histories: Final = st.lists(_rows(SMALL.fields), min_size=1, max_size=5)
"""What an account's fields were, observation by observation."""
_positions: Final = st.lists(_rows(SMALL.positions), max_size=3)
scenes: Final = st.builds(
    Scene,
    fields=_rows(SMALL.fields),
    prior=_rows(SMALL.fields),
    positions=st.one_of(_positions, _positions, _positions, st.none()),
    position=_rows(SMALL.positions),
)
"""What an expression can see: mostly values, some of them extreme, some null or missing."""
