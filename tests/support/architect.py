"""Answers of an Architect server, built by hand, and a venue to read them with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.core.model import AccountKey, FailureKind, Normalised, Observation, VenueFailure
from marginwatch.simulator.architect import API_KEY, API_SECRET
from marginwatch.simulator.world import SimAccount
from marginwatch.venues.architect.assembly import assemble
from marginwatch.venues.architect.normalise import Scope, normalise
from marginwatch.venues.architect.settings import ArchitectSettings
from marginwatch.venues.architect.wire import ACCOUNTS, SUMMARIES
from marginwatch.venues.protocol import Fetched, Part, VenueCommon

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import dns.asyncresolver

    from marginwatch.venues.architect.client import ArchitectVenue

VENUE = "futures"
NOW = datetime(2025, 5, 15, 22, 32, 30, tzinfo=UTC)
FIRST = "00000000-0000-0000-0000-000000000000"
SECOND = "00000000-0000-0000-0000-000000000001"
ALL = ("list", "reduce_or_close", "set_limits", "trade", "view")


def key(account: str = FIRST) -> AccountKey:
    """The key of an account at the test venue."""
    return AccountKey(VENUE, account)


def part(body: object) -> Part:
    """An answer with this body, encoded unless it is bytes."""
    return Part(body if isinstance(body, bytes) else json.dumps(body).encode(), NOW)


def failed(call: str, kind: FailureKind = FailureKind.UNREACHABLE) -> VenueFailure:
    """A call that gave no answer."""
    return VenueFailure(VENUE, kind, NOW, "no connection", call)


def fetched(parts: Mapping[str, object], optional: frozenset[str] = frozenset()) -> Fetched:
    """One cycle's answers; a value that is no failure is a body."""
    made = {name: body if isinstance(body, VenueFailure) else part(body) for name, body in parts.items()}
    return Fetched(VENUE, None, made, NOW + timedelta(seconds=1), optional)


def listed(account: str = FIRST, name: str = "STONEX:000000/JDoe", **more: object) -> dict[str, object]:
    """A row of the listing, all permissions granted."""
    flags = dict.fromkeys(ALL, True)
    return {"account": {"id": account, "name": name}, "permissions": flags, "trader": SECOND, **more}


def summary(account: str = FIRST, /, **more: object) -> dict[str, object]:
    """A row of the summaries."""
    return {
        "account": account,
        "balances": {"USD": "10000"},
        "positions": {},
        "timestamp": "2025-05-15T22:32:21.222906Z",
        "equity": "10000",
        "total_margin": "2500",
        **more,
    }


def margin_call(number: str, amount: str = "1500", met: str = "0", **more: object) -> dict[str, object]:
    """A row of the margin calls."""
    return {
        "account_number": number,
        "call_amount": amount,
        "call_type": "RT",
        "correspondent_id": "X",
        "description": "",
        "office": "",
        "remarks": "",
        "satisfied_amount": met,
        "status": "O",
        **more,
    }


EVERYTHING = Scope(lambda _: True)


def read(parts: Mapping[str, object], scope: Scope = EVERYTHING) -> Normalised:
    """What these answers say, every account being wanted unless told otherwise."""
    return normalise(fetched(parts), scope)


def one(parts: Mapping[str, object], scope: Scope = EVERYTHING) -> Observation:
    """The only thing these answers say, without any failure."""
    said = read(parts, scope)
    assert said.failures == ()
    (observation,) = said.observations
    return observation


def good(**more: object) -> dict[str, object]:
    """A listing and a summary of one account."""
    return {ACCOUNTS: {"accounts": [listed()]}, SUMMARIES: {"account_summaries": [summary(**more)]}}


def sim_accounts() -> tuple[SimAccount, ...]:
    """Two viewable accounts and one that may be listed only."""
    return (
        SimAccount("architect", FIRST, "STONEX:000000/JDoe", margin_used=Decimal(40_000)),
        SimAccount("architect", SECOND, "STONEX:000001/JDoe"),
        SimAccount("architect", "hidden", "STONEX:000002/XRay", permissions=frozenset({"list"})),
    )


def connect(
    endpoint: str,
    *,
    accounts: tuple[str, ...] = (),
    every: float = 1.0,
    deadline: float = 20.0,
    monotonic: Callable[[], float] = clock.monotonic,
    resolver: dns.asyncresolver.Resolver | None = None,
    **more: object,
) -> ArchitectVenue:
    """A venue that reads from `endpoint`, with the simulator's login unless told otherwise."""
    login = {"endpoint": endpoint, "api_key": API_KEY, "api_secret": API_SECRET, **more}
    common = VenueCommon(VENUE, accounts, timedelta(seconds=every), timedelta(seconds=deadline))
    settings = ArchitectSettings.model_validate(login)
    return assemble(common, settings, clock.now, monotonic=monotonic, resolver=resolver)


async def cycle(venue: ArchitectVenue) -> Normalised:
    """What one poll says; a failure of the venue is a normalised answer with that failure alone."""
    answers = [answer async for answer in venue.poll()]
    assert len(answers) == 1
    (answer,) = answers
    return Normalised(failures=(answer,)) if isinstance(answer, VenueFailure) else venue.normalise(answer)


class Ticker:
    """A monotonic clock that can be pushed forward."""

    def __init__(self) -> None:
        self.pushed = 0.0

    def __call__(self) -> float:
        return clock.monotonic() + self.pushed
