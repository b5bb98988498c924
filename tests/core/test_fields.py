"""The catalogue of a venue's names."""

from __future__ import annotations

import pytest

from marginwatch.core.fields import Field, Unit, catalogue

EQUITY = Field("equity", Unit.MONEY, "summary:equity", "What the account is worth.")
PRICE = Field("price", Unit.PRICE, "positions:price", "The last price.")


def test_a_catalogue_gives_its_fields_by_name() -> None:
    """Only those of the account: a position's are asked for apart."""
    made = catalogue("demo", [EQUITY], [PRICE])

    assert (list(made), dict(made.positions)) == ([EQUITY], {"price": PRICE})
    assert (made.get("equity"), made.get("price")) == (EQUITY, None)


def test_a_name_declared_twice_is_refused() -> None:
    """One of the two would silently never be read."""
    with pytest.raises(ValueError, match="catalogue of demo: the field equity is declared twice"):
        catalogue("demo", [EQUITY, EQUITY], [])
