"""StoneX Clearing: securities accounts over HTTP (https://docs.clearing.stonex.com)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.venues.sample import sample
from marginwatch.venues.stonex.fields import CATALOGUE, KIND
from marginwatch.venues.stonex.settings import StonexSettings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Observation
    from marginwatch.venues.protocol import Clock, Venue, VenueCommon, VenueKind

_SAMPLE: Final = sample(
    CATALOGUE,
    "12345678",
    {
        "equity": Decimal("412300.25"),
        "margin_used": Decimal("371070.22"),
        "margin_usage": Decimal("0.9"),
        "margin_excess": Decimal("41230.03"),
        "currency": "USD",
    },
    {"symbol": "ACME", "currency": "USD", "acctType": "Margin"},
    timed=False,
)


class Stonex:
    """The kind of venue, as registered."""

    kind: str = KIND
    settings: type[BaseModel] = StonexSettings
    catalogue: Catalogue = CATALOGUE
    sample: Observation = _SAMPLE
    calendar: str = "us-equities"

    def connect(self, common: VenueCommon, settings: BaseModel, clock: Clock) -> Venue:
        """Build the adapter of one login. No I/O happens before the first poll.

        Raises:
            AccountsNotNamedError: The config names no account, or a pattern, and the venue lists none.
        """
        assert isinstance(settings, StonexSettings)
        from marginwatch.venues.stonex.client import (  # noqa: PLC0415  (because httpx takes 0.1 s to import, which `check` need not wait for)
            connect,
        )

        return connect(common, settings, clock)


VENUE: Final[VenueKind] = Stonex()
"""The entry point."""
