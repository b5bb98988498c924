"""What venues say, as it may be stored and told: nothing of our secrets is repeated in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.ops.redact import REDACTOR

if TYPE_CHECKING:
    from marginwatch.core.model import Normalised, VenueFailure


def without_secrets(failure: VenueFailure) -> VenueFailure:
    """The failure as it may be stored and told: a venue may have repeated what it was sent."""
    body = failure.body
    if body is not None:
        body = REDACTOR.known(body.decode(errors="surrogateescape")).encode(errors="surrogateescape")
    trace_id = None if failure.trace_id is None else REDACTOR.known(failure.trace_id)
    return replace(failure, detail=REDACTOR.known(failure.detail), trace_id=trace_id, body=body)


def discreet(news: Normalised) -> Normalised:
    """The same of all that was read of an answer."""
    if not news.failures and not any(each.failures for each in news.observations):
        return news
    seen = (replace(each, failures=tuple(map(without_secrets, each.failures))) for each in news.observations)
    return replace(news, observations=tuple(seen), failures=tuple(map(without_secrets, news.failures)))
