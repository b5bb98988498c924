"""A store that the engine itself filled: venues, rules and an hour of answers, told second by second."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.app.build import configure, ruling_of
from marginwatch.config.rulebook import rulebook
from marginwatch.core.engine import Answer
from marginwatch.core.model import Account, AccountKey, CycleEnd, FailureKind, Normalised, Observation, VenueFailure
from marginwatch.core.outbox import AttemptOutcome
from marginwatch.store.types import AttemptResult
from marginwatch.tick import Ticker
from support.desk import unwrap, wrap
from support.records import after, silence
from support.sites import table, write_config
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from marginwatch.core.model import Value
    from marginwatch.store.store import Store

FUTURES: Final = AccountKey("futures", "A-1")
FX: Final = AccountKey("fx", "77")
NAMES: Final = {FUTURES: "STONEX:000000/JDoe", FX: "Hedge"}
RULES: Final = """\
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
clear_by = "3%"
for = "1m"
clear_for = "2m"
worsens_by = "2%"
remind_every = "30m"

[[rule]]
id = "slide"
title = "Drawdown"
value = 'drawdown(equity, "1h") / max(equity, "1h")'
levels = { warning = "> 5%" }

[[rule]]
id = "stuck"
title = "Cannot trade"
when = 'fed_call > 0 or (trading_status == "TRADE_STATUS_CLOSE_ONLY" and margin_excess / equity < 10%)'
severity = "critical"

[[rule]]
id = "loser"
title = "Losing position"
value = "position.unrealized_pnl"
levels = { warning = "< -500", critical = "< -5_000" }
each = "position"

[[rule]]
id = "losers"
title = "Some position loses"
when = "any(position.unrealized_pnl < -500)"
severity = "warning"
venues = ["fx"]

[[rule]]
id = "changes"
title = "Something changed"
on = "changed(permissions) or increased(total_margin)"
severity = "warning"

[[rule]]
id = "fed"
title = "Fed call"
when = "fed_call > 0"
severity = "critical"

