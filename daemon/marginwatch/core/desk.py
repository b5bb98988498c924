"""Where one tick's notices are made, and who was told is counted. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.core.route import ROUSING, Notice, Routed, Why
from marginwatch.core.state import Withheld

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from marginwatch.core.alert import Alert, Silence, Transition
    from marginwatch.core.audience import Audience


class Desk:
    """Counts who was told while one tick's notices are made."""

    def __init__(self, alerts: Mapping[str, Alert], audience: Audience) -> None:
        self.alerts = alerts
        self.audience = audience
        self.changed: dict[str, Alert] = {}
        self.notices: list[Notice] = []
        self.withheld: list[Withheld] = []
        self.transitions: list[Transition] = []

    def routed(self) -> Routed:
        """Everything decided so far."""
        return Routed(tuple(self.notices), self.changed, tuple(self.withheld), tuple(self.transitions))

    def tell(self, transition: Transition) -> None:
        """Tell whoever is to hear of it."""
        hearing = self._hearing(transition)
        if hearing:
            self.changed[transition.alert_id] = self.notify(transition, self.alert(transition.alert_id), hearing)

    def hold_back(self, transition: Transition, silence: Silence) -> None:
        """Keep it for the silence's end, even when nobody would hear of it: it says how the alert stands."""
        names = tuple(receiver for receiver, _ in self._hearing(transition))
        self.withheld.append(Withheld(transition, self.alert(transition.alert_id), silence.id, names))

    def alert(self, alert_id: str) -> Alert:
        """The alert, with the counts raised so far."""
        return self.changed.get(alert_id) or self.alerts[alert_id]

    def notify(self, transition: Transition, alert: Alert, hearing: Iterable[tuple[str, Why]]) -> Alert:
        """The alert with its counts raised."""
        for name, why in hearing:
            number = alert.told.get(name, 0) + 1
            roused = name in alert.roused or why not in ROUSING
            alert = replace(
                alert,
                told={**alert.told, name: number},
                roused=alert.roused if roused else (*alert.roused, name),
            )
            self.notices.append(Notice(transition, alert, name, number, why))
        return alert

    def _hearing(self, transition: Transition) -> list[tuple[str, Why]]:
        verdicts = self.audience.verdicts(transition, self.alert(transition.alert_id))
        return [(name, verdict.why) for name, verdict in verdicts.items() if verdict.why.tells]
