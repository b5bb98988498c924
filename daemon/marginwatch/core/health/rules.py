"""The built-in data-health rules, and the shape their results share."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from marginwatch.core.model import AccountKey, Severity
from marginwatch.core.result import AlertKey, Known, Result
from marginwatch.core.rule import Level, Rule, RuleKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

VENUE_UNREACHABLE = "venue-unreachable"
LOGIN_REFUSED = "login-refused"
NOTHING_WATCHED = "nothing-watched"
DATA_STALE = "data-stale"
ANSWER_MALFORMED = "answer-malformed"
ACCOUNT_VANISHED = "account-vanished"
ACCOUNT_APPEARED = "account-appeared"
RULE_BROKEN = "rule-broken"
RECEIVER_FAILING = "receiver-failing"
CLOCK_JUMPED = "clock-jumped"
RELOAD_REJECTED = "reload-rejected"

OURSELVES = AccountKey("", "")
"""The account of alerts about marginwatch itself."""

_FAILED_CYCLES = 3
_FAILED_FOR = timedelta(seconds=30)


def _rule(rule_id: str, title: str, *severities: Severity, repeated: bool = False, retold: bool = False) -> Rule:
    return Rule(
        id=rule_id,
        title=title,
        kind=RuleKind.HEALTH,
        levels=tuple(Level(severity) for severity in severities),
        hold=_FAILED_FOR if repeated else timedelta(0),
        count=_FAILED_CYCLES if repeated else 1,
        retold=retold,
        runbook=f"marginwatch runbook {rule_id}",
    )


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.id: rule
        for rule in (
            _rule(VENUE_UNREACHABLE, "Venue unreachable", Severity.CRITICAL, repeated=True),
            _rule(LOGIN_REFUSED, "Login refused", Severity.CRITICAL, repeated=True),
            _rule(NOTHING_WATCHED, "No account to watch", Severity.CRITICAL, repeated=True),
            _rule(DATA_STALE, "Data stale", Severity.WARNING, Severity.CRITICAL),
            _rule(ANSWER_MALFORMED, "Answer malformed", Severity.WARNING, Severity.CRITICAL, repeated=True),
            _rule(ACCOUNT_VANISHED, "Account vanished", Severity.CRITICAL),
            _rule(ACCOUNT_APPEARED, "Account appeared", Severity.WARNING),
            _rule(RULE_BROKEN, "Rule broken", Severity.CRITICAL),
            _rule(RECEIVER_FAILING, "Receiver failing", Severity.CRITICAL),
            _rule(CLOCK_JUMPED, "Clock jumped", Severity.WARNING),
            _rule(RELOAD_REJECTED, "Reload rejected", Severity.CRITICAL, retold=True),
        )
    }
)
"""By id. Data stale is critical when nothing is seen of the account, a warning while some of it is; answer malformed
is critical when it is every answer of the venue."""


def known(key: AlertKey, now: datetime, held: tuple[bool, ...], detail: str, kept: tuple[bool, ...] = ()) -> Result:
    """A result that is certain. `kept` where trouble that does not begin an alert yet keeps one open."""
    return Result(key=key, outcome=Known(held, kept or held), observed_at=now, fetched_at=now, detail=detail)


def clock(at: datetime) -> str:
    """An absolute time in a sentence, UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
