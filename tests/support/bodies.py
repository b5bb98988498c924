"""Answers of the HTTP venues as tests write them, and what `normalise` makes of them."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from marginwatch.core.model import AccountKey, FailureKind, VenueFailure
from marginwatch.venues.protocol import Fetched, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.core.model import Normalised, Observation, Value

AT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""When answers are in."""

Body: TypeAlias = "dict[str, Any]"

GONE = object()
"""In a change: leave the key out."""

_VENUES = Path(__file__).parent.parent / "venues"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def documented(venue: str, name: str) -> Body:
    """One of the vendors' own examples."""
    body: Body = json.loads((_VENUES / venue / "bodies" / f"{name}.json").read_text(), parse_float=Decimal)
    return body


def changed(body: Body, **changes: object) -> Body:
    """The body with values replaced by path, `__` between its steps: `data__openCall__federalCall=5`."""
    copy = deepcopy(body)
    for path, value in changes.items():
        *way, last = path.split("__")
        inner: Any = copy
        for step in way:
            inner = inner[int(step)] if isinstance(inner, list) else inner[step]
        if value is GONE:
            del inner[last]
        else:
            inner[last] = value
    return copy


def fetched(
    account: AccountKey | None, parts: Mapping[str, Body | bytes | VenueFailure], optional: frozenset[str] = frozenset()
) -> Fetched:
    """The answers to these calls."""
    return Fetched("here", account, {call: _part(body) for call, body in parts.items()}, AT, optional)


def key(account: str) -> AccountKey:
    """An account at the venue of these tests."""
    return AccountKey("here", account)


def failed(call: str, account: str) -> VenueFailure:
    """A call that timed out."""
    return VenueFailure("here", FailureKind.TIMED_OUT, AT, "no answer in time", call, key(account))


def one(said: Normalised) -> Observation:
    """The one observation made, from answers that are all good."""
    assert said.failures == ()
    (observation,) = said.observations
    assert observation.failures == ()
    return observation


def wrong(said: Normalised) -> VenueFailure:
    """The one failure of an account none of whose answers is good, or of the observation the good one made."""
    failures = said.failures + tuple(failure for found in said.observations for failure in found.failures)
    (failure,) = failures
    return failure


def leaves(body: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every scalar of a document, with its path."""
    if isinstance(body, dict):
        for name, inner in body.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(body, list):
        for inner in body:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, body


def shown(fields: Mapping[str, Value]) -> dict[str, str]:
    """Fields as a snapshot holds them."""
    return {name: str(value) for name, value in sorted(fields.items())}


def _part(body: Body | bytes | VenueFailure) -> Part | VenueFailure:
    if isinstance(body, VenueFailure):
        return body
    return Part(body if isinstance(body, bytes) else _encode(body), AT - timedelta(seconds=1))
