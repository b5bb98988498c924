"""The alert machine's types. The machine itself is `machine.py`."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marginwatch.core.rule import Selector

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from decimal import Decimal

    from marginwatch.core.model import Severity
    from marginwatch.core.result import AlertKey, Difference


class Status(enum.StrEnum):
    """Prometheus' words. No row at all is `inactive`."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    CLOSED = "closed"
    """Ended without a passing observation: its rule, receiver scope or account left the config, or an event."""


_OPEN = frozenset({Status.PENDING, Status.FIRING})


class State(enum.StrEnum):
    """What a message tells; the `state` key of machine-readable messages."""

    FIRING = "firing"
    WORSENED = "worsened"
    EASED = "eased"
    REMINDER = "reminder"
    UNKNOWN = "unknown"
    RESOLVED = "resolved"
    CLOSED = "closed"
    EVENT = "event"


class Reason(enum.StrEnum):
    """Why a transition happened. Printed by the log, the page and the message."""

    BECAME_TRUE = "became_true"
    """The condition holds; it is not told before `for` has passed."""
    HELD = "held"
    """The condition held for `for`."""
    ALREADY_TRUE = "already_true"
    """It was already true when the account was first seen."""
    PENDING_CLEARED = "pending_cleared"
    """It stopped holding before `for` had passed."""
    HIGHER_LEVEL = "higher_level"
    WORSENED_BY = "worsened_by"
    """Worse by `worsens_by` than last told."""
    LOWER_LEVEL = "lower_level"
    CLEARED = "cleared"
    """A fresh, complete, passing observation, past `clear_by`, for `clear_for`."""
    SUBJECT_GONE = "subject_gone"
    """The position it was about is in no complete reply any more."""
    REMIND = "remind"
    DATA_LOST = "data_lost"
    """No good answer for `stale_after`."""
    DATA_BACK = "data_back"
    FLAPPING = "flapping"
    """It is good once more, and came and went so often that it is kept open until it has been good for longer."""
    FIRED_AGAIN = "fired_again"
    """It holds once more while it is kept open for flapping."""
    OTHER_TROUBLE = "other_trouble"
    """What is wrong is another matter than was told."""
    OCCURRED = "occurred"
    RULE_REMOVED = "rule_removed"
    SCOPE_CHANGED = "scope_changed"
    """The rule no longer selects this account."""
    ACCOUNT_REMOVED = "account_removed"
    RECEIVER_REMOVED = "receiver_removed"
    FORGOTTEN = "forgotten"
    """An operator used `forget`."""
    SILENCE_ENDED = "silence_ended"
    """Still true at the end of a silence."""
    MAINTENANCE_ENDED = "maintenance_ended"
    """Still true at the end of a maintenance window."""
    QUIET_ENDED = "quiet_ended"
    """Still true at the end of the receiver's quiet hours."""
    HOURS_BEGAN = "hours_began"
    """Still true when the hours of the receiver's route begin."""
    STILL_UNKNOWN = "still_unknown"
    """The venue answers again, and data of the account are still lost."""
    ESCALATED = "escalated"
    """Nobody acknowledged in time."""
    FALLBACK = "fallback"
    """A receiver that was to hear of it cannot be reached."""


@dataclass(frozen=True, slots=True)
class LevelTimer:
    """One level's own clocks, on observation time. None: the clock is not running."""

    severity: Severity
    """Whose clocks: a level is known by its severity, so that an edited rule finds its clocks again."""
    held: timedelta | None = None
    """How long the plain comparison has been seen to hold."""
    clear: timedelta | None = None
    """How long the value has been seen past `clear`."""


