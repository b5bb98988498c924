"""A whole engine on a small made-up venue: news in at given seconds, transitions and messages out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marginwatch.core import health
from marginwatch.core.engine import Answer
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.fields import Unit
from marginwatch.core.model import (
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
from marginwatch.core.rule import Flapping, Level, Rule, RuleKind
from marginwatch.core.ruling import Ruling, Watch
from marginwatch.core.state import Commit, Prior
from marginwatch.store.types import Committed, OperatorInput
from marginwatch.tick import Ticker
from marginwatch.venues.protocol import Fetched, Part
from support.alerting import START
from support.catalogues import FUTURES
from support.zones import CALENDARS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from marginwatch.core.alert import Transition
    from marginwatch.core.model import Value
    from marginwatch.core.state import Message
    from marginwatch.tick import Arrival, Ledger

VENUE = "desk"
ONE = AccountKey(VENUE, "one")
TWO = AccountKey(VENUE, "two")
STALE_AFTER = timedelta(seconds=60)
MAX_AGE = timedelta(minutes=15)


def after(seconds: float) -> datetime:
    """That many seconds from the start."""
    return START + timedelta(seconds=seconds)


def usage_rule(**changes: Any) -> Rule:  # noqa: ANN401  (any field of it)
    """Margin usage above 80 % is a warning, above 90 % critical; left 3 points below."""
    levels = (
        Level(Severity.WARNING, ">", Decimal("0.8"), Decimal("0.77")),
        Level(Severity.CRITICAL, ">", Decimal("0.9"), Decimal("0.87")),
    )
    given: dict[str, Any] = {
        "id": "usage",
        "title": "Margin usage",
        "kind": RuleKind.LADDER,
        "levels": levels,
        "expression": "margin_usage",
        "unit": Unit.RATIO,
        "revision": "1",
    }
    return Rule(**{**given, **changes})


def call_rule(**changes: Any) -> Rule:  # noqa: ANN401  (any field of it)
    """A margin call is critical."""
    given: dict[str, Any] = {
        "id": "call",
        "title": "Margin call",
        "kind": RuleKind.CONDITION,
        "levels": (Level(Severity.CRITICAL),),
        "expression": "in_margin_call",
        "revision": "1",
    }
    return Rule(**{**given, **changes})


def permissions_rule(**changes: Any) -> Rule:  # noqa: ANN401  (any field of it)
    """A change of the permissions is told."""
    given: dict[str, Any] = {
        "id": "permissions",
        "title": "Permissions changed",
        "kind": RuleKind.EVENT,
        "levels": (Level(Severity.WARNING),),
        "expression": "changed(permissions)",
        "revision": "1",
    }
    return Rule(**{**given, **changes})


ALL_RULES = (usage_rule(), call_rule(), permissions_rule())
TIMED_RULES = (
    usage_rule(
        hold=timedelta(seconds=15),
        clear_for=timedelta(seconds=15),
        remind_every=timedelta(seconds=45),
        remind_then=(timedelta(seconds=70),),
        flapping=Flapping(2, timedelta(minutes=3)),
    ),
    call_rule(remind_every=timedelta(seconds=60), flapping=Flapping(2, timedelta(minutes=2))),
    permissions_rule(),
)
"""The same with every timer there is, short enough for a test to see them run out."""
RECEIVERS = (Receiver("all", Severity.INFO), Receiver("pager", Severity.CRITICAL))


def ruling(
    *rules: Rule,
    receivers: tuple[Receiver, ...] = RECEIVERS,
    accounts: Sequence[str] | None = None,
    revision: str = "r1",
) -> Ruling:
    """The rules at the one venue."""
    watch = Watch(
        venue=VENUE,
        rules=VenueRules(VENUE, FUTURES, rules, CALENDARS, "us-futures"),
        every=timedelta(seconds=10),
        stale_after=STALE_AFTER,
        max_age=MAX_AGE,
        selects=lambda account: accounts is None or account.key.id in accounts,
        selection="\n".join(sorted(accounts or ())),
    )
    return Ruling(revision, {**health.RULES, **{rule.id: rule for rule in rules}}, {VENUE: watch}, receivers)


def fields(usage: str | None = "0.5", **others: Value) -> dict[str, Value]:
    """A healthy account's, but for what is given."""
    return {
        "equity": Decimal(1000),
        "margin_used": Decimal(500),
        "margin_excess": Decimal(500),
        "unrealized_pnl": Decimal(0),
        "day_pnl": Decimal(0),
        "call_amount": Decimal(0),
        "total_margin": Decimal(500),
        "margin_usage": None if usage is None else Decimal(usage),
        "in_margin_call": False,
        "trading_enabled": True,
        "permissions": frozenset({"view", "trade"}),
        "permissions.trade": True,
        **others,
    }


def seen(
    seconds: float, values: Mapping[str, Value], account: AccountKey = ONE, as_of: float | None = None
) -> Observation:
    """What the venue answers of the account."""
    return Observation(account, after(seconds), None if as_of is None else after(as_of), values, positions=())


def answer(*observations: Observation, listing: Sequence[AccountKey] | None = None) -> Answer:
    """The venue's answer."""
    listed = None if listing is None else tuple(Account(key, key.id.title()) for key in listing)
    return Answer(VENUE, Normalised(listed, observations))


