"""How fast one receiver may be sent to, so that a storm, a limit or an outage of it stays its own affair. Pure."""

from __future__ import annotations

AT_ONCE = 4
"""Sends of one receiver at the same time."""
BURST = 10
"""Sends that need not be spaced out after a quiet time."""
LONGEST_PAUSE = 30.0
"""Seconds between probes of a receiver that keeps failing."""
_GRAIN = 1e-6
"""A millionth of a send too few counts as a whole one."""


class Lane:
    """The state of sending to one receiver. Times are seconds on a monotonic clock."""

    def __init__(self, gap: float, now: float) -> None:
        """`gap` is how many seconds apart the service wants its sends, 0 for no matter."""
        self.gap = gap
        self.in_flight = 0
        self.failures = 0
        """Attempts in a row that were not taken."""
        self._not_before = now
        self._full_at = now
        """When the burst allowance is whole again."""

    def room(self, now: float) -> int:
        """How many sends may start. A receiver whose last attempt failed is probed with one at a time."""
        if now < self._not_before:
            return 0
        return max(0, min((1 if self.failures else AT_ONCE) - self.in_flight, self._allowance(now)))

    def ready_in(self, now: float) -> float | None:
        """Seconds until there is room without anything else happening; None when a send must end first."""
        if self.in_flight >= (1 if self.failures else AT_ONCE):
            return None
        spacing = self._full_at - (BURST - 1) * self.gap
        return max(0.0, self._not_before - now, spacing - now)

    def start(self, now: float) -> None:
        """A send begins."""
        self.in_flight += 1
        self._full_at = max(self._full_at, now) + self.gap

    def end(self) -> None:
        """A send is over, whatever became of it."""
        self.in_flight -= 1

    def taken(self) -> None:
        """The receiver answered that it has a message."""
        self.failures = 0

    def failed(self, now: float) -> None:
        """The receiver did not take a message: leave it alone for a little longer each time."""
        self.failures += 1
        self._not_before = now + min(LONGEST_PAUSE, 2.0 ** min(self.failures - 1, 8))

    def _allowance(self, now: float) -> int:
        if self.gap <= 0:
            return AT_ONCE
        used = max(0.0, self._full_at - now) / self.gap
        return max(0, int(BURST - used + _GRAIN))
