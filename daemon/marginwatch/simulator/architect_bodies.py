"""What a simulated Architect server says of the world, as the vendor's messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from marginwatch.simulator.world import ALL_PERMISSIONS, Json, with_gaps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.simulator.world import SimAccount, SimMarginCall, SimPosition

TRADER: Final = "5d8f1c1e-0000-4000-8000-000000000001"
"""The user every simulated login belongs to."""

MOST_ROWS: Final = 100
"""Rows of history in one answer; more are left out without a word."""

_STEPS: Final[Mapping[str, timedelta]] = {
    "FiveMinutes": timedelta(minutes=5),
    "Hourly": timedelta(hours=1),
    "Daily": timedelta(days=1),
}
_WAVE: Final = 13


def listed(account: SimAccount) -> dict[str, Json]:
    """A row of the listing."""
    flags: dict[str, Json] = {name: name in account.permissions for name in sorted(ALL_PERMISSIONS)}
    body: dict[str, Json] = {
        "account": {"id": account.id, "name": account.name},
        "permissions": flags,
        "trader": TRADER,
    }
    if account.trading_enabled is not None:
        body["trading_enabled"] = account.trading_enabled
    return with_gaps(body, account, "Accounts/Accounts")


def summary(account: SimAccount, at: datetime, call: str) -> dict[str, Json]:
    """A summary as of `at`, or as of the account's own time where it has one."""
    positions: dict[str, Json] = {}
    for position in account.positions:
        lots = positions.setdefault(_product(position, account), [])
        assert isinstance(lots, list)
        lots.append(_lot(position))
    covered = max(account.equity - account.margin_used, Decimal(0))
    body: dict[str, Json] = {
        "account": account.id,
        "balances": {account.currency: account.balance},
        "positions": positions,
        "timestamp": _instant(account.as_of or at),
        "equity": account.equity,
        "cash_excess": account.withdrawable,
        "available_margin": covered,
        "excess_liquidity": covered,
        "position_margin": account.margin_used if account.position_margin is None else account.position_margin,
        "total_margin": account.margin_used,
        "realized_pnl": account.realized_pnl,
        "unrealized_pnl": account.unrealized_pnl,
    }
    if account.yesterday_equity is not None:
        body["yesterday_equity"] = account.yesterday_equity
    return with_gaps(body, account, call)


def margin_calls(account: SimAccount, now: datetime) -> list[Json]:
    """The account's margin calls, open or met."""
    return [with_gaps(_margin_call(account, call, now), account, "Boss/MarginCalls") for call in account.margin_calls]


def history(account: SimAccount, request: Mapping[str, object], now: datetime) -> list[Json]:
    """Snapshots at even times within the span asked for, newest first, at most `MOST_ROWS`.

    The past is the present with a small wave on it: the same at every asking.

    Raises:
        ValueError: the request is not as documented.
    """
    step = _STEPS[_text(request, "granularity", "FiveMinutes")]
    before = min(_time(request, "to_exclusive") or now, now)
    first = _time(request, "from_inclusive") or before - MOST_ROWS * step
    limit = request.get("limit")
    most = min(limit, MOST_ROWS) if isinstance(limit, int) else MOST_ROWS
    daily = time.fromisoformat(_text(request, "time_of_day", "00:00:00") if step == timedelta(days=1) else "00:00:00")
    times = _times(first, before, step, timedelta(hours=daily.hour, minutes=daily.minute))
    return [summary(_past(account, at), at, "Folio/AccountHistory") for at, _ in zip(times, range(most), strict=False)]


def _times(first: datetime, before: datetime, step: timedelta, offset: timedelta) -> Iterator[datetime]:
    """The even times from `first` up to, not including, `before`, latest first."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC) + offset
    at = epoch + (before - epoch) // step * step
    at = at - step if at >= before else at
    while at >= first:
        yield at
        at -= step


def _past(account: SimAccount, at: datetime) -> SimAccount:
    wave = (account.equity / 1000).quantize(Decimal("0.01")) * (int(at.timestamp()) // 300 % _WAVE - _WAVE // 2)
    return replace(account, as_of=at, equity=account.equity + wave, unrealized_pnl=account.unrealized_pnl + wave)


def _time(request: Mapping[str, object], name: str) -> datetime | None:
    value = request.get(name)
    return None if value is None else datetime.fromisoformat(str(value)).astimezone(UTC)


def _text(request: Mapping[str, object], name: str, default: str) -> str:
    value = request.get(name)
    return default if value is None else str(value)


def _product(position: SimPosition, account: SimAccount) -> str:
    return position.symbol if "/" in position.symbol else f"{position.symbol}/{account.currency}"


def _lot(position: SimPosition) -> dict[str, Json]:
    return {
        "quantity": position.quantity,
        "cost_basis": position.open_price,
        "break_even_price": position.open_price,
        "unrealized_pnl": position.unrealized_pnl,
    }


def _margin_call(account: SimAccount, call: SimMarginCall, now: datetime) -> dict[str, Json]:
    due = now.date() + call.due_date if isinstance(call.due_date, timedelta) else call.due_date
    return {
        "account_number": account.name.partition(":")[2].partition("/")[0] or account.id,
        "call_amount": call.call_amount,
        "call_type": call.call_type,
        "correspondent_id": "SIM",
        "description": f"{call.call_type} call",
        "office": "001",
        "remarks": "",
        "satisfied_amount": call.satisfied_amount,
        "status": call.status,
        "due_date": None if due is None else f"{due.isoformat()}T00:00:00Z",
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
