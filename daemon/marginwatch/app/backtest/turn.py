"""One moment of the past as a source of observations gives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from marginwatch.core.engine import Answer
from marginwatch.core.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marginwatch.core.engine import News
    from marginwatch.core.model import Observation

NOTHING: Final = Seen()


@dataclass(slots=True)
class Turn:
    """What arrived at one moment."""

    at: datetime
    news: Sequence[News]
    revision: str = ""
    """Of the rules that decided on it live; empty where none did, or where detail was dropped since."""
    seen: Seen = field(default=NOTHING)
    """Of a live tick: when its process began, what operators wrote, when timers ran out, and what was looked at."""

    @property
    def plain(self) -> bool:
        """Nothing but news: no process began, no operator wrote, no timer ran out or had to wait, no clock was set."""
        seen = self.seen
        if seen is NOTHING:
            return True
        return not (seen or seen.began_at or seen.silent or seen.resumed or seen.crowded or seen.looked_again)

    def observations(self) -> Sequence[Observation]:
        """Those in the news."""
        return [each for item in self.news if isinstance(item, Answer) for each in item.normalised.observations]
