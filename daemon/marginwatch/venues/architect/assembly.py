"""Putting an Architect login together from its config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch import clock as real_clock
from marginwatch.venues.architect.client import ArchitectVenue
from marginwatch.venues.architect.connection import Connection
from marginwatch.venues.architect.endpoint import parse_endpoint
from marginwatch.venues.architect.normalise import Scope
from marginwatch.venues.architect.session import Credentials, Session
from marginwatch.venues.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    import dns.asyncresolver

    from marginwatch.venues.architect.settings import ArchitectSettings
    from marginwatch.venues.protocol import Clock, VenueCommon


_REST: Final = 1.5
"""Cycles without a call when the venue asks for fewer: one is skipped."""


def assemble(
    common: VenueCommon,
    settings: ArchitectSettings,
    clock: Clock,
    *,
    monotonic: Callable[[], float] = real_clock.monotonic,
    resolver: dns.asyncresolver.Resolver | None = None,
) -> ArchitectVenue:
    """The adapter of one login; `monotonic` and `resolver` can be replaced in tests."""
    credentials = Credentials(settings.api_key.get_secret_value(), settings.api_secret.get_secret_value())
    connection = Connection(
        common.name,
        parse_endpoint(settings.endpoint, paper=settings.paper),
        clock,
        monotonic=monotonic,
        resolver=resolver,
        secrets=(credentials.key, credentials.secret),
        rest=_REST * common.every.total_seconds(),
    )
    scope = Scope(Selection(common.accounts), settings.currency)
    return ArchitectVenue(common, Session(connection, credentials), scope, paper=settings.paper)
