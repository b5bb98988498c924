"""Architect: futures, crypto and equities accounts over gRPC (https://docs.architect.co)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.venues.architect.fields import CATALOGUE, KIND, PERMISSIONS
from marginwatch.venues.architect.settings import ArchitectSettings
from marginwatch.venues.sample import sample

if TYPE_CHECKING:
    from pydantic import BaseModel

    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Observation
    from marginwatch.venues.protocol import Clock, Venue, VenueCommon, VenueKind

_SAMPLE: Final = sample(
    CATALOGUE,
    "00000000-0000-0000-0000-000000000000",
    {
        "equity": Decimal("5754.59"),
        "margin_used": Decimal(1650),
        "total_margin": Decimal(1650),
        "margin_usage": Decimal("0.2867"),
        "margin_excess": Decimal("4104.59"),
        "permissions": frozenset(PERMISSIONS),
        "currency": "USD",
    },
    {"symbol": "MGC 20250626 CME Future/USD", "quantity": Decimal(1), "cost_basis": Decimal("3279.2")},
    timed=True,
)


class Architect:
    """The kind of venue, as registered."""

    kind: str = KIND
    settings: type[BaseModel] = ArchitectSettings
    catalogue: Catalogue = CATALOGUE
    sample: Observation = _SAMPLE
    calendar: str = "us-futures"

    def connect(self, common: VenueCommon, settings: BaseModel, clock: Clock) -> Venue:
        """Build the adapter of one login. No I/O happens before the first poll."""
        assert isinstance(settings, ArchitectSettings)
        from marginwatch.venues.architect.assembly import (  # noqa: PLC0415  (because gRPC and DNS take 0.2 s to import, which `check` need not wait for)
            assemble,
        )

        return assemble(common, settings, clock)


VENUE: Final[VenueKind] = Architect()
"""The entry point."""