def failed(seconds: float, account: AccountKey | None = ONE, kind: FailureKind = FailureKind.TIMED_OUT) -> VenueFailure:
    """A fetch that failed."""
    return VenueFailure(VENUE, kind, after(seconds), "no answer within 10 s", "summary", account)


def cycle_end(seconds: float) -> CycleEnd:
    """The pass over the venue is over."""
    return CycleEnd(VENUE, after(seconds - 1), after(seconds), attempted=0, failed=0)


@dataclass(slots=True)
class Paper:
    """A ledger that keeps everything in a list; the store's own tests show that the real one does as much."""

    commits: list[Commit] = field(default_factory=list)
    prior: Prior = field(default_factory=Prior)
    wishes: OperatorInput = field(default_factory=lambda: OperatorInput(0, (), {}, ()))

    def load_prior(self) -> Prior:
        """What it was made with."""
        return self.prior

    def commit(self, commit: Commit) -> Committed:
        """Keep it."""
        self.commits.append(commit)
        return Committed(len(self.commits), frozenset())

    def changes(self) -> int:
        """Counts operators' writes."""
        return self.wishes.changes

    def operator_input(self) -> OperatorInput:
        """What operators wrote."""
        return self.wishes

    def observations(self, accounts: Container[AccountKey], since: datetime) -> Iterator[Observation]:
        """What was committed of these accounts since then."""
        for commit in self.commits:
            stored = (each.observation for each in commit.observations if commit.at >= since)
            yield from (each for each in stored if each.account in accounts)


@dataclass(slots=True)
class Desk:
    """Drives a ticker on a ledger."""

    rules: Ruling = field(default_factory=lambda: ruling(*ALL_RULES))
    ledger: Ledger = field(default_factory=Paper)
    transitions: list[Transition] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    ticker: Ticker = field(init=False)

    def __post_init__(self) -> None:
        """Begin at second 0."""
        self.start(0)

    def start(self, seconds: float, rules: Ruling | None = None) -> None:
        """Start, or start again as a new process would."""
        self.rules = rules or self.rules
        self.ticker = Ticker(_Spy(self.ledger, self), self.rules, {VENUE: unwrap})
        self.ticker.start(after(seconds))

    def reload(self, seconds: float, rules: Ruling) -> list[Transition]:
        """Go on by other rules from that second on; gives what that brought by itself."""
        before = len(self.transitions)
        self.rules = rules
        self.ticker.reload(rules, after(seconds))
        return self.transitions[before:]

    def tick(self, seconds: float, *news: Answer | Arrival) -> list[Transition]:
        """Tick at that second; gives what it decided."""
        before = len(self.transitions)
        self.ticker.tick([wrap(item) if isinstance(item, Answer) else item for item in news], after(seconds))
        return self.transitions[before:]

    def see(self, seconds: float, usage: str | None = "0.5", **others: Value) -> list[Transition]:
        """One good cycle of the one account."""
        observation = seen(seconds, fields(usage, **others))
        return self.tick(seconds, answer(observation, listing=[ONE]), cycle_end(seconds))

    def lose(self, seconds: float, kind: FailureKind = FailureKind.TIMED_OUT) -> list[Transition]:
        """One cycle in which the whole venue fails."""
        return self.tick(seconds, failed(seconds, None, kind), cycle_end(seconds))

    def told(self, receiver: str = "all") -> list[str]:
        """What a receiver was told so far, `rule:state:severity`."""
        return [
            f"{message.payload['rule']}:{message.state.value}:{message.severity.label}"
            for message in self.messages
            if message.receiver == receiver
        ]


@dataclass(slots=True)
class _Spy:
    """Passes everything on to the ledger and shows the desk what was committed."""

    ledger: Ledger
    desk: Desk

    def load_prior(self) -> Prior:
        return self.ledger.load_prior()

    def commit(self, commit: Commit) -> object:
        done = self.ledger.commit(commit)
        self.desk.transitions.extend(commit.transitions)
        self.desk.messages.extend(commit.messages)
        return done

    def changes(self) -> int:
        return self.ledger.changes()

    def operator_input(self) -> OperatorInput:
        return self.ledger.operator_input()

    def observations(self, accounts: Container[AccountKey], since: datetime) -> Iterable[Observation]:
        return self.ledger.observations(accounts, since)


_ON_THE_WAY: dict[int, Normalised] = {}


def wrap(item: Answer) -> Fetched:
    """An answer as it comes from an adapter; `unwrap` is this venue's `normalise`."""
    number = len(_ON_THE_WAY)
    _ON_THE_WAY[number] = item.normalised
    return Fetched(VENUE, None, {"all": Part(str(number).encode(), START)}, START)


def unwrap(fetched: Fetched) -> Normalised:
    """What `wrap` was given."""
    part = fetched.parts["all"]
    assert isinstance(part, Part)
    return _ON_THE_WAY[int(part.body)]


def steps(transitions: Sequence[Transition]) -> list[str]:
    """Transitions in short: `rule:before>after:reason`."""
    return [f"{each.key.rule}:{each.before.value}>{each.after.value}:{each.reason.value}" for each in transitions]
