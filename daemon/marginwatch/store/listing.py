"""The compact record of one tick that makes an unchanged observation cost a few bytes: pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from marginwatch.core.engine import Wishes
from marginwatch.core.model import CycleEnd, VenueFailure
from marginwatch.core.seen import Kind  # noqa: TC001  (because msgspec reads the annotations)
from marginwatch.store import codec
from marginwatch.store.columns import from_micros, to_micros

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Silence
    from marginwatch.core.model import AccountKey, Observation

STANDALONE = -1
"""In place of an observation's index: the failure belongs to none."""
_PLAIN, _DEFLATED = b"\0", b"\1"
_WORTH_DEFLATING = 200
_MICROSECOND = timedelta(microseconds=1)


class Occurrence(msgspec.Struct, array_like=True, frozen=True):
    """One failure of a run at one time."""

    place: int
    """Index of the observation it belongs to, or `STANDALONE`."""
    run: int
    """Row id of its run."""
    before: int
    """Microseconds before the tick."""
    trace_id: str | None
    retry_after: int | None
    """Microseconds."""

    @classmethod
    def of(cls, failure: VenueFailure, tick: int, *, run: int, place: int) -> Occurrence:
        """The occurrence at a tick (microseconds since 1970)."""
        retry = None if failure.retry_after is None else failure.retry_after // _MICROSECOND
        return cls(place, run, tick - to_micros(failure.at), failure.trace_id, retry)

    def at(self, tick: int) -> datetime:
        """When it was."""
        return from_micros(tick - self.before)

    def retry(self) -> timedelta | None:
        """What the venue asked for."""
        return None if self.retry_after is None else timedelta(microseconds=self.retry_after)


class Listing(msgspec.Struct, array_like=True):
    """What one tick held beside its changed observations. The lists of unchanged observations go in step."""

    accounts: list[int] = []
    """Row ids of the unchanged."""
    places: list[int] = []
    """Their indices among all observations of the tick."""
    before: list[int] = []
    """Microseconds from `fetched_at` to the tick."""
    ages: list[int | None] = []
    """Microseconds from `as_of` to `fetched_at`; null without an `as_of`."""
    failures: list[Occurrence] = []
    cycles: list[tuple[str, int, int, int, int, str | None]] = []
    """Venue, microseconds from start and from end to the tick, attempted, failed, cause as JSON."""
    listings: list[int] = []
    """Row ids of what venues listed."""
    order: list[tuple[Kind, int]] = []
    """`Seen.order`."""
    wishes: str | None = None
    """What operators wrote, as JSON."""
    began: int | None = None
    """Microseconds from the beginning of the process to the tick."""
    silent: list[int] = []
    """Microseconds from each of `Seen.silent` to the tick."""
    resumed: bool = False
    """`Seen.resumed`."""
    reloaded: bool = False
    """`Seen.reloaded`."""
    crowded: bool = False
    """`Seen.crowded`."""
    looked_again: bool = False
    """`Seen.looked_again`."""

    def add(self, observation: Observation, *, account: int, place: int, tick: int) -> None:
        """List an unchanged observation."""
        fetched = to_micros(observation.fetched_at)
        self.accounts.append(account)
        self.places.append(place)
        self.before.append(tick - fetched)
        self.ages.append(None if observation.as_of is None else fetched - to_micros(observation.as_of))

    def unchanged(self, tick: int) -> list[Unchanged]:
        """The unchanged observations, in their order."""
        found = []
        for account, place, before, age in zip(self.accounts, self.places, self.before, self.ages, strict=True):
            fetched = tick - before
            as_of = None if age is None else from_micros(fetched - age)
            found.append(Unchanged(account, place, from_micros(fetched), as_of))
        return found

    def add_cycle(self, end: CycleEnd, tick: int) -> None:
        """Record the end of a cycle."""
        cause = codec.encode(replace(end.cause, body=None)) if end.cause else None
        started, ended = tick - to_micros(end.started_at), tick - to_micros(end.ended_at)
        self.cycles.append((end.venue, started, ended, end.attempted, end.failed, cause))

    def cycle_ends(self, tick: int) -> tuple[CycleEnd, ...]:
        """The ends of cycles."""
        return tuple(
            CycleEnd(
                venue,
                from_micros(tick - started),
                from_micros(tick - ended),
                attempted,
                failed,
                codec.decode(VenueFailure, cause) if cause else None,
            )
            for venue, started, ended, attempted, failed, cause in self.cycles
        )


def written_wishes(wishes: Wishes) -> str:
    """Operators' wishes as JSON."""
    return codec.encode(
        _Wishes(wishes.silences, wishes.acknowledgements, tuple(_Forget(*one) for one in wishes.forget))
    )


def read_wishes(written: str) -> Wishes:
    """The wishes again."""
    read = codec.decode(_Wishes, written)
    return Wishes(read.silences, read.acknowledgements, tuple((one.request, one.account) for one in read.forget))


@dataclass(frozen=True, slots=True)
class _Forget:
    request: int
    account: AccountKey


@dataclass(frozen=True, slots=True)
class _Wishes:
    """As `Wishes`, of types the codec knows."""

    silences: tuple[Silence, ...] | None
    acknowledgements: Mapping[str, Acknowledgement] | None
    forget: tuple[_Forget, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An observation that says what the account's last one said."""

    account: int
    place: int
    fetched_at: datetime
    as_of: datetime | None


_DECODER = msgspec.msgpack.Decoder(Listing)


def pack(listing: Listing) -> bytes:
    """The listing as bytes."""
    packed = msgspec.msgpack.encode(listing)
    return _PLAIN + packed if len(packed) < _WORTH_DEFLATING else _DEFLATED + zlib.compress(packed, 1)


def unpack(data: bytes) -> Listing:
    """The listing again."""
    return _DECODER.decode(zlib.decompress(data[1:]) if data[:1] == _DEFLATED else data[1:])
