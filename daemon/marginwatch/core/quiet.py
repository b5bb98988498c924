"""Quiet hours of a receiver: within them, what is mild enough waits. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.core.hours import WeekHours


@dataclass(frozen=True, slots=True)
class Quiet:
    """When one receiver is told of nothing that can wait."""

    hours: WeekHours
    below: Severity = Severity.CRITICAL
    """What is milder waits for their end."""

    def until(self, severity: Severity, now: datetime) -> datetime | None:
        """When a message of that severity may go out; None: now."""
        return self.hours.ends(now) if severity < self.below else None
