"""What each rule told: its episodes from firing to end, how often it paged, and how many messages that made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from marginwatch.core.alert import Reason, State, Status
from marginwatch.core.rule import Flapping

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from marginwatch.app.replay import Moment
    from marginwatch.core.alert import Transition
    from marginwatch.core.model import Severity
    from marginwatch.core.result import AlertKey

FLAPS_WITHIN: Final = Flapping().calm
"""An alert that resolved and fires again within this time flapped, as does one that is kept open for flapping."""


@dataclass(slots=True)
class Episode:
    """One alert from its firing to its end; an event ends when it happens."""

    key: AlertKey
    fired_at: datetime
    severities: list[tuple[datetime, Severity]]
    """Each with the time from which on it held."""
    ended_at: datetime | None = None
    """None while it is open."""
    event: bool = False

    def open_at(self, at: datetime) -> bool:
        """Whether it was firing then, the moment of its end excluded, unless it had fired in that very moment."""
        return self.fired_at <= at and (self.ended_at is None or at < self.ended_at or at == self.fired_at)

    def severity_in(self, since: datetime, until: datetime) -> Severity | None:
        """The worst it was in a stretch of time; None when it was not open in it."""
        if self.fired_at >= until or (self.ended_at is not None and self.ended_at < since):
            return None
        worst = None
        for place, (start, severity) in enumerate(self.severities):
            end = self.severities[place + 1][0] if place + 1 < len(self.severities) else self.ended_at
            if start < until and (end is None or end >= since):
                worst = severity if worst is None else max(worst, severity)
        return worst


@dataclass(slots=True)
class Told:
    """What one rule told in the span."""

    episodes: list[Episode] = field(default_factory=list)
    pages: list[tuple[AlertKey, datetime, Severity]] = field(default_factory=list)
    """Every firing and event, and every rise to a higher level."""
    messages: int = 0
    """To all receivers together, what tells of the end and reminders included."""
    flapped: int = 0
    """Firings soon after the one before was over, and those of alerts kept open for it."""
    open_before: int = 0
    """Alerts that were firing already when the span began."""


class Ledger:
    """Follows the alerts of every rule through the moments of a replay; what lies before `since` only prepares."""

    def __init__(self, since: datetime) -> None:
        self.rules: dict[str, Told] = {}
        self._since = since
        self._open: dict[AlertKey, Episode] = {}
        self._resolved: dict[AlertKey, datetime] = {}

    def take(self, moment: Moment) -> None:
        """Note what was decided then."""
        for step in moment.transitions:
            self._step(step)
        if moment.at >= self._since:
            told = Counter(notice.transition.key.rule for notice in moment.decision.notices)
            for rule, messages in told.items():
                self.of(rule).messages += messages

    def of(self, rule: str) -> Told:
        """What the rule told so far."""
        return self.rules.setdefault(rule, Told())

    def finish(self) -> None:
        """Close the books: what fired before the span and is in it still belongs to it, but was no page of it."""
        for episode in self._open.values():
            self._keep(episode)

    def _step(self, step: Transition) -> None:
        if step.state is State.EVENT:
            self._page(step)
            self._keep(Episode(step.key, step.at, [(step.at, step.severity)], step.at, event=True))
        elif step.after is Status.FIRING and step.before is not Status.FIRING:
            self._fire(step)
        elif step.before is Status.FIRING and step.after is not Status.FIRING:
            self._end(step)
        elif step.reason is Reason.FIRED_AGAIN:
            self._flap(step)
        elif step.key in self._open and step.reason in {Reason.HIGHER_LEVEL, Reason.LOWER_LEVEL}:
            self._open[step.key].severities.append((step.at, step.severity))
            if step.reason is Reason.HIGHER_LEVEL:
                self._page(step)

    def _fire(self, step: Transition) -> None:
        self._open[step.key] = Episode(step.key, step.at, [(step.at, step.severity)])
        self._page(step)
        resolved = self._resolved.pop(step.key, None)
        if resolved is not None and step.at - resolved <= FLAPS_WITHIN:
            self._flap(step)

    def _flap(self, step: Transition) -> None:
        if step.at >= self._since:
            self.of(step.key.rule).flapped += 1

    def _end(self, step: Transition) -> None:
        episode = self._open.pop(step.key, None)
        if step.after is Status.RESOLVED:
            self._resolved[step.key] = step.at
        if episode is not None:
            episode.ended_at = step.at
            self._keep(episode)

    def _page(self, step: Transition) -> None:
        if step.at >= self._since:
            self.of(step.key.rule).pages.append((step.key, step.at, step.severity))

    def _keep(self, episode: Episode) -> None:
        if episode.ended_at is not None and episode.ended_at < self._since:
            return
        told = self.of(episode.key.rule)
        told.episodes.append(episode)
        told.open_before += episode.fired_at < self._since


def spans(episodes: Iterable[Episode], until: datetime) -> list[timedelta]:
    """How long each was open, those still open up to the end of the span; shortest first. Events have no length."""
    return sorted((each.ended_at or until) - each.fired_at for each in episodes if not each.event)
