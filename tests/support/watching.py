"""Rules over a small catalogue and observations to hold them against."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from marginwatch.core.evaluate import Evaluated, VenueRules, evaluate
from marginwatch.core.model import Account, AccountKey, Observation, Severity
from marginwatch.core.result import AlertKey, Result
from marginwatch.core.rule import Level, Rule, RuleKind
from marginwatch.core.state import AccountState
from support.expressions import SMALL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from marginwatch.core.evaluate import AccountRules
    from marginwatch.core.model import Value, VenueFailure

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
KEY = AccountKey("desk", "A-1")
ACCOUNT = Account(KEY, "DESK:A-1/Jo")


def when(text: str, rule_id: str = "rule", **options: object) -> Rule:
    """A condition."""
    return _rule(rule_id, RuleKind.CONDITION, text, (Level(Severity.CRITICAL),), options)


def on(text: str, rule_id: str = "rule", **options: object) -> Rule:
    """An event."""
    return _rule(rule_id, RuleKind.EVENT, text, (Level(Severity.WARNING),), options)


def ladder(text: str, *levels: tuple[str, str, str], rule_id: str = "rule", **options: object) -> Rule:
    """A ladder of (operator, limit, clear), mildest first; an empty clear is none."""
    steps = tuple(
        Level(severity, operator, Decimal(limit), Decimal(clear) if clear else None)
        for severity, (operator, limit, clear) in zip(list(Severity)[-len(levels) :], levels, strict=True)
    )
    return _rule(rule_id, RuleKind.LADDER, text, steps, options)


def _rule(rule_id: str, kind: RuleKind, text: str, levels: tuple[Level, ...], options: Mapping[str, object]) -> Rule:
    return Rule(id=rule_id, title=rule_id, kind=kind, levels=levels, expression=text, **options)  # type: ignore[arg-type]  # options are the rule's own fields


def rules_for(*rules: Rule) -> AccountRules:
    """The rules as they apply to the account."""
    return VenueRules("desk", SMALL, rules).for_account(ACCOUNT, {})


def state(known: Mapping[str, Value] | None = None, observed_at: datetime | None = NOON) -> AccountState:
    """What was known before; `observed_at` None for an account never seen."""
    return AccountState(ACCOUNT, first_seen=NOON, known=known or {}, observed_at=observed_at)


def seen(
    fields: Mapping[str, Value],
    positions: tuple[Mapping[str, Value], ...] | None = (),
    failures: tuple[VenueFailure, ...] = (),
    optional: Collection[str] = (),
) -> Observation:
    """An observation a minute after noon."""
    return Observation(
        KEY, NOON + timedelta(minutes=1), None, fields, positions, failures=failures, optional=frozenset(optional)
    )


def look(
    rule: Rule, observation: Observation, before: AccountState | None = None, live: Collection[str] = ()
) -> Evaluated:
    """What one rule says, `live` being the subjects of its open alerts."""
    keys = [AlertKey(rule.id, KEY, subject) for subject in live]
    return evaluate(rules_for(rule), observation, before or state(), keys)


def only(evaluated: Evaluated) -> Result:
    """The one result."""
    (result,) = evaluated.results
    return result
