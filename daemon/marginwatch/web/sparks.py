"""The small lines of all accounts, begun with what is stored: a restart does not begin them anew."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Final

from marginwatch.store.errors import StoreError
from marginwatch.web.spark import LONGEST, MOST, Spark

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from marginwatch.core.model import AccountKey
    from marginwatch.store.course import Courses
    from marginwatch.web.snapshot import Snapshot

METRIC: Final = "margin_usage"
AT_ONCE: Final = 50
"""Lines begun at one turn: of 1,000 accounts all are there after twenty."""
_PAST: Final = MOST // 2
"""Points a line begins with, so that there is room for more."""


class Sparks:
    """One line an account; used on one thread at a time."""

    def __init__(self, courses: Courses) -> None:
        self._courses = courses
        self._lines: dict[AccountKey, Spark] = {}

    def sample(self, now: Snapshot) -> None:
        """Note how much margin each account uses, and begin lines that there are not yet."""
        for gone in self._lines.keys() - now.accounts.keys():
            del self._lines[gone]
        self._begin(tuple(islice((key for key in now.accounts if key not in self._lines), AT_ONCE)), now)
        for key, spark in self._lines.items():
            state = now.accounts[key]
            usage = state.known.get(METRIC)
            if state.observed_at is not None and isinstance(usage, Decimal):
                spark.add(state.observed_at, usage)

    def line(self, key: AccountKey) -> Spark | None:
        """The account's line; None where its turn has not come."""
        return self._lines.get(key)

    def _begin(self, keys: Collection[AccountKey], now: Snapshot) -> None:
        if not keys:
            return
        past: dict[AccountKey, list[tuple[datetime, Decimal]]] = {}
        with suppress(StoreError):  # what is remembered can still be shown
            past = self._courses.sketches(keys, METRIC, now.at - LONGEST, now.at, _PAST)
        for key in keys:
            self._lines[key] = Spark(past.get(key, ()))
