"""Messages of every kind there is, to try templates on before they are needed. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.core.alert import Alert, Reason, State, Status, Transition
from marginwatch.core.fields import Unit
from marginwatch.core.health import OURSELVES, RULES
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.result import AlertKey, Difference
from marginwatch.core.route import Notice, Why
from marginwatch.core.rule import Level, Rule, RuleKind
from marginwatch.notify.draft import About, Draft

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.core.model import Value

NOW: Final = datetime(2026, 8, 3, 14, 3, 22, tzinfo=UTC)
_ACCOUNT: Final = Account(AccountKey("futures", "a1b2"), "STONEX:000000/JDoe")
_FIELDS: Final[Mapping[str, Value]] = {
    "equity": Decimal(100_000),
    "margin_used": Decimal("92099.5"),
    "margin_usage": Decimal("0.920995"),
    "margin_excess": Decimal("7900.5"),
    "in_margin_call": True,
    "currency": "USD",
}
_LADDER: Final = Rule(
    id="margin-usage",
    title="Margin usage",
    kind=RuleKind.LADDER,
    levels=(Level(Severity.WARNING, ">", Decimal("0.8")), Level(Severity.CRITICAL, ">", Decimal("0.9"))),
    expression="margin_usage",
    unit=Unit.RATIO,
    summary="{account}: {margin_usage:.1%}",
    runbook="marginwatch runbook margin-usage",
)
_CONDITION: Final = Rule(
    "margin-call", "Margin call", RuleKind.CONDITION, (Level(Severity.CRITICAL),), "in_margin_call"
)
_EVENT: Final = Rule(
    "changes", "Permissions changed", RuleKind.EVENT, (Level(Severity.WARNING),), "changed(permissions)"
)
_POSITION: Final = replace(_LADDER, id="loser", title="Losing position", unit=Unit.MONEY, each="position")
_LINK: Final = "https://risk.example.com/act/WyJhIiwiYiIsMV0.c2lnbmF0dXJl"


def samples() -> Iterator[Draft]:
    """One for every state and reason, kind of rule and built-in alert; with all that may be known, and without.

    And one that comes and goes.
    """
    for state in State:
        for reason in Reason:
            yield _draft(_LADDER, state, reason)
    for state in State:
        yield _draft(_CONDITION, state, Reason.HELD, value=None, limit=None, operator="")
        yield _draft(_POSITION, state, Reason.HELD, key=AlertKey("loser", _ACCOUNT.key, "ESZ6"), value=Decimal(-4600))
        yield _draft(_LADDER, state, Reason.REMIND, flapping_since=NOW - timedelta(minutes=40), times_fired=6)
        yield _bare(state)
        for rule in RULES.values():
            yield _health(rule, state)
    yield _draft(_EVENT, State.EVENT, Reason.OCCURRED, value=None, limit=None, differences=_DIFFERENCES)


_DIFFERENCES: Final = (
    Difference("permissions", frozenset({"view", "trade"}), frozenset({"view"})),
    Difference("trading_status", "OPEN", "CLOSE_ONLY"),
)


def _draft(rule: Rule | None, state: State, reason: Reason, **changes: object) -> Draft:
    told = Transition(
        alert_id="k3f9abcdefgh",
        key=AlertKey("margin-usage" if rule is None else rule.id, _ACCOUNT.key),
        title="Margin usage" if rule is None else rule.title,
        at=NOW,
        before=Status.FIRING,
        after=Status.FIRING,
        reason=reason,
        state=state,
        severity=Severity.CRITICAL,
        observed_at=NOW - timedelta(seconds=12),
        fetched_at=NOW - timedelta(seconds=2),
        as_of=NOW - timedelta(seconds=12),
        value=Decimal("0.920995"),
        limit=Decimal("0.9"),
        operator=">",
        active_at=NOW - timedelta(minutes=22),
        fired_at=NOW - timedelta(minutes=21),
        unknown_since=NOW - timedelta(minutes=5) if state is State.UNKNOWN else None,
        because="no good answer came: no answer in 10 s" if state is State.UNKNOWN else "",
        previous_value=Decimal("0.851"),
        previous_at=NOW - timedelta(minutes=20),
    )
    told = replace(told, **changes)  # type: ignore[arg-type]  # changes are a transition's own fields
    about = About(_ACCOUNT, _FIELDS, rule, "USD", current=_FIELDS, link=_LINK)
    return Draft(_notice(told), about, NOW, UTC)


def _bare(state: State) -> Draft:
    """The least that can be known: the rule was removed, the venue names no currency, and there is no page."""
    nothing = {"value": None, "limit": None, "operator": "", "as_of": None, "active_at": None, "fired_at": None}
    made = _draft(None, state, Reason.RULE_REMOVED, **nothing, previous_value=None, previous_at=None)
    return Draft(made.notice, About(Account(_ACCOUNT.key, "")), NOW, UTC)


def _health(rule: Rule, state: State) -> Draft:
    subject = "ops-mail" if rule.id.startswith("receiver") else ""
    key = AlertKey(rule.id, OURSELVES if subject else AccountKey("futures", ""), subject)
    nothing = {"value": None, "limit": None, "operator": "", "as_of": None, "previous_value": None}
    made = _draft(rule, state, Reason.HELD, key=key, detail="HTTP 503 (unavailable)", **nothing)
    about = About(Account(key.account, str(key.account)), rule=rule, link=_LINK)
    return Draft(made.notice, about, NOW, UTC)


def _notice(told: Transition) -> Notice:
    alert = Alert(
        alert_id=told.alert_id,
        key=told.key,
        title=told.title,
        status=told.after,
        level=0,
        severity=told.severity,
        timers=(),
        count=1,
        active_at=told.active_at or NOW,
        observed_at=told.observed_at,
        known_at=told.fetched_at,
    )
    return Notice(told, alert, "desk", 2, Why.SEVERE_ENOUGH)