@dataclass(frozen=True, slots=True)
class Flaps:
    """How often a rule fired lately on one subject, over all episodes."""

    fired: tuple[datetime, ...]
    """Observation times of the latest firings, oldest first; as many as decide whether it flaps."""
    since: datetime | None = None
    """While it is kept open for flapping: the first of the firings that made it so."""
    times: int = 0
    """How often it fired since then."""
    good: bool = False
    """While it is kept open for flapping: it would be over but for that."""
    worst: Decimal | None = None
    """The worst value told while it flapped; only a worse one is a worsening."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of trouble: from pending to its end. A later episode of the same key has another `alert_id`."""

    alert_id: str
    """Short and stable: repeats on every message of the episode. Derived from key and start, so a replay agrees."""
    key: AlertKey
    title: str
    """Kept so that an alert can be told of after its rule is gone."""
    status: Status
    level: int
    """Index into the rule's levels: the level firing, or the highest that holds while pending."""
    severity: Severity
    timers: tuple[LevelTimer, ...]
    count: int
    """Known true observations in a row while pending."""
    active_at: datetime
    """Observation time at which it became true."""
    observed_at: datetime
    """Observation time of the last known result."""
    known_at: datetime
    """`fetched_at` of the last known result."""
    as_of: datetime | None = None
    known: bool = True
    """The latest result was known; decides whether the time up to the next known one counts."""
    unknown_since: datetime | None = None
    """Equal to `known_at` while data are unknown, else None."""
    unknown_told: bool = False
    because: str = ""
    """Why it is unknown."""
    started_at: datetime | None = None
    """Our clock at the tick that made it."""
    fired_at: datetime | None = None
    """Our clock at the tick that fired it."""
    ended_at: datetime | None = None
    value: Decimal | None = None
    told_value: Decimal | None = None
    """The value in the last transition that was told."""
    told_at: datetime | None = None
    """Our clock at the last transition that was told."""
    told: Mapping[str, int] = field(default_factory=dict)
    """Receiver name to how many notifications of this episode were put in its outbox."""
    revision: str = ""
    """The rule's revision at the last transition."""
    already_true: bool = False
    detail: str = ""
    roused: tuple[str, ...] = ()
    """Receivers told of this episode whatever their hours were: they hear of the rest of it as it comes."""
    waiting_since: datetime | None = None
    """Since when somebody was told and nobody acknowledged; None before that, and while it is acknowledged."""
    climbed: tuple[str, ...] = ()
    """The steps of ladders that were taken since then, as `Climb.id`."""
    failed_over_at: datetime | None = None
    """Of the alert about a receiver: since when others hear in its place."""
    reminded: int = 0
    """Reminders since it fired, got worse or was acknowledged, as far as the next depends on how many there were."""
    flaps: Flaps | None = None
    """None where it was not counted: its rule keeps no alert open for flapping, or it never fired."""

    @property
    def is_open(self) -> bool:
        """True while pending or firing; False once it ended."""
        return self.status in _OPEN

    @property
    def flapping_since(self) -> datetime | None:
        """The first of the firings for which it is kept open; None while it is an alert like any other."""
        return None if self.flaps is None else self.flaps.since


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an alert, stored for ever (for `keep`)."""

    alert_id: str
    key: AlertKey
    title: str
    at: datetime
    """Our clock at the tick."""
    before: Status
    after: Status
    reason: Reason
    state: State | None
    """What a message would say; None for a step that is recorded and told to nobody."""
    severity: Severity
    """The level now; the level left for resolved and closed."""
    observed_at: datetime
    fetched_at: datetime
    as_of: datetime | None = None
    value: Decimal | None = None
    limit: Decimal | None = None
    operator: str = ""
    active_at: datetime | None = None
    fired_at: datetime | None = None
    unknown_since: datetime | None = None
    because: str = ""
    differences: tuple[Difference, ...] = ()
    already_true: bool = False
    rule_changed: bool = False
    """The rule was edited since the previous transition of this alert."""
    previous_value: Decimal | None = None
    """The value told before this one."""
    previous_at: datetime | None = None
    """When that was told, by our clock."""
    detail: str = ""
    flapping_since: datetime | None = None
    """The first of the firings for which it is kept open for flapping, or was to its end."""
    times_fired: int = 0
    """How often it fired since then."""
    revision: str = ""
    """Hash of the whole rule set that decided it (`RuleSet.revision`)."""


LONGEST_NAME = 80
"""Characters of who did something."""
LONGEST_NOTE = 400
"""Characters of why."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody is on it: stops reminders until it expires or things worsen."""

    alert_id: str
    by: str
    note: str
    at: datetime
    until: datetime | None
    """None: until the alert ends or worsens."""

    def covers(self, now: datetime) -> bool:
        """True while it holds."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Silence:
    """Messages held back, by rule and account; nothing is lost at its end."""

    id: int
    by: str
    note: str
    starts_at: datetime
    ends_at: datetime
    rule: str = "*"
    """Glob on the rule id."""
    venue: str = "*"
    account: str = "*"
    """Glob on the account's id or name."""
    groups: tuple[str, ...] = ()
    """Of accounts of one of these groups, and of the groups themselves; empty means all."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of accounts that have all of these."""

    @property
    def selector(self) -> Selector:
        """Whose alerts it holds back; of a venue too, where it names no account, label or group."""
        return Selector((self.venue,), (self.account,), self.labels, self.groups)

    @property
    def choice(self) -> str:
        """The groups and labels in words; empty where it names none."""
        labels = [f"label {key}={value}" for key, value in self.labels.items()]
        return ", ".join([f"group {' or '.join(self.groups)}"] * bool(self.groups) + labels)

    def covers(self, now: datetime) -> bool:
        """True while it holds."""
        return self.starts_at <= now < self.ends_at
