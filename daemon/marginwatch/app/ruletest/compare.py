"""What a step expects held against what there is to be seen, and every difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from marginwatch.app.ruletest.look import told
from marginwatch.app.ruletest.model import Phase
from marginwatch.app.ruletest.saw import saw
from marginwatch.app.ruletest.values import read_number
from marginwatch.core import health
from marginwatch.core.alert import Status
from marginwatch.notify.words import amount, span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from marginwatch.app.ruletest.look import Look, Telling
    from marginwatch.app.ruletest.model import Acknowledge, Expected
    from marginwatch.core.alert import State
    from marginwatch.errors import Place

NOTHING: Final = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected."""

    what: str
    """`state`, `severity`, `told` and so on, as the keys of a test."""
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met."""

    place: Place
    at: datetime
    rule: str
    """With the position behind a slash, where it is about one."""
    differences: tuple[Difference, ...]
    saw: tuple[str, ...]
    """What the rule saw, a sentence each."""
    tellings: tuple[Telling, ...]
    """Every message of the rule since the look before."""
    since: datetime
    """When that was."""


def failures(look: Look) -> tuple[Failure, ...]:
    """Every expectation of the step that is not met, and every message that none of them is about."""
    found = (_failure(look, expected) for expected in look.step.expect or ())
    return (*(failure for failure in found if failure is not None), *unexpected(look))


def unexpected(look: Look) -> tuple[Failure, ...]:
    """Messages of rules that the step expects nothing of."""
    if not look.bound.case.strict:
        return ()
    expected = {each.rule for each in look.step.expect or ()}
    told_of = dict.fromkeys(each.notice.transition.key.rule for each in look.tellings)
    return tuple(_surprise(look, rule) for rule in told_of if rule not in expected and rule not in health.RULES)


def nothing_to_acknowledge(look: Look, wish: Acknowledge) -> Failure:
    """There is no alert of the rule."""
    difference = Difference("ack", "an open alert", "none is open")
    seen = saw(look, wish.rule)
    return Failure(wish.place, look.step.at, wish.rule, (difference,), seen, (), look.since)


def _surprise(look: Look, rule: str) -> Failure:
    tellings = tuple(each for each in look.tellings if each.notice.transition.key.rule == rule)
    difference = Difference("told", f"{NOTHING} of this rule", _listed(told(tellings)))
    seen = saw(look, rule)
    return Failure(look.step.place, look.step.at, rule, (difference,), seen, tellings, look.since)


def _failure(look: Look, expected: Expected) -> Failure | None:
    differences = tuple(_Comparison(look, expected).differences())
    if not differences:
        return None
    place = expected.places.get(differences[0].what) or expected.places.get("state") or expected.place
    called = expected.rule if expected.subject is None else f"{expected.rule}/{expected.subject}"
    seen = saw(look, expected.rule, expected.subject)
    return Failure(place, look.step.at, called, differences, seen, look.heard(expected), look.since)


class _Comparison:
    """One expectation held against what is there."""

    def __init__(self, look: Look, expected: Expected) -> None:
        self._look = look
        self._expected = expected
        self._alert = look.alert(expected)
        self._transitions = look.steps(expected)
        self._tellings = look.heard(expected)

    def differences(self) -> Iterator[Difference]:
        """Everything that is not as expected, what matters most first."""
        yield from self._phase()
        yield from self._unknown()
        yield from self._flapping()
        yield from self._severity()
        yield from self._value()
        yield from self._told()
        yield from self._receivers()
        yield from self._text()

    def _phase(self) -> Iterator[Difference]:
        wanted, found = self._expected.phase, self._found_phase()
        lenient = not self._look.bound.case.strict and wanted is Phase.INACTIVE and found is Phase.RESOLVED
        if wanted is not None and wanted is not found and not lenient:
            yield Difference("state", wanted.value, self._phase_words(found))

    def _found_phase(self) -> Phase:
        if self._alert is not None:
            return Phase.FIRING if self._alert.status is Status.FIRING else Phase.PENDING
        resolved = any(each.after is Status.RESOLVED for each in self._transitions)
        return Phase.RESOLVED if resolved else Phase.INACTIVE

    def _phase_words(self, phase: Phase) -> str:
        alert = self._alert
        if alert is None:
            return phase.value
        since = f"seen for {span(alert.observed_at - alert.active_at)}"
        hold = self._look.bound.ruling.rules[alert.key.rule].hold
        wait = f", and `for` is {span(hold)}" if phase is Phase.PENDING and hold else ""
        return f"{phase.value} ({alert.severity.label}, {since}{wait})"

    def _unknown(self) -> Iterator[Difference]:
        wanted, found = self._expected.unknown, self._look.blind(self._expected)
        if wanted is not None and wanted is not found:
            words = {True: "it cannot be decided", False: "it can be decided"}
            yield Difference("unknown", words[wanted], words[found])

    def _flapping(self) -> Iterator[Difference]:
        wanted = self._expected.flapping
        found = self._alert is not None and self._alert.flapping_since is not None
        if wanted is not None and wanted is not found:
            words = {True: "it flaps", False: "it does not flap"}
            yield Difference("flapping", words[wanted], words[found])

    def _severity(self) -> Iterator[Difference]:
        wanted = self._expected.severity
        latest = self._alert or (self._transitions[-1] if self._transitions else None)
        found = None if latest is None else latest.severity
        if wanted is not None and wanted is not found:
            yield Difference("severity", wanted.label, "no alert" if found is None else found.label)

    def _value(self) -> Iterator[Difference]:
        node = self._expected.value
        if node is None:
            return
        rule = self._look.bound.ruling.rules[self._expected.rule]
        wanted = read_number("value", rule.unit, node)
        latest = self._alert or (self._transitions[-1] if self._transitions else None)
        found = None if latest is None else latest.value
        if wanted != found:
            shown = "no alert" if found is None else amount(found, rule.unit)
            yield Difference("value", str(node.value), shown)

    def _told(self) -> Iterator[Difference]:
        wanted = self._expected.told
        found = told(self._tellings)
        if wanted is not None and found not in wanted:
            yield Difference("told", " or ".join(dict.fromkeys(_listed(each) for each in wanted)), _listed(found))

    def _receivers(self) -> Iterator[Difference]:
        wanted = self._expected.receivers
        found = tuple(sorted({each.notice.receiver for each in self._tellings}))
        if wanted is not None and wanted != found:
            yield Difference("receivers", ", ".join(wanted) or "nobody", ", ".join(found) or "nobody")

    def _text(self) -> Iterator[Difference]:
        texts = [f"{each.message.title}\n{each.message.body}" for each in self._tellings]
        for wanted in self._expected.text:
            if not any(wanted in text for text in texts):
                found = "in no message" if texts else "no message"
                yield Difference("text", f"`{wanted}`", found)


def _listed(states: tuple[State, ...]) -> str:
    return ", then ".join(state.value for state in states) or NOTHING
