"""An engine on two made-up venues whose accounts make up a group."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from marginwatch.core import health
from marginwatch.core.engine import Answer
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.fields import Field, Unit, catalogue
from marginwatch.core.groups import Group, Groups, Member
from marginwatch.core.model import (
    GROUPS,
    Account,
    AccountKey,
    CycleEnd,
    FailureKind,
    Normalised,
    Observation,
    Severity,
    VenueFailure,
)
from marginwatch.core.route import Receiver
from marginwatch.core.rule import Level, Rule, RuleKind, Selector
from marginwatch.core.ruling import Ruling, Watch, group_watch
from marginwatch.tick import Ticker
from support.catalogues import FUTURES, MARGIN_FX
from support.desk import Paper, after, unwrap, wrap
from support.zones import CALENDARS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Transition
    from marginwatch.core.model import Value
    from marginwatch.core.state import Commit, Message, Prior
    from marginwatch.store.types import OperatorInput
    from marginwatch.tick import Arrival, Ledger

STALE_AFTER = timedelta(seconds=60)
WITHIN = timedelta(seconds=90)
HEDGE = AccountKey("futures", "hedge")
SPOT = AccountKey("fx", "spot")
OTHER = AccountKey("fx", "other")
FAMILY = AccountKey(GROUPS, "family")
_FUTURES = catalogue("futures", [*FUTURES, Field("currency", Unit.TEXT, "config:currency", "The currency.")], [])
CATALOGUES = {"futures": _FUTURES, "fx": MARGIN_FX}


def member(venue: str, glob: str) -> Member:
    """Accounts of a venue."""
    return Member(venue, f"{venue}/{glob}", lambda account: fnmatchcase(account.key.id, glob))


def group(name: str = "family", members: Sequence[Member] = (), **changes: Any) -> Group:  # noqa: ANN401  (any field)
    """The account at the one venue and the one at the other."""
    given: dict[str, Any] = {"currency": "USD", "within": WITHIN}
    return Group(name, tuple(members) or (member("futures", "hedge"), member("fx", "spot")), **{**given, **changes})


def rule_of(expression: str, kind: RuleKind = RuleKind.CONDITION, **changes: Any) -> Rule:  # noqa: ANN401  (any field)
    """A rule about groups."""
    given: dict[str, Any] = {
        "id": "rule",
        "title": "The rule",
        "kind": kind,
        "levels": (Level(Severity.CRITICAL),),
        "expression": expression,
        "of_group": True,
        "revision": "1",
    }
    return Rule(**{**given, **changes})


def usage_rule(**changes: Any) -> Rule:  # noqa: ANN401  (any field of it)
    """Margin in use above 80 % of all equity is a warning, above 90 % critical."""
    levels = (
        Level(Severity.WARNING, ">", Decimal("0.8"), Decimal("0.77")),
        Level(Severity.CRITICAL, ">", Decimal("0.9"), Decimal("0.87")),
    )
    given: dict[str, Any] = {"id": "usage", "levels": levels, "unit": Unit.RATIO, **changes}
    return rule_of("sum(margin_used) / sum(equity)", RuleKind.LADDER, **given)


def ruling(*rules: Rule, groups: Sequence[Group] | None = None, revision: str = "r1") -> Ruling:
    """The rules at both venues and of the group."""
    venues = {
        name: Watch(
            venue=name,
            rules=VenueRules(name, fields, rules, CALENDARS, "us-futures"),
            every=timedelta(seconds=10),
            stale_after=STALE_AFTER,
            max_age=timedelta(minutes=15),
            selects=lambda _: True,
        )
        for name, fields in CATALOGUES.items()
    }
    found = Groups([group()] if groups is None else groups, CATALOGUES, rules)
    watched = {**venues, GROUPS: group_watch(found, CALENDARS, venues)} if found else venues
    by_id = {**health.RULES, **{rule.id: rule for rule in rules}}
    return Ruling(revision, by_id, watched, (Receiver("all", Severity.INFO),), groups=found)


def only_of(name: str) -> Selector:
    """A rule's choice of one group."""
    return Selector(groups=(name,))


