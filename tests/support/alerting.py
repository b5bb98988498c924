"""Rules, results and a driver for the alert machine, so that a test reads as a timeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.core.machine import Policy, Step, advance, elapse
from marginwatch.core.model import AccountKey, Severity
from marginwatch.core.result import AlertKey, Known, Result, Unknown
from marginwatch.core.rule import Level, Rule, RuleKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.core.alert import Alert, Transition

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
ACCOUNT = AccountKey("futures", "A-1")
KEY = AlertKey("margin-usage", ACCOUNT)
STALE_AFTER = timedelta(seconds=60)


def after(seconds: float) -> datetime:
    """The time that many seconds into the test."""
    return START + timedelta(seconds=seconds)


def ladder(limits: Mapping[Severity, str] | None = None, clear_by: str = "3", **options: object) -> Rule:
    """A rule `value > limit` for each severity, clear only `clear_by` below it."""
    levels = tuple(
        Level(severity, ">", Decimal(limit), Decimal(limit) - Decimal(clear_by))
        for severity, limit in (limits or {Severity.WARNING: "80", Severity.CRITICAL: "90"}).items()
    )
    return Rule(**{"id": "margin-usage", "title": "Margin usage", "kind": RuleKind.LADDER, "levels": levels, **options})  # type: ignore[arg-type]  # options are the rule's own fields


def condition(severity: Severity = Severity.CRITICAL, **options: object) -> Rule:
    """A rule that holds or not, told at one severity."""
    given = {"id": "margin-usage", "title": "Margin call", "kind": RuleKind.CONDITION, "levels": (Level(severity),)}
    return Rule(**{**given, **options})  # type: ignore[arg-type]  # options are the rule's own fields


def compare(rule: Rule, value: Decimal) -> Known:
    """What evaluating the ladder for `value` gives."""
    limits = [(level.operator, level.limit, level.clear) for level in rule.levels]
    assert all(limit is not None and clear is not None for _, limit, clear in limits)
    held = tuple(_beyond(operator, value, limit) for operator, limit, _ in limits)
    kept = tuple(
        holds or _beyond(operator, value, clear) for holds, (operator, _, clear) in zip(held, limits, strict=True)
    )
    return Known(held, kept, value)


def _beyond(operator: str, value: Decimal, limit: Decimal | None) -> bool:
    assert limit is not None
    return value > limit if operator == ">" else value < limit


@dataclass
class Timeline:
    """One alert's life: feed it values, unknowns and the passing of time, at seconds from the start."""

    rule: Rule
    key: AlertKey = KEY
    stale_after: timedelta = STALE_AFTER
    acknowledged: bool = False
    alert: Alert | None = None
    transitions: list[Transition] = field(default_factory=list)
    lapses: int = 0
    last: float = 0
    """When it was fed last."""

    @property
    def policy(self) -> Policy:
        """What decides besides the rule."""
        return Policy(self.stale_after, self.acknowledged, revision="rules-1")

    def value(
        self, seconds: float, value: str | Decimal, *, first: bool = False, gone: bool = False
    ) -> list[Transition]:
        """A known value of a ladder."""
        return self.known(seconds, compare(self.rule, Decimal(value)), first=first, gone=gone)

    def holds(self, seconds: float, holds: bool = True, *, first: bool = False) -> list[Transition]:
        """A known result of a condition."""
        return self.known(seconds, Known((holds,), (holds,)), first=first)

    def known(self, seconds: float, outcome: Known, *, first: bool = False, gone: bool = False) -> list[Transition]:
        """Any known result."""
        self.last = seconds
        at = after(seconds)
        return self.take(Result(self.key, outcome, at, at, first=first, gone=gone), at)

    def unknown(self, seconds: float, because: str = "equity is null") -> list[Transition]:
        """A result that cannot be decided."""
        self.last = seconds
        at = after(seconds)
        return self.take(Result(self.key, Unknown(because), at, at), at)

    def take(self, result: Result, now: datetime) -> list[Transition]:
        """Any result."""
        return self.keep(advance(self.rule, self.alert, result, now, self.policy))

    def wait(self, seconds: float) -> list[Transition]:
        """Nothing but time has passed."""
        assert self.alert is not None
        return self.keep(elapse(self.rule, self.alert, after(seconds), self.policy))

    def keep(self, step: Step) -> list[Transition]:
        """Take the machine's step over as a caller does."""
        self.alert = step.alert if step.alert is not None and step.alert.is_open else None
        self.transitions.extend(step.transitions)
        self.lapses += step.lapsed
        return list(step.transitions)

    def told(self) -> list[str]:
        """What would have been told so far, in order."""
        return [transition.state.value for transition in self.transitions if transition.state is not None]

    def open(self) -> Alert:
        """The open alert."""
        assert self.alert is not None
        return self.alert
