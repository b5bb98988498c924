"""Which limits apply to one number of one account: for bars and charts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginwatch.core.rule import RuleKind
from marginwatch.core.selecting import selects

if TYPE_CHECKING:
    from decimal import Decimal

    from marginwatch.core.model import Account, Severity
    from marginwatch.core.ruling import Ruling


@dataclass(frozen=True, slots=True)
class Limit:
    """One level of one rule."""

    rule: str
    severity: Severity
    operator: str
    value: Decimal

    @property
    def upward(self) -> bool:
        """Whether larger is worse."""
        return self.operator.startswith(">")

    def crossed(self, value: Decimal) -> bool:
        """Whether the value is on the bad side."""
        if value == self.value:
            return self.operator.endswith("=")
        return (value > self.value) == self.upward


def limits_of(ruling: Ruling, account: Account, metric: str) -> tuple[Limit, ...]:
    """The levels of every ladder on exactly that field that looks at the account, mildest first."""
    labels = ruling.labels.of(account)
    groups = ruling.groups.of(account) if ruling.groups else ()
    found = [
        Limit(rule.id, level.severity, level.operator, level.limit)
        for rule in ruling.rules.values()
        if rule.kind is RuleKind.LADDER and not rule.each and rule.expression.strip() == metric
        if selects(rule.selector, account, labels, groups)
        for level in rule.levels
        if level.limit is not None
    ]
    return tuple(sorted(found, key=lambda limit: (limit.severity, limit.value)))