def fields(equity: str | None = "1000", used: str = "500", /, **others: Value) -> dict[str, Value]:
    """What an account answers."""
    numbers = {"equity": None if equity is None else Decimal(equity), "margin_used": Decimal(used)}
    return {**numbers, "in_margin_call": False, "currency": "USD", **others}


def seen(seconds: float, account: AccountKey, values: Mapping[str, Value], as_of: float | None = None) -> Answer:
    """One account's answer."""
    at = None if as_of is None else after(as_of)
    return Answer(account.venue, Normalised(None, (Observation(account, after(seconds), at, values, positions=()),)))


def listed(*accounts: AccountKey, venue: str = "") -> Answer:
    """A venue's list of accounts."""
    return Answer(venue or accounts[0].venue, Normalised(tuple(Account(key, key.id) for key in accounts)))


LISTS = (listed(HEDGE), listed(SPOT))


def failed(seconds: float, account: AccountKey | None = SPOT, venue: str = "fx") -> VenueFailure:
    """A fetch that failed."""
    return VenueFailure(venue, FailureKind.TIMED_OUT, after(seconds), "no answer within 10 s", "summary", account)


def cycle_end(seconds: float, venue: str = "fx") -> CycleEnd:
    """The pass over a venue is over."""
    return CycleEnd(venue, after(seconds - 1), after(seconds), attempted=0, failed=0)


def fetched(item: Answer) -> Arrival:
    """An answer as it comes from an adapter."""
    made = wrap(item)
    return replace(made, venue=item.venue)


@dataclass(slots=True)
class Family:
    """Drives a ticker, and keeps what it decides."""

    rules: Ruling
    ledger: Ledger = field(default_factory=Paper)
    commits: list[Commit] = field(default_factory=list)
    ticker: Ticker = field(init=False)

    def __post_init__(self) -> None:
        """Begin at second 0."""
        self.start(0)

    def start(self, seconds: float, rules: Ruling | None = None) -> list[Transition]:
        """Start, or start again as a new process would."""
        self.rules = rules or self.rules
        before = len(self.transitions)
        self.ticker = Ticker(_Spy(self.ledger, self), self.rules, dict.fromkeys(CATALOGUES, unwrap))
        self.ticker.start(after(seconds))
        return self.transitions[before:]

    def tick(self, seconds: float, *news: Answer | Arrival) -> list[Transition]:
        """Tick at that second; gives what it decided."""
        before = len(self.transitions)
        self.ticker.tick([fetched(item) if isinstance(item, Answer) else item for item in news], after(seconds))
        return self.transitions[before:]

    def both(self, seconds: float, hedge: Mapping[str, Value], spot: Mapping[str, Value]) -> list[Transition]:
        """Both accounts answer in one tick."""
        return self.tick(seconds, *LISTS, seen(seconds, HEDGE, hedge), seen(seconds, SPOT, spot))

    @property
    def transitions(self) -> list[Transition]:
        """All so far."""
        return [each for commit in self.commits for each in commit.transitions]

    @property
    def messages(self) -> list[Message]:
        """All so far."""
        return [each for commit in self.commits for each in commit.messages]

    def said(self) -> Mapping[str, Value]:
        """What the group's latest observation says."""
        found = [each.observation for commit in self.commits for each in commit.observations]
        return [each for each in found if each.account == FAMILY][-1].fields


@dataclass(slots=True)
class _Spy:
    """Passes everything on to the ledger and keeps what was committed."""

    ledger: Ledger
    family: Family

    def load_prior(self) -> Prior:
        return self.ledger.load_prior()

    def commit(self, commit: Commit) -> object:
        done = self.ledger.commit(commit)
        self.family.commits.append(commit)
        return done

    def changes(self) -> int:
        return self.ledger.changes()

    def operator_input(self) -> OperatorInput:
        return self.ledger.operator_input()

    def observations(self, accounts: Container[AccountKey], since: datetime) -> Iterable[Observation]:
        return self.ledger.observations(accounts, since)
