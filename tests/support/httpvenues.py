"""An HTTP venue's adapter polling its simulator on loopback, as tests use both."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pydantic import SecretStr

from marginwatch import clock
from marginwatch.core.model import Normalised, Observation, VenueFailure
from marginwatch.simulator import helio as simulated_helio
from marginwatch.simulator import stonex as simulated_stonex
from marginwatch.simulator.faults import Faults
from marginwatch.simulator.helio import HelioSimulator
from marginwatch.simulator.stonex import StonexSimulator
from marginwatch.simulator.world import SimAccount, SimPosition, World
from marginwatch.venues.helio import client as helio
from marginwatch.venues.helio.settings import HelioSettings
from marginwatch.venues.http.lanes import Limits
from marginwatch.venues.http.login import Gaps
from marginwatch.venues.http.venue import Pace
from marginwatch.venues.protocol import VenueCommon
from marginwatch.venues.stonex import client as stonex
from marginwatch.venues.stonex.settings import StonexSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from marginwatch.simulator.httpserver import HttpServer
    from marginwatch.venues.http.venue import HttpVenue
    from marginwatch.venues.protocol import Fetched

KINDS = ("stonex", "helio")
FIRST = "10000001"
SECOND = "10000002"
SECRET = "a secret that must not be seen"
CALLS = {"stonex": ("position-summary", "balance-summary"), "helio": ("portfolio", "metrics")}

IMPATIENT = Pace(Limits(seconds=1.0, size=200_000), Gaps(usual=0.0, first=30.0))
"""Quick to give up an answer; never held up by a good login."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a test may have otherwise."""

    kind: str
    accounts: tuple[str, ...] = (FIRST, SECOND)
    globs: tuple[str, ...] | None = None
    """Of the config; None asks for all the accounts."""
    deadline: float = 5.0
    pace: Pace = IMPATIENT
    concurrency: int = 8
    calls_per_second: float = 10_000
    secret: str = SECRET
    """What the config says; the simulator wants `SECRET`."""
    changes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """A simulator and the adapter that polls it."""

    kind: str
    world: World
    faults: Faults
    simulator: HttpServer
    venue: HttpVenue

    async def cycle(self) -> Cycled:
        """One full cycle."""
        return Cycled([item async for item in self.venue.poll()], self.venue)

    def asked(self, call: str) -> int:
        """How often the simulator was asked."""
        return len(self.faults.asked(call))


@dataclass(frozen=True, slots=True)
class Cycled:
    """What a cycle gave."""

    items: list[Fetched | VenueFailure]
    venue: HttpVenue

    @property
    def said(self) -> list[Normalised]:
        """Every answer, read."""
        return [self.venue.normalise(item) for item in self.items if not isinstance(item, VenueFailure)]

    @property
    def observations(self) -> dict[str, Observation]:
        """By account id."""
        return {found.account.id: found for said in self.said for found in said.observations}

    @property
    def failures(self) -> list[VenueFailure]:
        """Of the whole cycle, those of observations included."""
        failures = [item for item in self.items if isinstance(item, VenueFailure)]
        for said in self.said:
            failures += [*said.failures, *(failure for found in said.observations for failure in found.failures)]
        return failures

    def of(self, account: str) -> list[VenueFailure]:
        """The failures of one account."""
        return [failure for failure in self.failures if failure.account is not None and failure.account.id == account]

    @property
    def accounts(self) -> list[str]:
        """The accounts that items name, sorted."""
        return sorted(item.account.id for item in self.items if item.account is not None)


@asynccontextmanager
async def site(setting: Setting) -> AsyncIterator[Site]:
    """A simulator with these accounts, and an adapter configured for it."""
    world, faults = World(), Faults()
    for number in setting.accounts:
        world.add(_account(setting.kind, number))
    server: type[StonexSimulator | HelioSimulator] = StonexSimulator if setting.kind == "stonex" else HelioSimulator
    async with server(world, faults, secret=SECRET) as simulator:
        venue = adapter(setting, simulator.base_url)
        try:
            yield Site(setting.kind, world, faults, simulator, venue)
        finally:
            await venue.aclose()


def adapter(setting: Setting, base_url: str) -> HttpVenue:
    """The adapter alone."""
    deadline = timedelta(seconds=setting.deadline)
    globs = setting.accounts if setting.globs is None else setting.globs
    common = VenueCommon("here", globs, timedelta(seconds=10), deadline)
    secret = SecretStr(setting.secret)
    pace = {"concurrency": setting.concurrency, "calls_per_second": setting.calls_per_second}
    if setting.kind == "stonex":
        login = {"client_id": simulated_stonex.CLIENT_ID, "client_secret": secret}
        settings = StonexSettings.model_validate({"base_url": base_url, **login, **pace, **setting.changes})
        return stonex.connect(common, settings, clock.now, setting.pace)
    login = {"email": simulated_helio.EMAIL, "password": secret}
    helio_settings = HelioSettings.model_validate({"base_url": base_url, **login, **pace, **setting.changes})
    return helio.connect(common, helio_settings, clock.now, setting.pace)


def _account(kind: str, number: str) -> SimAccount:
    position = SimPosition("p1", "EURUSD", Decimal(1000), Decimal("1.08"), Decimal("1.09"), Decimal(250))
    return SimAccount(
        kind, number, f"Account {number}", equity=Decimal(1000), margin_used=Decimal(250), positions=(position,)
    )
