"""The account of a test: what it answers now, as the venue would say it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.app.ruletest.model import Gap
from marginwatch.core.engine import Answer
from marginwatch.core.model import TIMES, CycleEnd, FailureKind, Normalised, Observation, VenueFailure, times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.app.ruletest.model import Case, Said, Step
    from marginwatch.core.engine import News
    from marginwatch.core.model import Value


class Answers:
    """Remembers what steps said, and answers accordingly."""

    def __init__(self, case: Case) -> None:
        self.fails: FailureKind | None = None
        """How it fails now; None while it answers."""
        self.latest: Observation | None = None
        """What it answered last."""
        self._case = case
        self._says: dict[str, Said] = {}
        self._positions: tuple[Mapping[str, Value], ...] | None = ()

    def follow(self, step: Step) -> None:
        """Answer from now on as the step says."""
        self._says.update(step.says)
        if step.positions is not Gap.MISSING:
            self._positions = step.positions
        if step.answers or step.fails is not None:
            self.fails = step.fails

    def answer(self, at: datetime) -> tuple[News, ...]:
        """One cycle of the venue."""
        venue, account = self._case.site.name, self._case.account
        end = CycleEnd(venue, at, at, attempted=0, failed=0)
        if self.fails is not None:
            detail = self.fails.value.replace("_", " ")
            return (VenueFailure(venue, self.fails, at, detail, account=account.key), end)
        fields = {name: said for name, said in self._says.items() if name not in TIMES and not isinstance(said, Gap)}
        self.latest = Observation(account.key, at, self._as_of(at), fields, self._positions)
        return (Answer(venue, Normalised((account,), (self.latest,))), end)

    def said(self, name: str) -> Said:
        """What it answered last of a field, the times that follow from its answer included."""
        seen = self.latest
        if seen is None:
            return Gap.MISSING
        return {**seen.fields, **times(seen.as_of, seen.fetched_at)}.get(name, Gap.MISSING)

    def _as_of(self, at: datetime) -> datetime | None:
        """The venue's own time of its numbers: now, unless a step said otherwise."""
        if "age" not in self._case.site.catalogue.fields:
            return None
        age, timestamp = self._says.get("age", Decimal(0)), self._says.get("timestamp")
        if isinstance(timestamp, datetime):
            return timestamp
        return at - timedelta(seconds=float(age)) if isinstance(age, Decimal) else None
