"""What is held back, by alert: as it is remembered, and as one tick changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marginwatch.core.state import Withheld


class Waiting:
    """Everything held back as of the latest commit; false when nothing is."""

    def __init__(self, rows: Iterable[Withheld] = ()) -> None:
        self._rows: dict[str, tuple[Withheld, ...]] = {}
        self._next: datetime | None = None
        self.take((), rows)

    def __bool__(self) -> bool:
        """Whether anything is held back."""
        return bool(self._rows)

    @property
    def rows(self) -> tuple[Withheld, ...]:
        """All of it: alert by alert, each in the order in which things happened."""
        return tuple(row for rows in self._rows.values() for row in rows)

    @property
    def alerts(self) -> list[str]:
        """Ids of the alerts of which something is held back."""
        return list(self._rows)

    @property
    def next(self) -> datetime | None:
        """When to look next; None when no time alone lets anything go."""
        return self._next

    def of(self, alert_id: str) -> tuple[Withheld, ...]:
        """What is held back of one alert, oldest first."""
        return self._rows.get(alert_id, ())

    def due(self, now: datetime) -> list[str]:
        """Ids of the alerts of which something is to be looked at again by now."""
        if self._next is None or now < self._next:
            return []
        return [
            alert_id
            for alert_id, rows in self._rows.items()
            if any(row.until is not None and row.until <= now for row in rows)
        ]

    def take(self, released: Iterable[str], withheld: Iterable[Withheld]) -> None:
        """Take over what a tick committed: of the released alerts nothing is held back but what is withheld anew."""
        released, withheld = tuple(released), tuple(withheld)
        if not released and not withheld:
            return
        for alert_id in released:
            self._rows.pop(alert_id, None)
        for row in withheld:
            alert_id = row.transition.alert_id
            self._rows[alert_id] = (*self._rows.get(alert_id, ()), row)
        ends = (row.until for rows in self._rows.values() for row in rows)
        self._next = min((end for end in ends if end is not None), default=None)


class Rows:
    """What one tick makes of it, laid over what is remembered without touching it."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._added: dict[str, list[Withheld]] = {}
        self._put: dict[str, tuple[Withheld, ...]] = {}

    def of(self, alert_id: str) -> tuple[Withheld, ...]:
        """What is held back of one alert as of now in this tick, oldest first."""
        before = self._put.get(alert_id)
        before = self._waiting.of(alert_id) if before is None else before
        return (*before, *self._added.get(alert_id, ()))

    def add(self, row: Withheld) -> None:
        """Hold one more back."""
        self._added.setdefault(row.transition.alert_id, []).append(row)

    def put(self, alert_id: str, rows: Iterable[Withheld]) -> None:
        """Hold these back of the alert, and nothing else."""
        self._put[alert_id] = tuple(rows)
        self._added.pop(alert_id, None)

    @property
    def released(self) -> tuple[str, ...]:
        """Ids of the alerts of which what was held back before is so no longer."""
        return tuple(alert_id for alert_id in self._put if self._waiting.of(alert_id))

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        """What is held back anew, that of the released ones included."""
        return tuple(row for found in (self._put, self._added) for rows in found.values() for row in rows)
