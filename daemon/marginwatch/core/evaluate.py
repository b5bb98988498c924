"""Look at one account's observation with the rules that apply to it.

    screen every rule at once -> the few not known to be false -> a result each, and why where it is unknown

Nearly always the screen finds nothing and no alert is open: then nothing else runs and nothing is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from marginwatch.core.applied import BREAKS, AccountRules, Applied, VenueRules, revision
from marginwatch.core.because import Blame, Sight, no_positions
from marginwatch.core.judging import false, judge, nameless, subjects
from marginwatch.core.result import AlertKey, Known, Occurred, Result, Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.model import Observation, Value
    from marginwatch.core.rule import Rule
    from marginwatch.core.state import AccountState
    from marginwatch.core.windows import Answers, Coverage

__all__ = ["QUIET", "AccountRules", "Evaluated", "VenueRules", "evaluate", "revision", "unknown_everywhere"]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What looking at one account gave."""

    results: tuple[Result, ...] = ()
    """What is not false, and of every alert that was open whatever it is now."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Rules of which it cannot be said whether they hold, and why. A rule that reads nothing but optional calls the
    venue does not offer for this login is not among them."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """Rules whose evaluation failed, and how; they are unknown too, and no other rule is touched by it."""


QUIET: Final = Evaluated()
"""Every rule is known to be false and no alert is open."""


def evaluate(
    rules: AccountRules,
    observation: Observation,
    state: AccountState,
    live: Collection[AlertKey],
    past: Answers | None = None,
) -> Evaluated:
    """What the rules say of an observation.

    `state` is what was known before, `live` are the open alerts, and `past` answers for the windows of the rules as of
    this observation; without it they are unknown.
    """
    fields = rules.facts(observation)
    if past is not None:
        fields = {**fields, **past.values()}
    alarmed = rules.alarmed(fields, state.known, observation.positions)
    if not alarmed and not live:
        return QUIET
    watched = _by_rule(rules, live)
    look = _Look(rules, replace(observation, fields=fields), state, past)
    for number in sorted({*alarmed, *watched}):
        look.at(rules.applied[number], watched.get(number, ()))
    return Evaluated(tuple(look.results), look.unknown, look.broken)


def unknown_everywhere(rules: AccountRules, live: Collection[AlertKey], because: str, at: datetime) -> Evaluated:
    """What the rules say when there is no answer, or none fit to be used: nothing, for the reason given."""
    results = (
        Result(key, Unknown(because), observed_at=at, fetched_at=at) for key in live if key.rule in rules.numbers
    )
    return Evaluated(tuple(results), dict.fromkeys(rules.numbers, because))


def _by_rule(rules: AccountRules, live: Collection[AlertKey]) -> dict[int, list[AlertKey]]:
    found: dict[int, list[AlertKey]] = {}
    for key in live:
        number = rules.numbers.get(key.rule)
        if number is not None:
            found.setdefault(number, []).append(key)
    return found


class _Look:
    """Gathers the results of one observation."""

    def __init__(
        self, rules: AccountRules, observation: Observation, state: AccountState, past: Answers | None
    ) -> None:
        self.results: list[Result] = []
        self.unknown: dict[str, str] = {}
        self.broken: dict[str, str] = {}
        self._rules = rules
        self._observation = observation
        self._state = state
        self._past = past
        self._sight = Sight(observation, state.known, rules.catalogue)
        self._observed_at = state.next_time(observation)
        self._positions: Mapping[str, Mapping[str, Value]] = {}

    def at(self, applied: Applied, watched: Sequence[AlertKey]) -> None:
        """Add what one rule says of its subjects, and of those of its open alerts."""
        rule = applied.rule
        expected = {key.subject for key in watched}
        seen = self._seen(applied)
        if isinstance(seen, Blame):
            self._note(rule, seen)
            seen = dict.fromkeys(sorted(expected) if rule.each else sorted(expected | {""}), seen)
        for subject, outcome in seen.items():
            self._add(rule, subject, outcome, watched=subject in expected)
        for subject in sorted(expected - seen.keys()):
            self._miss(rule, subject)

    def _seen(self, applied: Applied) -> Mapping[str, Known | Occurred | Blame] | Blame:
        """What the rule says of each subject; why nothing can be said, where that is so of all."""
        positions = self._observation.positions
        try:
            if not applied.rule.each:
                return {"": judge(applied, self._sight, positions)}
            if positions is None:
                return no_positions(self._sight)
            self._positions = dict(subjects(positions, self._sight.catalogue))
            return {
                subject: judge(applied, self._sight.on(position), position)
                for subject, position in self._positions.items()
            }
        except BREAKS as error:
            said = self.broken[applied.rule.id] = f"{type(error).__name__}: {error}"
            return Blame(f"the rule failed ({said})", excused=False)

    def _miss(self, rule: Rule, subject: str) -> None:
        """An alert's subject is not in the answer."""
        if rule.each and nameless(self._observation.positions or (), self._sight.catalogue):
            reason = Blame("a position in the answer has no name", excused=False)
            self._add(rule, subject, reason, watched=True)
        else:
            detail = "position closed" if rule.each else "the rule no longer looks at each position"
            self._result(rule, subject, false(rule), gone=detail)

    def _note(self, rule: Rule, reason: Blame) -> None:
        if not reason.excused:
            self.unknown.setdefault(rule.id, reason.sentence)

    def _add(self, rule: Rule, subject: str, seen: Known | Occurred | Blame, *, watched: bool) -> None:
        if isinstance(seen, Blame):
            self._note(rule, seen)
            if watched or not seen.excused:
                self._result(rule, subject, Unknown(seen.sentence))
        elif watched or isinstance(seen, Occurred) or any(seen.held):
            self._result(rule, subject, seen)

    def _result(self, rule: Rule, subject: str, outcome: Known | Occurred | Unknown, gone: str = "") -> None:
        self.results.append(
            Result(
                AlertKey(rule.id, self._observation.account, subject),
                outcome,
                observed_at=self._observed_at,
                fetched_at=self._observation.fetched_at,
                as_of=self._observation.as_of,
                first=self._state.observed_at is None,
                gone=bool(gone),
                detail=gone,
                windows=self._coverage(rule),
                position=self._positions.get(subject) if rule.each else None,
            )
        )

    def _coverage(self, rule: Rule) -> tuple[Coverage, ...]:
        windows = self._rules.applied[self._rules.numbers[rule.id]].windows
        return self._past.coverage(windows) if windows and self._past is not None else ()
