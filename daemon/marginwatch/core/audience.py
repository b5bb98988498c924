"""Who hears of a transition as of one tick: now, at a later time, or not at all, and why. Pure.

nothing to tell, too mild, its own failure     -> not at all
no route takes the alert                       -> everybody, so that nothing falls silent
a route that takes it names the receiver       -> now, or when the route's hours begin
the receiver was told of the alert before      -> of its end and how it goes on, whatever the routes say by now
critical, and all hours of all routes are over -> now, all the same
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from marginwatch.core.alert import Reason, State
from marginwatch.core.escalation import called
from marginwatch.core.model import Account, Severity
from marginwatch.core.route import Verdict, Why, concerns, decide
from marginwatch.core.routing import Routes, until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Alert, Transition
    from marginwatch.core.model import AccountKey
    from marginwatch.core.result import AlertKey
    from marginwatch.core.route import Receiver
    from marginwatch.core.routing import Route

_PLAIN: Final = {why: Verdict(why) for why in Why}
_OVER = frozenset({State.EASED, State.RESOLVED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class Audience:
    """Everybody who may hear, as of one tick."""

    receivers: Sequence[Receiver]
    now: datetime
    routes: Routes = field(default_factory=Routes)
    accounts: Mapping[AccountKey, Account] = field(default_factory=dict)
    """Those that transitions are about; one that is not there is known by its id alone."""
    called: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Who is called by a step of a ladder in this tick, by alert_id."""
    stand_ins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By receiver that cannot be reached: who hears in its place, and why as half a sentence."""

    def verdicts(self, transition: Transition, alert: Alert) -> dict[str, Verdict]:
        """What every receiver, by name, is to hear of the transition; `alert` with the counts of who was told so far.

        Silences, maintenance and hours of a receiver's own are not looked at.
        """
        if transition.reason is Reason.ESCALATED:
            return {each.name: self._call(transition, each) for each in self.receivers}
        if not self.routes:
            return {each.name: _PLAIN[decide(transition, each, alert)] for each in self.receivers}
        taken = self.taken(transition.key)
        leading = [route for route in taken if transition.severity in route.severities]
        named = {name for route in leading for name in route.receivers}
        everybody = not any(each.name in named and not concerns(transition.key, each.name) for each in self.receivers)
        found = {
            each.name: self._verdict(decide(transition, each, alert), each, alert, leading, taken, everybody=everybody)
            for each in self.receivers
        }
        critical = transition.severity is Severity.CRITICAL and transition.state not in _OVER
        if critical and not any(verdict.hears_now for verdict in found.values()):
            return {name: self._roused(verdict) for name, verdict in found.items()}
        return found

    def taken(self, key: AlertKey) -> tuple[Route, ...]:
        """The routes of an alert, of whatever severity."""
        account = self.accounts.get(key.account) or Account(key.account, key.account.id)
        return self.routes.of(account, key.rule)

    def _verdict(
        self,
        why: Why,
        receiver: Receiver,
        alert: Alert,
        leading: Sequence[Route],
        taken: Sequence[Route],
        *,
        everybody: bool,
    ) -> Verdict:
        if why in {Why.SEVERE_ENOUGH, Why.TOO_MILD} and receiver.name in called(taken, alert):
            return Verdict(Why.ESCALATED)
        if not why.tells or receiver.name in alert.roused:
            return Verdict(why)
        ways = [route for route in leading if receiver.name in route.receivers]
        if not ways and receiver.name in alert.told:
            why, ways = Why.WAS_TOLD, [route for route in taken if receiver.name in route.receivers]
        elif not ways and not everybody:
            return Verdict(Why.NOT_ROUTED)
        later = until(ways, self.now)
        return Verdict(why) if later is None else Verdict(why, later[0], later[1].name)

    def _call(self, transition: Transition, receiver: Receiver) -> Verdict:
        wanted = receiver.name in self.called.get(transition.alert_id, ())
        return Verdict(Why.ESCALATED if wanted and not concerns(transition.key, receiver.name) else Why.NOT_ROUTED)

    @staticmethod
    def _roused(verdict: Verdict) -> Verdict:
        return verdict if verdict.until is None else replace(verdict, why=Why.NOBODY_ON_DUTY, until=None)
