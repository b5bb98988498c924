"""The simulated accounts that every simulator serves, and the clock they live by."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from marginwatch import clock
from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime, timedelta

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | Decimal | bool | None"
"""A wire body before it is encoded; money is Decimal."""

ALL_PERMISSIONS = frozenset({"list", "view", "trade", "reduce_or_close", "set_limits"})
"""Every permission an Architect login can hold on an account."""


class UnknownSimAccountError(MarginwatchError):
    """A scenario or a test names an account that the world does not hold."""

    def __init__(self, venue: str, account: str, known: Iterable[str]) -> None:
        super().__init__(f"the simulated venue {venue} has no account {account}; it has {', '.join(known) or 'none'}")


@dataclass(frozen=True, slots=True)
class SimPosition:
    """One open position. Money is in the account's currency."""

    id: str
    symbol: str
    quantity: Decimal
    """Signed: negative is short."""
    open_price: Decimal
    price: Decimal
    """The current one."""
    margin: Decimal = Decimal(0)
    unrealized_pnl: Decimal = Decimal(0)
    market_value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class SimMarginCall:
    """One margin call of a futures clearing house, as an Architect server lists it."""

    call_type: str
    call_amount: Decimal
    satisfied_amount: Decimal = Decimal(0)
    due_date: date | timedelta | None = None
    """A length of time counts from the day the venue is asked."""
    status: str = "OPEN"


@dataclass(frozen=True, slots=True)
class SimAccount:
    """One account as it stands now; `World.change` replaces it. A venue serves only the fields its API has."""

    venue: str
    """The simulated venue, one per server: `architect`, `stonex` or `helio`."""
    id: str
    name: str
    currency: str = "USD"
    equity: Decimal = Decimal(100_000)
    margin_used: Decimal = Decimal(0)
    """Working orders included."""
    position_margin: Decimal | None = None
    """Positions only; None means the same as `margin_used`."""
    unrealized_pnl: Decimal = Decimal(0)
    realized_pnl: Decimal = Decimal(0)
    yesterday_equity: Decimal | None = None
    cash: Decimal | None = None
    """Withdrawable cash; None means what margin leaves of the balance, not below zero."""
    positions: tuple[SimPosition, ...] = ()
    permissions: frozenset[str] = ALL_PERMISSIONS
    trading_enabled: bool | None = True
    """None leaves the key out, as older servers do."""
    status: str = "TRADE_STATUS_FULL"
    in_margin_call: bool = False
    in_stop_out: bool = False
    fed_call: Decimal = Decimal(0)
    maintenance_call: Decimal = Decimal(0)
    day_trade_call: Decimal = Decimal(0)
    margin_calls: tuple[SimMarginCall, ...] = ()
    listed: bool = True
    """False makes it vanish from lists, logins and replies for all accounts."""
    answered: bool = True
    """False leaves it out of the answers (or makes them `not found`) though it is still listed."""
    as_of: datetime | None = None
    """The snapshot time served; None means now, as on a healthy venue."""
    nulls: frozenset[str] = frozenset()
    """Wire fields served as null; see `with_gaps` for how they are named."""
    missing: frozenset[str] = frozenset()
    """Wire fields left out."""

    @property
    def balance(self) -> Decimal:
        """The ledger balance: equity without unrealized P&L."""
        return self.equity - self.unrealized_pnl

    @property
    def withdrawable(self) -> Decimal:
        """`cash`, or what margin leaves of the balance."""
        return max(self.balance - self.margin_used, Decimal(0)) if self.cash is None else self.cash


class World:
    """The accounts of all simulated venues. Safe to change while servers in other threads read it."""

    def __init__(self, now: Callable[[], datetime] = clock.now) -> None:
        self.now = now
        """The simulated clock (aware UTC); give another one to let time run fast."""
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, str], SimAccount] = {}

    def add(self, *accounts: SimAccount) -> None:
        """Add accounts, or replace those with the same venue and id."""
        with self._lock:
            self._accounts.update({(account.venue, account.id): account for account in accounts})

    def account(self, venue: str, account_id: str) -> SimAccount:
        """The account as it stands now, listed or not; UnknownSimAccountError when there is none."""
        with self._lock:
            return self._find(venue, account_id)

    def find(self, venue: str, account_id: str) -> SimAccount | None:
        """The account as it stands now, listed or not; None when there is none."""
        with self._lock:
            return self._accounts.get((venue, account_id))

    def accounts(self, venue: str) -> tuple[SimAccount, ...]:
        """The listed accounts of a venue as they stand now, in the order they were added."""
        with self._lock:
            return tuple(account for account in self._accounts.values() if account.venue == venue and account.listed)

    def change(self, venue: str, account_id: str, **changes: object) -> SimAccount:
        """Replace fields of one account and give the account as it stands then."""
        with self._lock:
            changed = dataclasses.replace(self._find(venue, account_id), **changes)  # type: ignore[arg-type]  # names are data in scenarios; replace() itself refuses unknown ones
            self._accounts[venue, account_id] = changed
            return changed

    def _find(self, venue: str, account_id: str) -> SimAccount:
        found = self._accounts.get((venue, account_id))
        if found is None:
            raise UnknownSimAccountError(venue, account_id, (id_ for name, id_ in self._accounts if name == venue))
        return found


def with_gaps(body: Mapping[str, Json], account: SimAccount, call: str) -> dict[str, Json]:
    """The body with the account's `nulls` nulled and its `missing` left out, at any depth.

    A wire field is named by its key (`equity`), by the end of its path (`openCall.federalCall`) or, to hit one call
    only, by call and either (`metrics:equity`). List items have no key of their own.
    """
    gaps = dict.fromkeys(account.nulls, True) | dict.fromkeys(account.missing, False)
    nulled = {name.removeprefix(f"{call}:"): null for name, null in gaps.items() if _is_of(name, call)}
    return _opened(body, "", nulled) if nulled else dict(body)


def _is_of(name: str, call: str) -> bool:
    return ":" not in name or name.startswith(f"{call}:")


def _opened(body: Mapping[str, Json], path: str, nulled: Mapping[str, bool]) -> dict[str, Json]:
    opened: dict[str, Json] = {}
    for key, value in body.items():
        here = f"{path}.{key}"
        hit = next((name for name in nulled if here.endswith(f".{name}")), None)
        if hit is None:
            opened[key] = _opened_value(value, here, nulled)
        elif nulled[hit]:
            opened[key] = None
    return opened


def _opened_value(value: Json, path: str, nulled: Mapping[str, bool]) -> Json:
    if isinstance(value, dict):
        return _opened(value, path, nulled)
    if isinstance(value, list):
        return [_opened_value(item, path, nulled) for item in value]
    return value
