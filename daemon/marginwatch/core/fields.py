"""The field catalogue: which names a rule may use at a venue, with unit, source and meaning."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CALL: Final = re.compile(r"([^\s:(]+):")
"""The calls in a field's `path`."""

WORST_RATIO: Final = Decimal(1_000_000)
"""The margin usage of an account with margin in use and nothing left to cover it; no ratio is ever above it."""


def margin_usage(used: Decimal, equity: Decimal) -> Decimal:
    """Margin in use as a fraction of equity: 0 when none is in use, `WORST_RATIO` when equity is gone."""
    if used <= 0:
        return Decimal(0)
    return WORST_RATIO if equity <= 0 else min(used / equity, WORST_RATIO)


class Unit(enum.StrEnum):
    """The unit of a field or of an expression."""

    RATIO = "ratio"
    """A fraction of one; written with a percent sign."""
    MONEY = "money"
    PRICE = "price"
    QUANTITY = "quantity"
    COUNT = "count"
    FLAG = "flag"
    TEXT = "text"
    TIME = "time"
    DURATION = "duration"
    """Seconds as Decimal; written as a quoted duration, `"15m"`."""
    SET = "set"
    """A set of words, for example the granted permissions."""


@dataclass(frozen=True, slots=True)
class Field:
    """One name a rule may use at a venue."""

    name: str
    """As written in rules: a common name (`margin_used`), a vendor name (`fedCallAmount`) or a reply path
    (`openCall.accumFedAmount`)."""
    unit: Unit
    path: str
    """Where it stands in the reply, `call:path` (`position-summary:data.fedCallAmount`), or the formula over such."""
    meaning: str
    """One sentence."""
    may_be_absent: bool = False
    """True where the venue may leave it out or send null in a good answer."""
    documented: str = ""
    """The vendor's own name, where it differs from `name`."""
    values: tuple[str, ...] = ()
    """For TEXT with a documented closed list: its values in the vendor's spelling."""
    converted: str = ""
    """For MONEY in a currency of its own: the field that has it in the account's. The two never meet in a rule."""

    @property
    def calls(self) -> frozenset[str]:
        """The calls it comes from."""
        return frozenset(_CALL.findall(self.path))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All names of one venue kind."""

    kind: str
    fields: Mapping[str, Field]
    positions: Mapping[str, Field]
    """Names usable after `position.` and inside `any`/`all`; without the prefix here."""
    defined: Mapping[str, Field] = dataclass_field(default_factory=dict)
    """Names that the venue does not answer and a rule may use all the same: the `path` of each is an expression over
    windows of what it does answer, and stands in the rule in place of the name."""

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields.values())

    def get(self, name: str) -> Field | None:
        """The scalar field of that name, or None when it is absent at this venue."""
        return self.fields.get(name)


def catalogue(kind: str, fields: list[Field], positions: list[Field], defined: list[Field] | None = None) -> Catalogue:
    """Build a catalogue, refusing a name declared twice (a programming error of a venue plug-in)."""
    defined = defined or []
    _by_name(kind, [*fields, *defined])
    return Catalogue(kind, _by_name(kind, fields), _by_name(kind, positions), _by_name(kind, defined))


def _by_name(kind: str, fields: list[Field]) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for field in fields:
        if field.name in found:
            msg = f"catalogue of {kind}: the field {field.name} is declared twice"
            raise ValueError(msg)
        found[field.name] = field
    return found


DAY_PNL: Final = Field(
    "day_pnl",
    Unit.MONEY,
    'delta(equity, "session")',
    "The change of equity since the session's open, deposits and withdrawals included.",
)
"""What `day_pnl` is where a venue gives no base to measure a day from."""

COMMON_UNITS: Mapping[str, Unit] = {
    "equity": Unit.MONEY,
    "margin_used": Unit.MONEY,
    "margin_usage": Unit.RATIO,
    "margin_excess": Unit.MONEY,
    "buying_power": Unit.MONEY,
    "cash": Unit.MONEY,
    "unrealized_pnl": Unit.MONEY,
    "realized_pnl": Unit.MONEY,
    "day_pnl": Unit.MONEY,
    "in_margin_call": Unit.FLAG,
    "in_stop_out": Unit.FLAG,
    "call_amount": Unit.MONEY,
    "fed_call": Unit.MONEY,
    "maintenance_call": Unit.MONEY,
    "day_trade_call": Unit.MONEY,
    "trading_status": Unit.TEXT,
    "trading_enabled": Unit.FLAG,
    "permissions": Unit.SET,
    "permissions.list": Unit.FLAG,
    "permissions.view": Unit.FLAG,
    "permissions.trade": Unit.FLAG,
    "permissions.reduce_or_close": Unit.FLAG,
    "permissions.set_limits": Unit.FLAG,
    "currency": Unit.TEXT,
    "age": Unit.DURATION,
}
"""The common names and their units. A venue lacks some; one it has must carry this unit (a test checks it)."""
