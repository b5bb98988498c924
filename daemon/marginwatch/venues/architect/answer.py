"""What is wrong with an answer, as a value. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch.core.model import FailureKind, VenueFailure

if TYPE_CHECKING:
    from marginwatch.core.model import AccountKey
    from marginwatch.venues.architect.wire import Malformed
    from marginwatch.venues.protocol import Part

BODY_KEPT: Final = 4096
"""Bytes of a malformed answer that are kept for diagnosis."""


def bad_answer(
    venue: str, call: str, part: Part, malformed: Malformed, account: AccountKey | None = None
) -> VenueFailure:
    """The failure of an answer that is not what the venue documents."""
    return VenueFailure(
        venue=venue,
        kind=FailureKind.BAD_ANSWER,
        at=part.received_at,
        detail=f"the answer is not as documented: {malformed.what}",
        call=call,
        account=account,
        where=malformed.where or None,
        body=part.body[:BODY_KEPT],
    )
