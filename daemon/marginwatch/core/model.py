"""What the rest of the program talks about: accounts, observations and failures."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

Value: TypeAlias = "Decimal | bool | str | datetime | frozenset[str] | None"
"""One field's value. `None` is the venue's own null; a missing field is not in the mapping at all."""


class Severity(enum.IntEnum):
    """How bad, lowest first. The name in rule files and messages is `label`."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def label(self) -> str:
        """The lower-case word people write and read."""
        return self.name.lower()


GROUPS: Final = "group"
"""The venue of groups of accounts; the account is the group's name. No venue of the config can have this name."""


@dataclass(frozen=True, slots=True, order=True)
class AccountKey:
    """Identity of an account: the operator's name for the venue, and the venue's id of the account.

    An empty `id` stands for the venue itself, an empty `venue` for marginwatch itself; both occur only in
    data-health alerts.
    """

    venue: str
    id: str

    def __hash__(self) -> int:
        return hash(self.id)  # seldom shared between venues, and much of a quiet tick is looking accounts up

    def __str__(self) -> str:
        return f"{self.venue}/{self.id}" if self.id else self.venue or "marginwatch"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its venue lists it."""

    key: AccountKey
    name: str
    """What the venue calls it (`STONEX:000000/JDoe`); the id where the venue has no name."""
    viewable: bool = True
    """False when the login may know of the account but not see its balances; such an account has not vanished."""


class FailureKind(enum.StrEnum):
    """Every way a venue can fail to answer. Closed: adapters map whatever they meet onto one of these."""

    UNREACHABLE = "unreachable"
    """No connection, name not resolved, connection reset."""
    TIMED_OUT = "timed_out"
    """The deadline passed, whole answer not in."""
    REFUSED = "refused"
    """The login or its token was refused, after one new login."""
    RATE_LIMITED = "rate_limited"
    """The venue asked for fewer calls."""
    SERVER_ERROR = "server_error"
    """The venue says that it failed itself (5xx, INTERNAL, `hasErrors`)."""
    BAD_ANSWER = "bad_answer"
    """An answer came and is not what the venue documents: not JSON, wrong type, too large, required part missing."""
    ACCOUNT_UNKNOWN = "account_unknown"
    """The venue knows no such account, or left a visible account out of a good reply."""


@dataclass(frozen=True, slots=True)
class VenueFailure:
    """A fetch that failed: an ordinary value that travels the same road as an answer."""

    venue: str
    kind: FailureKind
    at: datetime
    """When the failure was known (aware UTC)."""
    detail: str
    """One sentence for a person, without secrets."""
    call: str = ""
    """The venue's own name of the call, for example `position-summary`."""
    account: AccountKey | None = None
    """None when it concerns the whole venue (login, listing, a call for all accounts)."""
    where: str | None = None
    """For BAD_ANSWER: the place in the answer, for example `data.openCall.federalCall`."""
    trace_id: str | None = None
    """The venue's own id of the failed request, for its support desk."""
    retry_after: timedelta | None = None
    body: bytes | None = None
    """For BAD_ANSWER only: the start of the raw answer, kept for diagnosis."""

    @property
    def of_venue(self) -> bool:
        """An answer for all accounts that is not as documented: told once for the venue, not for each account."""
        return self.account is None and self.kind is FailureKind.BAD_ANSWER

    @property
    def told(self) -> str:
        """The detail without its full stop, with the id that the venue's support desk asks for where there is one."""
        return self.detail.rstrip(".") + (f" (trace id {self.trace_id})" if self.trace_id else "")

    @property
    def sentence(self) -> str:
        """What is told, with the call before it and the place in the answer behind it, without a full stop."""
        call = f"{self.call}: " if self.call else ""
        where = f" (at {self.where})" if self.where else ""
        return f"{call}{self.told}{where}"


@dataclass(slots=True)
class Observation:
    """What one venue said about one account at one time.

    Never changed once made; not frozen, for every answer makes one, and a frozen one takes four times as long.
    """

    account: AccountKey
    fetched_at: datetime
    """When the last part of the answer was in (ours, aware UTC)."""
    as_of: datetime | None
    """The venue's documented snapshot time, None where it documents none."""
    fields: Mapping[str, Value]
    """By catalogue name. A key that is not there was missing from the answer; None was null. Without those of
    `times`, so that an answer that says the same again is the same."""
    positions: tuple[Mapping[str, Value], ...] | None = None
    """By position-field name; None when the call that lists them failed or gave none, () when there are none."""
    failures: tuple[VenueFailure, ...] = ()
    """Calls of the same cycle that failed; their fields are missing above. One about no single account was to answer
    for all of them."""
    optional: frozenset[str] = frozenset()
    """Names of optional calls the venue does not offer for this login; their silence is not a failure."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Of a group: how a field that is null comes to be so. Not stored."""

    @property
    def observed_at(self) -> datetime:
        """The time durations are measured on: `as_of`, never later than our own clock, else `fetched_at`.

        Of a group, whose `as_of` is that of the oldest numbers in it, always `fetched_at`: when the newest came.
        """
        if self.as_of is None or self.account.venue == GROUPS:
            return self.fetched_at
        return min(self.as_of, self.fetched_at)


TIMES = frozenset({"age", "timestamp"})
"""Fields that follow from when an observation was made; a venue with snapshot times has both in its catalogue."""


def times(as_of: datetime | None, fetched_at: datetime) -> Mapping[str, Value]:
    """The fields of `TIMES`: how old the numbers were when they came, in seconds, and their own time.

    Empty where the venue documents no snapshot time.
    """
    if as_of is None:
        return {}
    age = (fetched_at - as_of).total_seconds()
    return {"age": Decimal(str(age)) if age >= 0 else Decimal(0), "timestamp": as_of}


@dataclass(slots=True)
class Normalised:
    """What one fetched answer says, made by a venue's pure `normalise`. Never changed once made."""

    listing: tuple[Account, ...] | None = None
    """The selected accounts the venue lists now; None when this answer held no (good) list."""
    observations: tuple[Observation, ...] = ()
    failures: tuple[VenueFailure, ...] = ()
    """What failed and belongs to no observation above."""


@dataclass(frozen=True, slots=True)
class CycleEnd:
    """One full pass over a venue is over: every account was attempted with a recorded outcome."""

    venue: str
    started_at: datetime
    ended_at: datetime
    attempted: int
    """Accounts attempted."""
    failed: int
    """Accounts without a usable observation."""
    cause: VenueFailure | None = None
    """The failure that stands for the cycle when it failed as a whole (no account answered), else None."""
