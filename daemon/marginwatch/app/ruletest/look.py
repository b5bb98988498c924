"""One look at what the engine remembers and told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.core.alert import Status

if TYPE_CHECKING:
    from datetime import datetime

    from marginwatch.app.ruletest.answers import Answers
    from marginwatch.app.ruletest.binding import Bound
    from marginwatch.app.ruletest.model import Expected, Step
    from marginwatch.core.alert import Alert, State, Transition
    from marginwatch.core.memory import Memory
    from marginwatch.core.result import AlertKey
    from marginwatch.core.route import Notice
    from marginwatch.core.state import Message


@dataclass(frozen=True, slots=True)
class Telling:
    """One message to one receiver."""

    at: datetime
    notice: Notice
    message: Message


@dataclass(frozen=True, slots=True)
class Look:
    """All that a step can see."""

    bound: Bound
    step: Step
    since: datetime
    """The look before."""
    memory: Memory
    answers: Answers
    transitions: tuple[Transition, ...]
    """Those since the look before, as `tellings` are."""
    tellings: tuple[Telling, ...]

    def alert(self, expected: Expected) -> Alert | None:
        """The open alert that is meant: the worst of several."""
        found = [alert for alert in self.memory.alerts() if meant(expected, alert.key)]
        return max(found, key=lambda alert: (alert.status is Status.FIRING, alert.severity), default=None)

    def steps(self, expected: Expected) -> list[Transition]:
        """What the alerts that are meant went through."""
        return [each for each in self.transitions if meant(expected, each.key)]

    def heard(self, expected: Expected) -> tuple[Telling, ...]:
        """What anybody heard of the alerts that are meant."""
        return tuple(each for each in self.tellings if meant(expected, each.notice.transition.key))

    def blind(self, expected: Expected) -> bool:
        """Whether it cannot be said how things are."""
        alert, case = self.alert(expected), self.bound.case
        if alert is not None:
            return alert.unknown_since is not None
        rules = self.bound.ruling.venues[case.site.name].rules.for_account(case.account, {})
        if expected.rule not in rules.numbers:
            return False
        state = self.memory.accounts.get(case.account.key)
        if state is None or state.fetched_at is None or self.answers.fails is not None:
            return True
        return expected.rule in state.blind or self.step.at - state.fetched_at >= case.stale_after


def meant(expected: Expected, key: AlertKey) -> bool:
    """Whether an alert is one of those that are expected."""
    return expected.rule == key.rule and expected.subject in {None, key.subject}


def told(tellings: tuple[Telling, ...]) -> tuple[State, ...]:
    """What was told, in order, each message once however many heard of it."""
    return tuple({id(each.notice.transition): each.message.state for each in tellings}.values())
