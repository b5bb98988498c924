"""What was decided when it happened: the stored steps of one rule's alerts on one account, around a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from marginwatch.core.alert import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.model import AccountKey
    from marginwatch.store.history import History

FARTHEST: Final = timedelta(days=31)
"""How far back steps are looked for."""
OPEN: Final = frozenset({Status.PENDING, Status.FIRING})
_AFTER: Final = timedelta(hours=1)
"""How long after a moment of the past its steps are worth telling."""
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Record:
    """The steps, oldest first."""

    steps: tuple[Transition, ...]
    at: datetime

    @classmethod
    def of(cls, history: History, rule: str, account: AccountKey, at: datetime) -> Self:
        """Those of the month before the moment and of the hour after it."""
        return cls(tuple(history.transitions_between(at - FARTHEST, at + _AFTER, rule=rule, account=account)), at)

    def latest(self) -> dict[str, Transition]:
        """The latest step by then of each subject, the subject with the latest step last."""
        found: dict[str, Transition] = {}
        for step in self.steps:
            if step.at <= self.at:
                found.pop(step.key.subject, None)
                found[step.key.subject] = step
        return found

    def open(self) -> Iterator[Transition]:
        """The latest steps of the alerts that were open then."""
        return (step for step in self.latest().values() if step.after in OPEN)

    def near(self, subject: str) -> Iterator[Transition]:
        """The last steps by then, and the first after it."""
        steps = [step for step in self.steps if step.key.subject == subject]
        yield from [step for step in steps if step.at <= self.at][-_MOST:]
        yield from [step for step in steps if step.at > self.at][:_MOST]

    def agrees(self, alert: Alert | None, subject: str) -> bool:
        """Whether that is what was recorded: the same state, as bad. How bad it is while pending is no step."""
        recorded = self.latest().get(subject)
        if recorded is None or recorded.after not in OPEN:
            return alert is None
        if alert is None or alert.status is not recorded.after:
            return False
        return alert.status is Status.PENDING or alert.severity is recorded.severity
