"""Time that a test moves on by hand, for the whole program at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from marginwatch import clock
from marginwatch.venues.architect import assembly

if TYPE_CHECKING:
    import pytest

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


class ManualClock:
    """The wall clock stands still until it is pushed; the monotonic one also runs, so that real exchanges can end."""

    def __init__(self) -> None:
        self._monotonic = clock.monotonic
        self._pushed = timedelta(0)

    def now(self) -> datetime:
        """The wall clock."""
        return START + self._pushed

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._monotonic() + self._pushed.total_seconds()

    def push(self, seconds: float) -> None:
        """Let so much time pass at once. Not during an exchange: its deadline would pass with it."""
        self._pushed += timedelta(seconds=seconds)

    def rule(self, patch: pytest.MonkeyPatch) -> None:
        """Be the program's clock from now on."""
        patch.setattr(clock, "now", self.now)
        patch.setattr(clock, "monotonic", self.monotonic)
        assert assembly.assemble.__kwdefaults__ is not None
        patch.setitem(assembly.assemble.__kwdefaults__, "monotonic", self.monotonic)
