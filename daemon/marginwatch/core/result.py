"""What evaluating one rule for one subject gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from decimal import Decimal

    from marginwatch.core.model import AccountKey, Value
    from marginwatch.core.windows import Coverage


@dataclass(frozen=True, slots=True, order=True)
class AlertKey:
    """Identity of an alert. Never made from rendered text, so editing a rule keeps its alert."""

    rule: str
    account: AccountKey
    subject: str = ""
    """The position, receiver or rule it is about; empty for the account itself."""

    def __str__(self) -> str:
        return " ".join(part for part in (self.rule, str(self.account), self.subject) if part)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs from its last known value."""

    field: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Known:
    """True or false, for certain. One entry a level, mildest first."""

    held: tuple[bool, ...]
    """The plain comparison."""
    kept: tuple[bool, ...]
    """Still on the bad side of the level's `clear` value; equals `held` where there is no `clear_by`."""
    value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be said whether the rule holds."""

    because: str
    """For a person: `equity is null`, `no good answer came: timed out`."""


@dataclass(frozen=True, slots=True)
class Occurred:
    """An event rule saw its change."""

    differences: tuple[Difference, ...]
    already_true: bool = False


Outcome: TypeAlias = Known | Unknown | Occurred


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one rule for one subject at one observation (or failure)."""

    key: AlertKey
    outcome: Outcome
    observed_at: datetime
    """Observation time: `as_of` or `fetched_at`, never before an earlier one of the same account."""
    fetched_at: datetime
    """When the answer (or the failure) came in."""
    as_of: datetime | None = None
    first: bool = False
    """The account's first observation ever: a condition that holds now was already true when first seen."""
    gone: bool = False
    """The subject (a position) is in no complete reply any more: why it is false now."""
    detail: str = ""
    """For data-health rules: the sentence that says what is wrong."""
    windows: tuple[Coverage, ...] = ()
    """How much was seen of each window of time in the rule."""
    position: Mapping[str, Value] | None = None
    """The subject, where the rule looks at each position."""
