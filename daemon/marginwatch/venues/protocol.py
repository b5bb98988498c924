"""The contract between a venue adapter and the rest; the built-in three and third parties use the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
    from datetime import datetime, timedelta

    from pydantic import BaseModel

    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import AccountKey, Normalised, Observation, VenueFailure

Clock: TypeAlias = "Callable[[], datetime]"
"""Gives aware UTC now; `clock.py` holds the real one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One call's raw answer."""

    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """The raw answers that make one `normalise` call: one account's, or all accounts' of a venue."""

    venue: str
    account: AccountKey | None
    """None when the parts speak of every account of the venue."""
    parts: Mapping[str, Part | VenueFailure]
    """By the venue's name of the call. A call that failed is there as its failure."""
    fetched_at: datetime
    """When the last part was in."""
    optional: frozenset[str] = frozenset()
    """Optional calls the venue does not offer for this login."""


class Venue(Protocol):
    """One login at one venue, open for reading."""

    name: str
    """The operator's name for it."""

    def poll(self) -> AsyncIterator[Fetched | VenueFailure]:
        """One full cycle: yield each answer as it arrives, ending within the cycle's deadline.

        Every account is attempted and yields exactly one `Fetched` or `VenueFailure` naming it; a failure of the
        whole venue (login, listing) yields one `VenueFailure` without an account and ends the cycle. Never raises.
        """
        ...

    def normalise(self, fetched: Fetched) -> Normalised:
        """What the answer says. Pure: no I/O, no clock; never raises on any bytes."""
        ...

    async def check_login(self) -> VenueFailure | None:
        """Log in now; None when it worked."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


@runtime_checkable
class Paged(Venue, Protocol):
    """What an adapter may be: one whose venue answers for very many accounts at once."""

    def pages(self, fetched: Fetched) -> Iterator[Normalised]:
        """What `normalise` gives, some accounts at a time, so that they need not all be held at once.

        The first page holds the listing and what is said of no single account. Pure, and never raises on any bytes.
        """
        ...


@runtime_checkable
class Archive(Venue, Protocol):
    """What an adapter may be: one whose venue also keeps a history of its accounts."""

    steps: Collection[timedelta]
    """How far apart its snapshots may be asked for."""

    def past(self, account: AccountKey, since: datetime, until: datetime, step: timedelta) -> AsyncIterator[Normalised]:
        """The account's snapshots from `since` up to, not including, `until`: page after page, newest first.

        Every observation has its `as_of`. A page that fails is the last, and holds the failure alone; a row that
        cannot be read is a failure beside the others of its page. Never raises for what the venue does.
        """
        ...


class VenueKind(Protocol):
    """A kind of venue, as registered by entry point."""

    kind: str
    """The `kind` in the config: `architect`."""
    settings: type[BaseModel]
    """The config keys of this kind beyond the shared ones (name kind accounts every stale_after max_age)."""
    catalogue: Catalogue
    sample: Observation
    """A realistic observation with every field present, to try message templates on."""
    calendar: str
    """The built-in calendar of its sessions, where the config names none; `always` for a kind that does not say."""

    def connect(self, common: VenueCommon, settings: BaseModel, clock: Clock) -> Venue:
        """Build the adapter. No I/O happens before the first poll."""
        ...


@dataclass(frozen=True, slots=True)
class VenueCommon:
    """The shared config of a venue that an adapter needs."""

    name: str
    accounts: tuple[str, ...]
    """Globs on account id or name; empty means every account the venue lists."""
    every: timedelta
    deadline: timedelta
    """A whole cycle must end within this."""
