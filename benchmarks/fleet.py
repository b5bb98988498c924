"""The accounts, rules and config that benchmarks work on: simulated accounts, real rule files, the real loader."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

from marginwatch.app.build import assemble, configure
from marginwatch.core.evaluate import VenueRules
from marginwatch.core.model import Severity
from marginwatch.core.rule import Level, Rule, RuleKind
from marginwatch.simulator.architect_api import API_KEY, API_SECRET
from marginwatch.simulator.helio import EMAIL, PASSWORD
from marginwatch.simulator.stonex import CLIENT_ID, CLIENT_SECRET
from marginwatch.simulator.world import SimAccount, SimPosition
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from marginwatch.app.build import Parts

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ARCHITECT, STONEX, HELIO = KINDS = ("architect", "stonex", "helio")

BREACH = "equity < 90_000"
"""What only an account that was made to breach fulfils."""
LADDERS = (
    ("margin_usage", ">", 60, 65, "%"),
    ("margin_excess", "<", 2000, 1000, ""),
    ("margin_excess / equity", "<", 20, 10, "%"),
    ("equity", "<", 10_000, 5000, ""),
    ("unrealized_pnl", "<", -5000, -20_000, ""),
    ("unrealized_pnl / equity", "<", -20, -50, "%"),
    ("margin_used / equity", ">", 70, 75, "%"),
    ("call_amount", ">", 100, 10_000, ""),
    ("realized_pnl", "<", -5000, -20_000, ""),
)
"""Value, operator, where the warning and the critical level begin, and the sign of their unit."""
CONDITIONS = (
    BREACH,
    "in_margin_call or in_stop_out",
    "fed_call > 0 or maintenance_call > 0 or day_trade_call > 0",
    "fedCallAmount > 0 or accumFedAmount > 0",
    "houseExcess < 0 or nyseExcess < 0",
    "not trading_enabled",
    'trading_status in ("TRADE_STATUS_DISABLED", "TRADE_STATUS_CLOSE_ONLY")',
    "not permissions.trade or not permissions.view",
    "equity < 95_000 and margin_usage > 50% and unrealized_pnl < 0",
    'currency != "USD"',
    'age > "10m"',
    "any(position.unrealized_pnl < -equity * 50%)",
)
EVENTS = (
    "changed(permissions) or changed(trading_enabled) or changed(trading_status)",
    "changed(in_margin_call)",
    "increased(call_amount) or increased(fedCallAmount)",
    "prior(equity) > 0 and equity < prior(equity) * 50%",
)


@dataclass(frozen=True, slots=True)
class Login:
    """One venue of the config."""

    kind: str
    accounts: Sequence[str]
    url: str = "http://127.0.0.1:9"
    every: str = "10s"
    concurrency: int = 8
    calls_per_second: int = 200


def account_ids(number: int) -> list[str]:
    """The ids of so many accounts."""
    return [f"{place:08d}" for place in range(number)]


def account(kind: str, account_id: str, *, lots: int = 1, moved: int = 0) -> SimAccount:
    """A healthy account of about 100,000 USD, its market `moved` by so many steps."""
    number = int(account_id)
    pnl = Decimal(number % 97 * 10 + moved % 1000 * 7) / 4
    return SimAccount(
        kind,
        account_id,
        f"BENCH:{account_id}/Desk",
        equity=100_000 + number % 1009 + pnl,
        margin_used=Decimal("31250.25") + number % 13,
        unrealized_pnl=pnl,
        yesterday_equity=Decimal(100_000),
        positions=tuple(_position(lot, pnl / lots) for lot in range(lots)),
    )


def breached(healthy: SimAccount) -> SimAccount:
    """The same account when exactly one rule fires on it."""
    return replace(healthy, equity=Decimal(85_000) + healthy.unrealized_pnl)


def _position(lot: int, pnl: Decimal) -> SimPosition:
    return SimPosition(
        f"pos_{lot:06d}",
        f"SYM{lot:03d}",
        Decimal(100_000),
        open_price=Decimal("1.08625"),
        price=Decimal("1.08625") + pnl / 100_000,
        margin=Decimal("1250.25"),
        unrealized_pnl=pnl,
        market_value=Decimal(108_625) + pnl,
    )


def rule_file(kinds: Sequence[str], number: int) -> str:
    """A rule file in TOML of which exactly so many rules apply at each venue, the rule that can breach among them."""
    return "\n".join(text for kind in kinds for text in _rules_of(kind, number))


def _rules_of(kind: str, number: int) -> list[str]:
    found: list[str] = []
    for draft in _drafts():
        if len(found) == number:
            break
        if draft.applies(kind):
            found.append(draft.toml(f"{kind}-{len(found):03d}", kind))
    return found


@dataclass(frozen=True, slots=True)
class _Draft:
    """A rule before it has a name."""

    kind: RuleKind
    text: str
    levels: str = ""

    def applies(self, venue: str) -> bool:
        """Whether the venue has what it reads."""
        level = Level(Severity.CRITICAL, ">", Decimal(0)) if self.levels else Level(Severity.CRITICAL)
        rule = Rule("draft", self.text, self.kind, (level,), expression=self.text)
        return bool(VenueRules(venue, venue_kinds()[venue].catalogue, [rule]).applied)

    def toml(self, rule_id: str, venue: str) -> str:
        """As a rule file has it."""
        key = {RuleKind.LADDER: "value", RuleKind.CONDITION: "when", RuleKind.EVENT: "on"}[self.kind]
        rest = f"levels = {self.levels}" if self.levels else 'severity = "critical"'
        return f"[[rule]]\nid = '{rule_id}'\n{key} = '{self.text}'\n{rest}\nvenues = ['{venue}']\n"


def _drafts() -> Iterator[_Draft]:
    for text in CONDITIONS:
        yield _Draft(RuleKind.CONDITION, text)
    for text in EVENTS:
        yield _Draft(RuleKind.EVENT, text)
    for step in count():
        for value, operator, warning, critical, sign in LADDERS:
            farther = step / 100 if operator == ">" or warning < 0 else -step / 100
            at = [f"{operator} {limit * (1 + farther):.2f}{sign}" for limit in (warning, critical)]
            yield _Draft(RuleKind.LADDER, value, f'{{ warning = "{at[0]}", critical = "{at[1]}" }}')


def write_config(
    folder: Path, logins: Sequence[Login], *, rules: int, receivers: Sequence[str], packs: Sequence[str] = ()
) -> Path:
    """Write a config and its rule file, or name rule packs instead; the venues are named after their kinds."""
    files = [f"builtin:{pack}" for pack in packs] or ["rules.toml"]
    if not packs:
        (folder / "rules.toml").write_text(rule_file([login.kind for login in logins], rules))
    lines = [f"[store]\nurl = 'sqlite:///{folder}/bench.db'", "[web]\nlisten = ''", f"[rules]\nfiles = {files}"]
    lines += [_venue(login) for login in logins]
    lines += [f"[[receivers]]\nname = 'receiver-{place}'\nurl = '{url}'" for place, url in enumerate(receivers)]
    config = folder / "config.toml"
    config.write_text("\n".join(lines))
    return config


def _venue(login: Login) -> str:
    own = {
        ARCHITECT: f"api_key = '{API_KEY}'\napi_secret = '{API_SECRET}'\ncurrency = 'USD'",
        STONEX: f"client_id = '{CLIENT_ID}'\nclient_secret = '{CLIENT_SECRET}'\naccounts = {list(login.accounts)}",
        HELIO: f"email = '{EMAIL}'\npassword = '{PASSWORD}'",
    }[login.kind]
    if login.kind == ARCHITECT:
        where = f"endpoint = '{login.url}'"
    else:
        where = f"base_url = '{login.url}'\nconcurrency = {login.concurrency}\n"
        where += f"calls_per_second = {login.calls_per_second}"
    return f"[[venues]]\nname = '{login.kind}'\nkind = '{login.kind}'\nevery = '{login.every}'\n{own}\n{where}"


def parts_of(config: Path) -> Parts:
    """What would run by this config."""
    return assemble(configure(config, {}))
