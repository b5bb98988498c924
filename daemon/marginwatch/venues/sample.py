"""A realistic observation with every field of a catalogue, to try message templates on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.fields import Unit
from marginwatch.core.model import AccountKey, Observation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marginwatch.core.fields import Catalogue, Field
    from marginwatch.core.model import Value

AT: Final = datetime(2025, 5, 15, 22, 32, 21, tzinfo=UTC)
"""When the sample was taken."""

_BY_UNIT: Final[Mapping[Unit, Value]] = {
    Unit.RATIO: Decimal("0.25"),
    Unit.MONEY: Decimal("12500.50"),
    Unit.PRICE: Decimal("101.25"),
    Unit.QUANTITY: Decimal(100),
    Unit.COUNT: Decimal(1),
    Unit.FLAG: True,
    Unit.TEXT: "text",
    Unit.TIME: AT,
    Unit.DURATION: Decimal(2),
    Unit.SET: frozenset({"view"}),
}


def sample(
    catalogue: Catalogue, account: str, fields: Mapping[str, Value], position: Mapping[str, Value], *, timed: bool
) -> Observation:
    """An observation with these values and plausible ones elsewhere; `timed` where the venue dates its data."""
    return Observation(
        account=AccountKey(catalogue.kind, account),
        fetched_at=AT + timedelta(seconds=2),
        as_of=AT if timed else None,
        fields=_filled(catalogue, fields),
        positions=(_filled(catalogue.positions.values(), position),),
    )


def _filled(fields: Iterable[Field], told: Mapping[str, Value]) -> dict[str, Value]:
    return {field.name: told.get(field.name, _plausible(field)) for field in fields}


def _plausible(field: Field) -> Value:
    return field.values[0] if field.values else _BY_UNIT[field.unit]
