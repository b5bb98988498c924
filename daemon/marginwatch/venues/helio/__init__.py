"""Helio: foreign-exchange and CFD accounts over HTTP (https://docs.helio.trade/trader/api)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.venues.helio.fields import CATALOGUE, KIND
from marginwatch.venues.helio.settings import HelioSettings
from marginwatch.venues.sample import sample

if TYPE_CHECKING:
    from pydantic import BaseModel

    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Observation
    from marginwatch.venues.protocol import Clock, Venue, VenueCommon, VenueKind

_SAMPLE: Final = sample(
    CATALOGUE,
    "acc_123456",
    {
        "equity": Decimal("10150.5"),
        "margin_used": Decimal(2500),
        "margin_usage": Decimal("0.2463"),
        "margin_excess": Decimal("7650.5"),
        "unrealized_pnl": Decimal("150.5"),
        "margin_level": Decimal("4.0602"),
        "metrics.margin_level": Decimal("4.0602"),
        "currency": "USD",
    },
    {"id": "pos_123456", "symbol": "EURUSD", "symbol_name": "EURUSD"},
    timed=True,
)


class Helio:
    """The kind of venue, as registered."""

    kind: str = KIND
    settings: type[BaseModel] = HelioSettings
    catalogue: Catalogue = CATALOGUE
    sample: Observation = _SAMPLE
    calendar: str = "fx"

    def connect(self, common: VenueCommon, settings: BaseModel, clock: Clock) -> Venue:
        """Build the adapter of one login. No I/O happens before the first poll."""
        assert isinstance(settings, HelioSettings)
        from marginwatch.venues.helio.client import (  # noqa: PLC0415  (because httpx takes 0.1 s to import, which `check` need not wait for)
            connect,
        )

        return connect(common, settings, clock)


VENUE: Final[VenueKind] = Helio()
"""The entry point."""
