"""StoneX Clearing's answers as tests write them, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.venues.stonex.fields import BALANCES, POSITIONS
from marginwatch.venues.stonex.normalise import normalise
from support.bodies import changed, documented, fetched, key, one

if TYPE_CHECKING:
    from marginwatch.core.model import Normalised, Observation
    from support.bodies import Body

ACCOUNT = "string"
"""As the vendor's example has it."""


def positions(**changes: object) -> Body:
    """The vendor's example of a position summary, without the errors it carries."""
    return changed(documented("stonex", "position-summary"), **({"hasErrors": False, "errors": []} | changes))


def balances(**changes: object) -> Body:
    """A balance summary with every documented key."""
    return changed(documented("stonex", "balance-summary"), **changes)


def read(
    position_summary: Body | bytes | None = None,
    balance_summary: Body | bytes | None = None,
    currency: str | None = None,
) -> Normalised:
    """Both answers read, the good examples where none is given."""
    return normalise(
        fetched(
            key(ACCOUNT),
            {
                POSITIONS: positions() if position_summary is None else position_summary,
                BALANCES: balances() if balance_summary is None else balance_summary,
            },
        ),
        currency,
    )


def observed(position_summary: Body | None = None, balance_summary: Body | None = None) -> Observation:
    """What two good answers say."""
    return one(read(position_summary, balance_summary))
