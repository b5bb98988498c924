"""Helio's answers as tests write them, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.venues.helio.fields import METRICS_CALL, PORTFOLIO_CALL
from marginwatch.venues.helio.normalise import normalise
from support.bodies import changed, documented, fetched, key, one

if TYPE_CHECKING:
    from marginwatch.core.model import Normalised, Observation, VenueFailure
    from support.bodies import Body

ACCOUNT = "acc_123456"


def portfolio(**changes: object) -> Body:
    """The vendor's example of a portfolio."""
    return changed(documented("helio", "portfolio"), **changes)


def metrics(**changes: object) -> Body:
    """Metrics with every documented key."""
    return changed(documented("helio", "metrics"), **changes)


def read(held: Body | bytes | VenueFailure, measured: Body | bytes | VenueFailure | None) -> Normalised:
    """Both answers read; None for metrics that the account does not have."""
    parts: dict[str, Body | bytes | VenueFailure] = {PORTFOLIO_CALL: held}
    if measured is None:
        return normalise(fetched(key(ACCOUNT), parts, frozenset({METRICS_CALL})), ())
    return normalise(fetched(key(ACCOUNT), parts | {METRICS_CALL: measured}), ())


def observed(held: Body | None = None, measured: Body | None = None) -> Observation:
    """What two good answers say."""
    return one(read(held or portfolio(), measured or metrics()))