[[rule]]
id = "theirs"
title = "Theirs"
when = "equity < 0"
severity = "critical"
accounts = ["B-*", "JOINT"]
"""


def write(folder: Path, rules: str = RULES) -> Path:
    """The config and its rule file; nobody listens at the addresses it names."""
    login = {"api_key": "A" * 24, "api_secret": SECRETS[0]}
    futures = {"name": "futures", "kind": "architect", "endpoint": "http://127.0.0.1:1", **login}
    fx = {"name": "fx", "kind": "helio", "base_url": "http://127.0.0.1:1", "email": "a@example.com"}
    clearing = {"name": "clearing", "kind": "stonex", "base_url": "http://127.0.0.1:1", "client_id": "me"}
    tables = [
        table("[venues]", {**futures, "every": "10s"}),
        table("[venues]", {**fx, "every": "10s", "password": SECRETS[1]}),
        table("[venues]", {**clearing, "accounts": ["C-1"], "client_secret": SECRETS[2]}),
        table("[receivers]", {"name": "desk", "url": f"json://desk:{SECRETS[3]}@127.0.0.1:1/"}),
        table("[receivers]", {"name": "phone", "url": "json://127.0.0.1:1/", "min_severity": "critical"}),
    ]
    return write_config(folder, *tables, rules=rules)


SECRETS: Final = ("B" * 43 + "=", "correct-horse-battery", "staple-of-clearing", "desk-password-123")
"""What the config holds that nobody may be shown."""


FAMILY: Final = """
[[rule]]
id = "family"
title = "The family's money"
when = 'drawdown(sum(equity), "1h") > 1_000 or any(margin_usage > 99%)'
severity = "warning"
each = "group"
"""
"""A rule about the group that `join` makes."""


def join(config: Path) -> None:
    """Let the config have a group of both accounts."""
    group = {"name": "family", "accounts": ["futures/*", "fx/*"], "currency": "USD", "rates_of": "2026-03-02"}
    text = config.read_text().replace('kind = "architect"', 'kind = "architect"\ncurrency = "USD"')
    config.write_text(text + table("[groups]", group) + 'rates = { EUR = "1.08" }\n')


class Story:
    """Tells the engine what venues answer."""

    def __init__(self, store: Store, config: Path, begins: float = 0) -> None:
        self.store = store
        self._config = config
        self.restart(begins)

    def restart(self, seconds: float) -> None:
        """A new process begins, with the rules as they are in the file then."""
        configured = configure(self._config, {})
        ruling = ruling_of(configured.settings, configured.rules, configured.kinds)
        self.ticker = Ticker(self.store, ruling, dict.fromkeys(("futures", "fx", "clearing"), unwrap))
        self.ticker.start(after(seconds))
        self.store.rulebooks.record(rulebook(configured.rules, configured.settings), after(seconds))

    def see(
        self,
        seconds: float,
        fields: Mapping[str, Value],
        *,
        account: AccountKey = FUTURES,
        positions: tuple[Mapping[str, Value], ...] | None = (),
        as_of: float | None = None,
        name: str = "",
    ) -> None:
        """One good cycle of an account."""
        seen = Observation(
            account, after(seconds), None if as_of is None else after(as_of), fields, positions=positions
        )
        listing = (Account(account, name or NAMES[account]),)
        fetched = replace(wrap(Answer(account.venue, Normalised(listing, (seen,)))), venue=account.venue)
        end = CycleEnd(account.venue, after(seconds - 1), after(seconds), attempted=1, failed=0)
        self.ticker.tick([fetched, end], after(seconds))

    def lose(self, seconds: float, account: AccountKey = FUTURES) -> None:
        """One cycle in which the account gives no answer."""
        failure = VenueFailure(
            account.venue, FailureKind.TIMED_OUT, after(seconds), "no answer in 10 s", "summary", account
        )
        end = CycleEnd(account.venue, after(seconds - 1), after(seconds), attempted=1, failed=1)
        self.ticker.tick([failure, end], after(seconds))

    def time(self, seconds: float) -> None:
        """Nothing but time passes, and what operators wrote is read."""
        self.ticker.tick([], after(seconds))

    def send(self, seconds: float, outcomes: Mapping[str, tuple[AttemptOutcome, str]]) -> None:
        """Every message that is due is tried, and fares as its receiver does."""
        room = dict.fromkeys(outcomes, 10)
        for row in self.store.outbox.claim_due(after(seconds), room, timedelta(minutes=5)):
            outcome, detail = outcomes[row.message.receiver]
            result = AttemptResult(outcome, detail, after(seconds + 30))
            self.store.outbox.record_attempt(row.id, result, after(seconds + 1))


@contextmanager
def told(folder: Path, rules: str = RULES) -> Iterator[Story]:
    """A story to tell, beginning at noon."""
    config = write(folder, rules)
    with owned(folder) as store:
        yield Story(store, config)


def tell(story: Story) -> None:
    """Seven minutes: trouble that begins, worsens and is acknowledged, and an account that stops answering.

    Calm up to 12:01, margin usage 85 % up to 12:03:20, then 93 %, equity falling; no answer from 12:06:40 on.
    """
    desk = (AttemptOutcome.DELIVERED, "")
    busy = (AttemptOutcome.RETRYABLE, "HTTP 503 (unavailable)")
    for second in range(0, 60, 10):
        story.see(second, numbers("0.792"), as_of=second - 2)
    for second in range(60, 200, 10):
        story.see(second, numbers("0.85"), as_of=second - 2)
    story.send(130, {"desk": desk, "phone": busy})
    for second in range(200, 300, 10):
        story.see(second, numbers("0.93", "97000", total_margin=Decimal(45000)), as_of=second - 2)
    story.send(290, {"desk": desk, "phone": busy})
    story.send(325, {"desk": desk, "phone": desk})
    (alert,) = story.store.history.alerts(rule="margin-usage")
    story.store.operators.acknowledge(alert.alert_id, by="bob", note="calling them", now=at(300), until=at(4000))
    story.store.operators.add_silence(silence(310, 3000, rule="margin*"))
    for second in range(300, 400, 10):
        story.see(second, numbers("0.93", "93000", total_margin=Decimal(45000)), as_of=second - 2)
        story.see(second + 1, HEDGE, account=FX, positions=POSITIONS)
    story.lose(400)
    story.lose(410)


HEDGE: Final[Mapping[str, Value]] = {
    "equity": Decimal(5000),
    "currency": "EUR",
    "trading_status": "TRADE_STATUS_CLOSE_ONLY",
    "margin_excess": Decimal(400),
    "margin_usage": None,
}
POSITIONS: Final[tuple[Mapping[str, Value], ...]] = (
    {"id": "EURUSD", "unrealized_pnl": Decimal(-5200)},
    {"id": "GBPUSD", "unrealized_pnl": Decimal(100)},
    {"id": "XAUUSD", "unrealized_pnl": None},
)


def numbers(usage: str, equity: str = "100000", **others: Value) -> dict[str, Value]:
    """What an account answers at that margin usage."""
    return {
        "equity": Decimal(equity),
        "total_margin": Decimal(40000),
        "margin_usage": Decimal(usage),
        "margin_excess": Decimal(equity) * (1 - Decimal(usage)),
        "currency": "USD",
        "permissions": frozenset({"view", "trade"}),
        **others,
    }


def at(seconds: float) -> datetime:
    """That many seconds after noon."""
    return after(seconds)
