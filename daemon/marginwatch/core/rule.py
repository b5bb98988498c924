"""A rule as the engine sees it: checked, complete and independent of the file it came from."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch.core.fields import Unit
from marginwatch.errors import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from marginwatch.core.model import Severity


class RuleKind(enum.StrEnum):
    """The three kinds of rule."""

    LADDER = "ladder"
    """`value` and `levels`: a number and the limits it may cross."""
    CONDITION = "condition"
    """`when`: true or not."""
    EVENT = "event"
    """`on`: something changed against the last known observation."""
    HEALTH = "health"
    """Built in: marginwatch watching its own data, not written in a rule file."""


@dataclass(frozen=True, slots=True)
class Level:
    """One severity of a rule. Conditions, events and health rules have exactly one, without a limit."""

    severity: Severity
    operator: str = ""
    """`>`, `>=`, `<` or `<=`; empty without a limit."""
    limit: Decimal | None = None
    clear: Decimal | None = None
    """The value that must be reached on the good side to leave the level: `limit` moved by `clear_by`."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Which accounts a rule looks at; an empty tuple means all."""

    venues: tuple[str, ...] = ()
    """Venue names, globs."""
    accounts: tuple[str, ...] = ()
    """Account ids or names, globs."""
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flapping:
    """When an alert that comes and goes is kept open instead of being told each time."""

    times: int = 4
    """That many firings ..."""
    within: timedelta = timedelta(hours=1)
    """... in this time."""

    @property
    def calm(self) -> timedelta:
        """How long such an alert must be good before it is over: as far apart as so many firings would be."""
        return self.within / self.times


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Durations are measured on observation time."""

    id: str
    title: str
    kind: RuleKind
    levels: tuple[Level, ...]
    """Mildest first."""
    expression: str = ""
    """Source text of `value`, `when` or `on`."""
    unit: Unit = Unit.FLAG
    """Unit of the expression; of `value` for a ladder."""
    hold: timedelta = timedelta(0)
    """`for`: how long it must hold before it fires."""
    count: int = 1
    """How many observations in a row must show it before it fires, besides `hold`."""
    clear_for: timedelta = timedelta(0)
    worsens_by: Decimal | None = None
    remind_every: timedelta | None = None
    remind_then: tuple[timedelta, ...] = ()
    """How long after it each further reminder comes, the last of these over and over; empty: always `remind_every`."""
    flapping: Flapping | None = None
    """None: each firing is an alert of its own, however many there are."""
    summary: str = ""
    """Template of the message's summary; empty for the built-in text."""
    each: str = ""
    """`position` when the rule is evaluated per position, else empty."""
    retold: bool = False
    """It is told again when what is wrong is another matter, though it is as bad as before; of health rules alone."""
    of_group: bool = False
    """It is evaluated once for each group of accounts that it selects, over all of the group's accounts."""
    calendar: str = ""
    """Whose sessions its windows of a `session` are of; empty for the venue's."""
    sessions: str = ""
    """When those are, at all venues it is for, in words; empty where it has no such window."""
    runbook: str = ""
    """Where its messages say that there is to read what to do: a web address or a command; empty where nothing is."""
    selector: Selector = field(default_factory=Selector)
    place: Place = field(default_factory=lambda: Place("built in"))
    """Where it was written."""
    revision: str = ""
    """Hash of all that decides (not of title and texts); a change of it is told with the next message."""

    def remind_after(self, reminders: int) -> timedelta | None:
        """How long after the latest message the next reminder is due, when there were so many; None for never."""
        if not reminders or not self.remind_then:
            return self.remind_every
        return self.remind_then[min(reminders, len(self.remind_then)) - 1]
