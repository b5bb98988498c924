"""What a backfill is asked to do, what can be wrong with that, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.config.suggest import did_you_mean
from marginwatch.errors import MarginwatchError
from marginwatch.notify.words import span as length

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from marginwatch.core.model import Account
    from marginwatch.store.imported import Span


@dataclass(frozen=True, slots=True)
class Request:
    """One backfill."""

    span: Span
    step: timedelta
    """Between two observations."""
    venue: str | None = None
    """Its name in the config; None for all that keep a history."""
    accounts: tuple[str, ...] = ()
    """Globs on id, name or VENUE/ID; empty for all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one account, or of a venue whose accounts are not known."""

    venue: str
    account: Account | None
    imported: int = 0
    there: int = 0
    """Imported observations of the span, those of earlier runs included."""
    trouble: str = ""
    """One sentence; empty when all went well."""

    @property
    def label(self) -> str:
        """Whose it is, for a person."""
        return self.venue if self.account is None else f"{self.venue}/{self.account.name}"


class NoSuchVenueError(MarginwatchError):
    """A venue that is asked for is not in the config."""

    def __init__(self, venue: str, known: Sequence[str]) -> None:
        hint = did_you_mean(venue, known) or f"the config has {', '.join(known)}"
        super().__init__(f"there is no venue {venue}; {hint}")


class NoHistoryError(MarginwatchError):
    """None of the venues asked for keeps a history."""

    def __init__(self, venues: Sequence[tuple[str, str]]) -> None:
        """`venues` are names and kinds."""
        named = " and ".join(f"{name} ({kind})" for name, kind in venues)
        verb = "offers" if len(venues) == 1 else "offer"
        super().__init__(f"{named} {verb} no history of accounts: there is nothing to import")


class NoSuchStepError(MarginwatchError):
    """A venue keeps no history so far apart."""

    def __init__(self, venue: str, step: timedelta, known: Sequence[timedelta]) -> None:
        there = ", ".join(map(length, sorted(known)))
        super().__init__(f"{venue} keeps no history of every {length(step)}; it has every {there}")
