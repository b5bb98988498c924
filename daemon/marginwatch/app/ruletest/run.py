"""Runs one test: the engine in virtual time, the account answering as live, and a look at every step that expects.

for each step:
    answers and timers before it     -> ticks, each at its own instant
    what the step says               -> a restart, an operator's wish, a new answer
    what the step expects            -> compared with what the engine remembers and what it told
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marginwatch.app.replay import Replay
from marginwatch.app.ruletest.answers import Answers
from marginwatch.app.ruletest.compare import failures, nothing_to_acknowledge, unexpected
from marginwatch.app.ruletest.cover import covered
from marginwatch.app.ruletest.kept import Kept
from marginwatch.app.ruletest.look import Look, Telling
from marginwatch.core.alert import Acknowledgement, Silence
from marginwatch.core.engine import Wishes
from marginwatch.core.rule import RuleKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from marginwatch.app.replay import Moment
    from marginwatch.app.ruletest.binding import Bound
    from marginwatch.app.ruletest.compare import Failure
    from marginwatch.app.ruletest.cover import Cover
    from marginwatch.app.ruletest.model import Case, Step
    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import News

OPERATOR = "test"
"""Who acknowledges and silences in a test."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test went."""

    bound: Bound
    failures: tuple[Failure, ...]
    """Those of the first step that failed; what follows from it would only hide it."""
    shown: frozenset[tuple[str, Cover]]
    """What was shown of which rule."""

    @property
    def case(self) -> Case:
        """The test."""
        return self.bound.case

    @property
    def passed(self) -> bool:
        """Everything was as expected."""
        return not self.failures


def run(bound: Bound) -> Outcome:
    """Play the test to its end, or to the first step that is not as expected."""
    play = _Play(bound)
    shown: set[tuple[str, Cover]] = set()
    failed: tuple[Failure, ...] = ()
    for step in bound.case.steps:
        failed = play.step(step)
        if failed:
            break
        shown |= covered(step, play.look(step), restarted=play.restarted)
        if step.expect is not None:
            play.looked(step)
    else:
        failed = play.leftovers()
    return Outcome(bound, failed, frozenset(shown))


class _Play:
    """One test under way."""

    def __init__(self, bound: Bound) -> None:
        case = self._case = bound.case
        self.restarted: frozenset[str] = frozenset()
        """Rules that had something to lose in a restart."""
        self._bound = bound
        self._replay = Replay(bound.ruling)
        self._kept = Kept()
        self._answers = Answers(case)
        self._pace = case.every
        self._next: datetime | None = None
        """When the account answers next."""
        self._last_look = case.start
        self._transitions: list[Transition] = []
        """Those since the last look, as `_tellings` are."""
        self._tellings: list[Telling] = []
        self._silences = 0
        self._take(self._replay.start(case.start))

    def step(self, step: Step) -> tuple[Failure, ...]:
        """Everything up to the step and in it; what was not as expected."""
        self._pass_time(step.at)
        if step.restart:
            self._restart(step.at)
        failed = self._act(step)
        return failed or (() if step.expect is None else failures(self.look(step)))

    def look(self, step: Step) -> Look:
        """What there is to be seen at the step."""
        return Look(
            bound=self._bound,
            step=step,
            since=self._last_look,
            memory=self._replay.memory,
            answers=self._answers,
            transitions=tuple(self._transitions),
            tellings=tuple(self._tellings),
        )

    def looked(self, step: Step) -> None:
        """The step saw what happened so far."""
        self._transitions.clear()
        self._tellings.clear()
        self._last_look = step.at

    def leftovers(self) -> tuple[Failure, ...]:
        """Messages after the last step that expects something."""
        last = replace(self._case.steps[-1], expect=())
        return unexpected(self.look(last))

    def _pass_time(self, until: datetime) -> None:
        """The answers and the timers before a moment."""
        while self._next is not None and self._next < until:
            at = self._next
            self._elapse(at)
            self._feed(self._answers.answer(at), at)
            self._next = at + self._pace if self._pace else None
        self._elapse(until)

    def _act(self, step: Step) -> tuple[Failure, ...]:
        """What the step itself brings."""
        self._answers.follow(step)
        if step.pace is not None:
            self._pace = step.pace
        first = self._answers.latest is None and self._next is None
        asked = step.answers or step.fails is not None or (first and bool(self._pace))
        due = self._next is not None and self._next <= step.at
        silenced = self._silence(step)
        self._feed(self._answers.answer(step.at) if asked or due else (), step.at, silenced)
        if asked or due or step.pace is not None:
            self._next = step.at + self._pace if self._pace else None
        return self._acknowledge(step)

    def _elapse(self, until: datetime) -> None:
        for moment in self._replay.elapse(until):
            self._take(moment)

    def _feed(self, news: Iterable[News], at: datetime, wishes: Wishes | None = None) -> None:
        self._take(self._replay.feed(news, at, wishes))

    def _take(self, moment: Moment) -> None:
        self._kept.commit(moment)
        self._transitions += moment.transitions
        # The words are made now: they tell what is known at this moment.
        for notice, message in zip(moment.decision.notices, moment.messages(), strict=True):
            self._tellings.append(Telling(moment.at, notice, message))

    def _restart(self, at: datetime) -> None:
        """A new process, which knows what was stored and nothing else."""
        known = (alert.key.rule for alert in self._replay.memory.alerts())
        events = (
            rule.id for rule in self._bound.rules.values() if rule.kind is RuleKind.EVENT and self._answers.latest
        )
        self.restarted |= frozenset((*known, *events))
        self._take(self._replay.start(at, self._kept.prior(), self._kept.observations))

    def _silence(self, step: Step) -> Wishes | None:
        """Silences begin before the answer."""
        if step.silence is None:
            return None
        self._silences += 1
        ends = step.at + step.silence.length
        silence = Silence(self._silences, OPERATOR, "", step.at, ends, rule=step.silence.rule)
        self._kept.silences = (*self._kept.silences, silence)
        return Wishes(silences=self._kept.silences)

    def _acknowledge(self, step: Step) -> tuple[Failure, ...]:
        """Whoever acknowledges has seen the answer; what is not there to be acknowledged."""
        failed = []
        for wish in step.acknowledge:
            found = [alert for alert in self._replay.memory.alerts() if alert.key.rule == wish.rule]
            if not found:
                failed.append(nothing_to_acknowledge(self.look(step), wish))
            for alert in found:
                given = Acknowledgement(alert.alert_id, OPERATOR, "", step.at, None)
                self._kept.acknowledgements[alert.alert_id] = given
        if step.acknowledge:
            self._feed((), step.at, Wishes(acknowledgements=dict(self._kept.acknowledgements)))
        return tuple(failed)
