"""How many rules a second one core looks at, on accounts that are fine: nearly all of a daemon's work.

25 rules over 2,000 accounts of the three built-in venues; a rule counts where it applies. Every observation has new
values in new objects, as after parsing. First the rules by themselves, then the whole of `decide` and `remember`:
alert machine, timers, account states and what the commit is made of, without store and wire. Beside them the least
that Python can do for the same accounts: for every rule one comparison of two Decimals, one of them from a dictionary.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from marginwatch.core import health
from marginwatch.core.engine import Answer, decide, remember
from marginwatch.core.evaluate import VenueRules, evaluate, revision
from marginwatch.core.memory import Memory
from marginwatch.core.model import Account, AccountKey, Normalised, Observation, Severity
from marginwatch.core.rule import Level, Rule, RuleKind
from marginwatch.core.ruling import Ruling, Watch
from marginwatch.core.state import AccountState
from marginwatch.venues import architect, helio, stonex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from marginwatch.core.model import Value
    from marginwatch.venues.protocol import VenueKind

ACCOUNTS = 2_000
REPEATS = 7
WANTED = 1_500_000
KINDS: tuple[VenueKind, ...] = (architect.VENUE, stonex.VENUE, helio.VENUE)
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
EVERY = timedelta(seconds=10)

LADDERS = (
    ("margin_usage", ">", "0.8", "0.9"),
    ("margin_usage", ">", "0.95", "0.99"),
    ("margin_excess", "<", "1000", "0"),
    ("margin_excess / equity", "<", "0.1", "0.05"),
    ("equity", "<", "2000", "1000"),
    ("unrealized_pnl", "<", "-5000", "-20000"),
    ("unrealized_pnl / equity", "<", "-0.2", "-0.5"),
    ("day_pnl", "<", "-5000", "-20000"),
    ("realized_pnl", "<", "-5000", "-20000"),
    ("call_amount", ">", "0", "10000"),
    ("age", ">", "900", "3600"),
)
CONDITIONS = (
    "in_margin_call or in_stop_out",
    "fed_call > 0 or maintenance_call > 0 or day_trade_call > 0",
    "fedCallAmount > 0 or accumFedAmount > 0",
    "houseExcess < 0 or nyseExcess < 0",
    "not trading_enabled",
    'trading_status in ("TRADE_STATUS_DISABLED", "TRADE_STATUS_CLOSE_ONLY")',
    'not permissions.trade or not permissions.view or "view" not in permissions',
    "equity < 50_000 and margin_usage > 70% and unrealized_pnl < 0",
    'currency != "USD"',
    "any(position.unrealized_pnl < -equity * 50%)",
)
EVENTS = (
    "changed(permissions) or changed(trading_enabled) or changed(trading_status)",
    "changed(in_margin_call)",
    "increased(call_amount) or increased(fedCallAmount)",
    "prior(equity) > 0 and equity < prior(equity) * 50%",
)
FINE: dict[str, Value] = {
    "equity": Decimal("5754.59"),
    "margin_used": Decimal(1650),
    "margin_usage": Decimal("0.2867"),
    "margin_excess": Decimal("4104.59"),
    "houseExcess": Decimal("4104.59"),
    "nyseExcess": Decimal("4104.59"),
    "unrealized_pnl": Decimal("-120.5"),
    "day_pnl": Decimal("-245.41"),
    "realized_pnl": Decimal(12),
    "in_margin_call": False,
    "in_stop_out": False,
    "trading_enabled": True,
    "trading_status": "TRADE_STATUS_FULL",
    "currency": "USD",
    "age": Decimal(2),
    **dict.fromkeys(
        ("call_amount", "fed_call", "maintenance_call", "day_trade_call", "fedCallAmount", "accumFedAmount"), Decimal(0)
    ),
}
"""What makes every account quiet, over the sample of its venue."""


class NotQuietError(Exception):
    """A rule found something, so this is no measure of quiet accounts."""

    def __init__(self, what: object) -> None:
        super().__init__(f"not quiet: {what}")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    name: str
    measured: float
    unit: str
    wanted: str
    beside: str
    """The baseline of the same run."""

    def __str__(self) -> str:
        return f"{self.name}: {self.measured:,.0f} {self.unit} (wanted {self.wanted}; {self.beside})"


def run() -> list[Row]:
    """Measure, best of several cycles over all accounts."""
    ruling = _ruling()
    cycles = [_cycle(number) for number in range(REPEATS + 1)]
    evaluations = sum(len(ruling.venues[seen.account.venue].rules.applied) for seen in cycles[0])
    gc.collect()
    gc.freeze()
    beside = f"a bare comparison each: {_rate(_bare(ruling, cycles), evaluations):,.0f}/s"
    alone = _rate(_evaluating(ruling, cycles), evaluations)
    whole = _rate(_deciding(ruling, cycles), evaluations)
    gc.unfreeze()
    return [
        Row("rule x account evaluations, quiet", alone, "/s", f">= {WANTED:,}", beside),
        Row("rule x account evaluations, quiet, whole decision", whole, "/s", f">= {WANTED:,}", beside),
    ]


def main() -> None:
    """Print the rows."""
    for row in run():
        print(row)


def _rules() -> list[Rule]:
    one = (Level(Severity.CRITICAL),)
    drafts: list[tuple[RuleKind, str, tuple[Level, ...]]] = [
        *((RuleKind.LADDER, text, _levels(operator, *limits)) for text, operator, *limits in LADDERS),
        *((RuleKind.CONDITION, text, one) for text in CONDITIONS),
        *((RuleKind.EVENT, text, one) for text in EVENTS),
    ]
    return [
        Rule(f"rule-{number}", text, kind, steps, expression=text, revision=str(number))
        for number, (kind, text, steps) in enumerate(drafts)
    ]


def _levels(operator: str, *limits: str) -> tuple[Level, ...]:
    return tuple(
        Level(severity, operator, Decimal(limit), Decimal(limit))
        for severity, limit in zip((Severity.WARNING, Severity.CRITICAL), limits, strict=True)
    )


def _ruling() -> Ruling:
    rules = _rules()
    minute = timedelta(minutes=1)
    venues = {
        kind.kind: Watch(kind.kind, VenueRules(kind.kind, kind.catalogue, rules), EVERY, minute, minute, lambda _: True)
        for kind in KINDS
    }
    return Ruling(revision(rules), {**{rule.id: rule for rule in rules}, **health.RULES}, venues)


def _cycle(number: int) -> list[Observation]:
    """A new observation of every account, its numbers a little different each time, as if just parsed."""
    return [_observation(KINDS[account % len(KINDS)], account, number) for account in range(ACCOUNTS)]


def _observation(kind: VenueKind, account: int, number: int) -> Observation:
    fine = {name: value for name, value in FINE.items() if name in kind.catalogue.fields}
    drift = Decimal(number * 7 + account % 13) / 10
    fields = {
        name: value + drift if name in {"equity", "margin_excess", "margin_used", "cash"} else _anew(value)  # type: ignore[operator]  # these are money
        for name, value in {**kind.sample.fields, **fine}.items()
    }
    at = NOON + number * EVERY
    key = AccountKey(kind.kind, f"{account:08d}")
    return replace(kind.sample, account=key, fields=fields, fetched_at=at, as_of=at if kind.sample.as_of else None)


def _anew(value: Value) -> Value:
    """An equal value in an object of its own, as the next answer has."""
    if isinstance(value, Decimal):
        return Decimal(str(value))
    return frozenset(set(value)) if isinstance(value, frozenset) else value


def _deciding(ruling: Ruling, cycles: Sequence[Sequence[Observation]]) -> list[Callable[[], None]]:
    memory = Memory()
    listings = {
        kind.kind: tuple(
            Account(seen.account, seen.account.id) for seen in cycles[0] if seen.account.venue == kind.kind
        )
        for kind in KINDS
    }
    news = [
        [
            Answer(venue, Normalised(listing, tuple(seen for seen in cycle if seen.account.venue == venue)))
            for venue, listing in listings.items()
        ]
        for cycle in cycles
    ]

    def tick(number: int) -> None:
        decision = decide(memory, ruling, news[number], NOON + number * EVERY)
        if decision.commit.transitions:
            raise NotQuietError(decision.commit.transitions[0].key)
        remember(memory, decision)

    tick(0)
    return [partial(tick, number) for number in range(1, len(cycles))]


def _evaluating(ruling: Ruling, cycles: Sequence[Sequence[Observation]]) -> list[Callable[[], None]]:
    accounts = [Account(seen.account, seen.account.id) for seen in cycles[0]]
    rules = [ruling.venues[account.key.venue].rules.for_account(account, {}) for account in accounts]

    def look(number: int) -> None:
        for its_rules, state, seen in zip(rules, states[number - 1], cycles[number], strict=True):
            evaluate(its_rules, seen, state, ())

    states = [
        [
            AccountState(account, NOON, seen.fields, seen.observed_at)
            for account, seen in zip(accounts, cycle, strict=True)
        ]
        for cycle in cycles
    ]
    return [partial(look, number) for number in range(1, len(cycles))]


def _bare(ruling: Ruling, cycles: Sequence[Sequence[Observation]]) -> list[Callable[[], None]]:
    limits = {
        venue: [Decimal(number) for number in range(len(watch.rules.applied))] for venue, watch in ruling.venues.items()
    }

    def compare(cycle: Sequence[Observation]) -> None:
        for seen in cycle:
            fields = seen.fields
            for limit in limits[seen.account.venue]:
                if fields["equity"] < limit:  # type: ignore[operator]  # equity is money
                    raise NotQuietError(seen.account)

    return [partial(compare, cycle) for cycle in cycles[1:]]


def _rate(cycles: Sequence[Callable[[], None]], evaluations: int) -> float:
    """Evaluations a second in the best cycle."""
    best = float("inf")
    for cycle in cycles:
        began = time.perf_counter()
        cycle()
        best = min(best, time.perf_counter() - began)
    return evaluations / best


if __name__ == "__main__":
    main()
