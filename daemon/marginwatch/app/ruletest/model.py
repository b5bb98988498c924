"""What a file of rule tests says, checked: cases, their steps, and what each step expects."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

    from marginwatch.config.document import Node
    from marginwatch.core.alert import State
    from marginwatch.core.fields import Catalogue
    from marginwatch.core.model import Account, FailureKind, Severity, Value
    from marginwatch.core.route import Receiver
    from marginwatch.errors import Place, Problem


class Gap(enum.Enum):
    """Stands where a value would."""

    MISSING = "missing"
    """The answer does not have the field at all."""


Said: TypeAlias = "Value | Gap"
"""What an answer says of one field."""


class Phase(enum.StrEnum):
    """How an alert stands when a step looks at it."""

    INACTIVE = "inactive"
    """None is open and none ended since the last look."""
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    """None is open, and one resolved since the last look."""


@dataclass(frozen=True, slots=True)
class Site:
    """A venue as a test sees it."""

    name: str
    kind: str
    catalogue: Catalogue
    calendar: str
    """Whose sessions are its own."""


@dataclass(frozen=True, slots=True)
class Hush:
    """A silence that begins with the step."""

    length: timedelta
    rule: str = "*"
    """Glob on rule ids."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a step expects of one rule, of one of its positions, or of one of the built-in alerts."""

    place: Place
    rule: str
    subject: str | None = None
    """The position; None for the rule as a whole, the worst of its alerts standing for it."""
    phase: Phase | None = None
    told: tuple[tuple[State, ...], ...] | None = None
    """The sequences of messages that fit; None for any."""
    severity: Severity | None = None
    receivers: tuple[str, ...] | None = None
    """Exactly these heard something."""
    text: tuple[str, ...] = ()
    """Each of these stands in the title or the body of a message."""
    unknown: bool | None = None
    """Whether it cannot be said how things are."""
    flapping: bool | None = None
    """Whether it is kept open because it comes and goes."""
    value: Node | None = None
    """The number of a rule with levels, read by the rule's unit once that is known."""
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where each of these was written, by key; `place` for what is not here."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens, something that is looked at, or both."""

    place: Place
    at: datetime
    says: Mapping[str, Said] = field(default_factory=dict)
    """What changes in the account's answers."""
    positions: tuple[Mapping[str, Value], ...] | Gap | None = Gap.MISSING
    """The positions from now on, None for an answer without them; MISSING leaves them as they are."""
    answers: bool = False
    """The account answers at this very moment, and is reachable again should it have failed."""
    fails: FailureKind | None = None
    """It gives no good answer from now on."""
    pace: timedelta | None = None
    """The time between two answers from now on, no time at all for none; None leaves it as it is."""
    restart: bool = False
    acknowledge: tuple[Acknowledge, ...] = ()
    silence: Hush | None = None
    expect: tuple[Expected, ...] | None = None
    """None for a step that looks at nothing."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Whatever is open of a rule is acknowledged at the step."""

    rule: str
    place: Place


@dataclass(frozen=True, slots=True)
class Case:
    """One test at one venue."""

    place: Place
    name: str
    site: Site
    account: Account
    receivers: tuple[Receiver, ...]
    start: datetime
    every: timedelta
    stale_after: timedelta
    max_age: timedelta
    strict: bool
    """A message that no step expects fails the test."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """One file of tests."""

    path: Path
    rules: tuple[str, ...]
    """The rule files, globs and packs that are tested; relative ones start from the file's folder."""
    cases: tuple[Case, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Everything wrong; the cases must not be run unless this is empty."""
