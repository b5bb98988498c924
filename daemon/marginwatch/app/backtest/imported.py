"""The past as `backfill` imported it: each snapshot seen at its own time."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from marginwatch.app.backtest.turn import Turn
from marginwatch.core.engine import Answer
from marginwatch.core.model import Normalised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from marginwatch.core.model import Account
    from marginwatch.store.imported import Imports, Span

_SEEN: Final = attrgetter("fetched_at")


class ImportedPast:
    """Every imported observation of a span of time, oldest first; before them, who the accounts are."""

    def __init__(self, imports: Imports, span: Span) -> None:
        self.thinned_until: datetime | None = None
        """Nothing is dropped from what was imported."""
        self.columns: frozenset[str] | None = None
        """Any field may come."""
        self._imports = imports
        self._span = span

    def __iter__(self) -> Iterator[Turn]:
        listings = self._listings()
        for at, group in groupby(self._imports.observations(None, self._span), _SEEN):
            yield Turn(
                at, [*listings, *(Answer(each.account.venue, Normalised(observations=(each,))) for each in group)]
            )
            listings = []

    def _listings(self) -> list[Answer]:
        """One for each venue: rules and config select accounts by name, too."""
        by_venue: dict[str, list[Account]] = {}
        for account in self._imports.accounts():
            by_venue.setdefault(account.key.venue, []).append(account)
        return [Answer(venue, Normalised(listing=tuple(found))) for venue, found in by_venue.items()]
