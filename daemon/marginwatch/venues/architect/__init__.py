"""Architect: futures, crypto and equities accounts over gRPC (https://docs.architect.co)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch.venues.architect.fields import CATALOGUE, KIND
from marginwatch.venues.architect.sample import SAMPLE
from marginwatch.venues.architect.settings import ArchitectSettings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Observation
    from marginwatch.venues.protocol import Clock, Venue, VenueCommon, VenueKind


class Architect:
    """The kind of venue, as registered."""

    kind: str = KIND
    settings: type[BaseModel] = ArchitectSettings
    catalogue: Catalogue = CATALOGUE
    sample: Observation = SAMPLE

    def connect(self, common: VenueCommon, settings: BaseModel, clock: Clock) -> Venue:
        """Build the adapter of one login. No I/O happens before the first poll."""
        assert isinstance(settings, ArchitectSettings)
        from marginwatch.venues.architect.assembly import (  # noqa: PLC0415  (because gRPC and DNS take 0.2 s to import, which `check` need not wait for)
            assemble,
        )

        return assemble(common, settings, clock)


VENUE: Final[VenueKind] = Architect()
"""The entry point."""
