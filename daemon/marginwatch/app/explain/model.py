"""What there is to say of a rule on an account at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.app.explain.ways import Call, Way
    from marginwatch.app.heldback import HeldBack
    from marginwatch.core.alert import Acknowledgement, Alert, Silence, Transition
    from marginwatch.core.because import Blame
    from marginwatch.core.condition.trace import Part
    from marginwatch.core.condition.units import Measure
    from marginwatch.core.model import Account, Observation, Severity, Value
    from marginwatch.core.result import Known, Occurred
    from marginwatch.core.rule import Rule
    from marginwatch.core.windows import Coverage
    from marginwatch.store.types import Attempt, OutboxRow

Outcome: TypeAlias = "Known | Occurred | Blame"
"""What the rule says, or why it says nothing."""


@dataclass(frozen=True, slots=True)
class Input:
    """One field that the rule reads."""

    name: str
    unit: Measure
    value: Value
    """None where `gap` says why."""
    gap: str
    """`null`, `missing from the answer, because …`, `absent: the venue has no such field`; empty for a value."""
    last: Value
    """The last known value, where the present one is not known."""
    before: Value
    """The last known value before, where the rule compares with it."""
    source: str
    """`call:path` of the reply, or the formula over such; empty for an absent one."""
    documented: str
    """The vendor's own name."""
    own_currency: bool
    """Money that is not in the account's currency."""


@dataclass(frozen=True, slots=True)
class Window:
    """One window of time that the rule looks over."""

    text: str
    unit: Measure
    value: Value
    coverage: Coverage | None
    """How much of it was seen; None when the present value is unknown."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rule says of one position."""

    subject: str
    value: Value
    """The ladder's number, or whether the condition holds."""
    severity: Severity | None
    """The highest level that holds."""


@dataclass(frozen=True, slots=True)
class Look:
    """The latest answer by then, and what the rule makes of it."""

    observation: Observation
    inputs: tuple[Input, ...]
    windows: tuple[Window, ...]
    tree: Part | None
    """None where there is no position to look at."""
    outcome: Outcome
    lost: str
    """Why nothing can be said as of the moment, although there was an answer; empty when it can."""
    positions: tuple[Seen, ...]
    """Every position, in a rule that looks at each."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the alert stood, with its clocks."""

    alert: Alert | None
    """The open one; None when inactive."""
    reminder_at: datetime | None
    """When it is told again if nothing changes."""
    blind_since: datetime | None
    """Since when it cannot be said whether the rule holds."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """One receiver, and what it would hear."""

    receiver: str
    min_severity: Severity
    levels: tuple[Severity, ...]
    """The rule's levels that it hears of."""
    ways: tuple[Way, ...]
    """By level, how it comes to hear or not; empty where the config has no routes."""
    told: int
    """Messages of this episode so far."""
    lost: str
    """That others hear in its place, and why, as half a sentence; empty when it is reached."""
    failing_since: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One message of the episode, and every attempt to send it."""

    row: OutboxRow
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All of it."""

    now: datetime
    """When it was asked."""
    at: datetime
    """The moment it is about."""
    rule: Rule
    account: Account
    subject: str
    """The position; empty for the account itself."""
    excluded: str
    """Why the rule does not apply to the account; empty when it does."""
    notes: tuple[str, ...]
    """Sentences worth a word: rules edited since, data of that time thinned out."""
    currency: str
    look: Look | None
    """None when no answer of the account is stored of that time, or the rule does not apply."""
    standing: Standing
    """As recorded; of a moment of the past, as decided again."""
    recorded: Transition | None
    """The latest step that was recorded by then: what was decided when it happened."""
    agrees: bool | None
    """What was decided again is what was recorded; None when nothing was decided again: of now, and of what no answer
    is stored of or what is put together from other accounts."""
    acknowledgement: Acknowledgement | None
    silences: tuple[Silence, ...]
    """Those that hold its messages back."""
    holds: tuple[HeldBack, ...]
    """What else does, by today's config, and what of it is held back now."""
    receivers: tuple[Hearing, ...]
    calls: tuple[Call, ...]
    """Who is called when nobody acknowledges."""
    sent: tuple[Sent, ...]
    """Of the episode, or of the latest one; oldest first."""
    steps: tuple[Transition, ...]
    """Those near the moment, oldest first."""

    @property
    def past(self) -> bool:
        """Whether it is about a moment that is over."""
        return self.at < self.now
