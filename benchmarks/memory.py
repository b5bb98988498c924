"""What a large desk costs: memory and processor time of the real daemon with 10,000 accounts under 25 rules.

A third of the accounts at each of the three venues, five positions each, every account answered once a minute, its
numbers others each time, every answer stored, in a database that was there before. The venues are other processes: two
HTTP servers that are asked for each account, and one gRPC server that answers for all of its at once. Measured over two
minutes, when everything was seen already; beside it the same daemon with one account at each venue.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure, publish
from fleet import ARCHITECT, HELIO, STONEX, Login, account_ids, write_config
from marginwatch import clock
from marginwatch.store.store import Store
from processes import Beside, Watching

if TYPE_CHECKING:
    from collections.abc import Sequence

LOTS = 5
RULES = 25


@dataclass(frozen=True, slots=True)
class Plan:
    """How much and how long."""

    accounts: int
    every: float
    warm: float
    """Seconds until everything was seen more than once."""
    measured: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What the daemon took."""

    resident: float
    """Megabytes, the most of all looks."""
    peak: float
    """Megabytes, the most there ever was, the start included."""
    load: float
    """Per cent of one core."""


def measure(quick: bool) -> list[Figure]:  # noqa: FBT001  (the one option there is)
    """Memory and processor time."""
    plan = Plan(30, 1, 1, 2) if quick else Plan(10_000, 60, 75, 120)
    cost, least = _cost(plan), None if quick else _cost(Plan(3, 60, 5, 20))
    name = f"{plan.accounts:,} accounts x {RULES} rules every {plan.every:.0f} s"
    return [
        Figure(
            f"{name}: {what}",
            getattr(cost, key),
            unit,
            most=most,
            baseline=None if least is None else getattr(least, key),
            baseline_name="with 3 accounts",
        )
        for what, key, unit, most in (
            ("memory", "resident", "MB", 200),
            ("memory at its peak", "peak", "MB", 200),
            ("of one core", "load", "%", 50),
        )
    ]


def _cost(plan: Plan) -> Cost:
    share, more = divmod(plan.accounts, 3)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        exchange = stack.enter_context(Beside("grpcvenue.py", share + more, LOTS, plan.every / 2))
        logins = [_login(ARCHITECT, exchange.port, plan, share + more)]
        for kind in (STONEX, HELIO):
            venue = stack.enter_context(Beside("venue.py", kind, share, LOTS))
            logins.append(_login(kind, venue.port, plan, share))
        config = write_config(Path(folder), logins, rules=RULES, receivers=["json://127.0.0.1:9"])
        Store.open(f"sqlite:///{folder}/bench.db").close()  # what makes the tables is in memory at the first start only
        with Watching(config) as daemon:
            time.sleep(plan.warm)
            cost = _watched(daemon, plan.measured)
        _check(Path(folder), plan)
    return cost


def _login(kind: str, port: int, plan: Plan, accounts: int) -> Login:
    path = "/api/v1" if kind == HELIO else ""
    calls = max(10, round(2 * accounts / plan.every * 1.5))  # two calls an account, and some room
    url = f"http://127.0.0.1:{port}{path}"
    return Login(kind, account_ids(accounts), url, every=f"{plan.every:.0f}s", calls_per_second=calls)


def _watched(daemon: Watching, seconds: float) -> Cost:
    began, spent = time.monotonic(), daemon.cpu_seconds()
    resident = 0.0
    while time.monotonic() < began + seconds:
        time.sleep(0.5)
        resident = max(resident, daemon.megabytes("VmRSS"))
    load = 100 * (daemon.cpu_seconds() - spent) / (time.monotonic() - began)
    return Cost(resident, daemon.megabytes("VmHWM"), load)


def _check(folder: Path, plan: Plan) -> None:
    """That every account was seen in the last cycle, and that nothing was the matter."""
    store = Store.open(f"sqlite:///{folder}/bench.db")
    try:
        states, alerts = store.history.account_states(), store.load_prior().alerts
    finally:
        store.close()
    bound = clock.now() - timedelta(seconds=2 * plan.every + 5)
    seen = sum(state.fetched_at is not None and state.fetched_at > bound for state in states)
    if seen != plan.accounts or alerts:
        raise NotWatchedError(seen, [alert.detail for alert in alerts])


class NotWatchedError(Exception):
    """The daemon did not see what it was to see, so what it cost says nothing."""

    def __init__(self, seen: int, alerts: Sequence[str]) -> None:
        super().__init__(f"accounts seen: {seen}; alerts: {len(alerts)}, first {alerts[:1]}")


if __name__ == "__main__":
    publish(measure, __doc__)
