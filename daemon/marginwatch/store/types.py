"""What the store gives out that the core does not know: outbox rows, attempts, requests and recorded ticks."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.core.engine import Answer
from marginwatch.core.model import Normalised
from marginwatch.core.seen import news_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Silence
    from marginwatch.core.engine import News
    from marginwatch.core.model import AccountKey, CycleEnd, FailureKind, VenueFailure
    from marginwatch.core.outbox import AttemptOutcome
    from marginwatch.core.seen import Seen
    from marginwatch.core.state import Message, StoredObservation


class OutboxStatus(enum.StrEnum):
    """Where a message is."""

    PENDING = "pending"
    """Waits to be sent, for the first time or again."""
    SENDING = "sending"
    """Claimed by a sender; waits again when the lease runs out or another process takes over."""
    HELD = "held"
    """Waits for the next digest, which takes it in or lets it go."""
    DIGESTED = "digested"
    """A digest that is not settled yet tells of it in its place."""
    DELIVERED = "delivered"
    """The receiver took it, or the digest that tells of it."""
    DEAD = "dead"
    """Given up: it will not be sent."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What a sender reports of one attempt."""

    outcome: AttemptOutcome
    detail: str
    """One sentence for a person, without secrets."""
    next_try: datetime | None = None
    """When to try again; None gives the message up unless it was delivered."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of one attempt to send the message of an outbox row."""

    row_id: int
    result: AttemptResult
    at: datetime


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message on its way to one receiver."""

    id: int
    message: Message
    created_at: datetime
    """When the tick that caused it was committed."""
    status: OutboxStatus
    due_at: datetime
    """Pending: not to be sent before. Sending: when the lease ends."""
    attempts: int
    """Attempts begun so far, the one being made included."""
    settled_at: datetime | None
    """When it was delivered or given up."""
    detail: str
    """What the latest finished attempt said."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send one message."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    """None while it is in flight, or when the process ended during it."""
    outcome: AttemptOutcome | None
    detail: str


@dataclass(frozen=True, slots=True)
class ReceiverHealth:
    """How delivery to one receiver goes."""

    receiver: str
    waiting: int
    """Messages not settled yet."""
    oldest: datetime | None
    """`created_at` of the oldest of them."""
    dead: int
    """Messages given up and not pruned yet."""
    last_good_at: datetime | None
    failing_since: datetime | None
    """Start of the first failed attempt since the last good one; None while it works."""
    failed_attempts: int
    """In a row."""
    detail: str
    """What the latest failed attempt said; empty while it works."""


def unused(receiver: str) -> ReceiverHealth:
    """How a receiver is that never had a message."""
    return ReceiverHealth(
        receiver, waiting=0, oldest=None, dead=0, last_good_at=None, failing_since=None, failed_attempts=0, detail=""
    )


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did."""

    tick: int
    receivers: frozenset[str]
    """Receivers with new messages."""


class RequestKind(enum.StrEnum):
    """What an operator may ask the daemon to do."""

    FORGET = "forget"
    """Close the account's alerts and drop what is remembered of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """Something an operator asked for, to be done by the daemon's next tick."""

    id: int
    kind: RequestKind
    account: AccountKey
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OperatorInput:
    """Everything operators wrote that the daemon must know, read in one snapshot."""

    changes: int
    """The value of `Store.changes` it belongs to."""
    silences: tuple[Silence, ...]
    """Those not settled."""
    acknowledgements: Mapping[str, Acknowledgement]
    """By alert_id, of open alerts, those not lapsed."""
    requests: tuple[Request, ...]
    """Those not settled, oldest first."""


@dataclass(frozen=True, slots=True)
class RecordedTick:
    """One tick as it was committed: what a replay feeds the engine."""

    id: int
    at: datetime
    revision: str
    """Hash of the rule set that decided."""
    observations: tuple[StoredObservation, ...]
    """In their order. Of a thinned tick, some of those that changed."""
    failures: tuple[VenueFailure, ...]
    """Without raw bodies, except the first of each run."""
    cycles: tuple[CycleEnd, ...]
    seen: Seen
    """Listings, operators' wishes, the order of it all, and when a process began."""
    thinned: bool
    """True when retention dropped detail: such a tick does not repeat the live decision."""

    @property
    def news(self) -> list[News]:
        """What `core.engine.decide` was given, in its order.

        Answers of one observation or listing each, failures, and ends of cycles. Without what concerns marginwatch
        itself: clocks that were set, and how receivers do.
        """
        answers = [
            Answer(each.observation.account.venue, Normalised(observations=(each.observation,)))
            for each in self.observations
        ]
        return news_of(self.seen, answers, self.failures, self.cycles)


@dataclass(frozen=True, slots=True)
class FailureRun:
    """Equal failures in a row."""

    venue: str
    account: AccountKey | None
    kind: FailureKind
    call: str
    where: str | None
    detail: str
    first_at: datetime
    last_at: datetime
    times: int
    body: bytes | None
    """Start of the first malformed answer of the run."""


@dataclass(frozen=True, slots=True)
class CycleRun:
    """Cycles of one venue in a row with the same end."""

    venue: str
    started_at: datetime
    """Start of the first."""
    ended_at: datetime
    """End of the last."""
    times: int
    attempted: int
    failed: int
    cause: str
    """Why they failed as a whole; empty when they did not."""
