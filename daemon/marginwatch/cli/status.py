"""`marginwatch status`: whether to worry, in one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option, opened_store
from marginwatch.cli.output import Column, age, emit, emit_json

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from marginwatch.cli.rows import Row
    from marginwatch.core.model import Value
    from marginwatch.core.state import AccountState, VenueState
    from marginwatch.store.store import Store
    from marginwatch.store.types import ReceiverHealth

VENUES = (
    Column("venue", "VENUE"),
    Column("health", "HEALTH"),
    Column("age", "LATEST CYCLE", right=True),
    Column("detail", "TROUBLE"),
)
ACCOUNTS = (
    Column("where", "ACCOUNT"),
    Column("name", "NAME"),
    Column("equity", "EQUITY", right=True),
    Column("margin_usage", "MARGIN USAGE", right=True),
    Column("margin_excess", "EXCESS", right=True),
    Column("currency", "CURRENCY"),
    Column("age", "DATA AGE", right=True),
    Column("alerts", "OPEN ALERTS", right=True),
)
RECEIVERS = (
    Column("receiver", "RECEIVER"),
    Column("health", "HEALTH"),
    Column("waiting", "WAITING", right=True),
    Column("dead", "GIVEN UP", right=True),
    Column("detail", "LATEST TROUBLE"),
)


@click.command()
@config_option
@json_option
def command(*, config: Path | None, as_json: bool) -> None:
    """Say whether to worry: venues, accounts, open alerts, receivers, and how old the numbers are."""
    from marginwatch import clock

    now = clock.now()
    with opened_store(config) as store:
        found = _gather(store, now)
    if as_json:
        emit_json(found)
        return
    click.echo(found["verdict"])
    for key, columns, empty in (
        ("venues", VENUES, "no venue was polled yet"),
        ("accounts", ACCOUNTS, "no account was seen yet"),
        ("receivers", RECEIVERS, "no message was sent yet"),
    ):
        rows = found[key]
        assert isinstance(rows, list)  # as gathered
        click.echo()
        emit(rows, columns, as_json=False, empty=empty)


def _gather(store: Store, now: datetime) -> dict[str, object]:
    alerts = store.history.alerts(open_only=True, limit=100_000)
    firing = [alert for alert in alerts if alert.fired_at is not None]
    venues = [_venue(state, now) for state in store.history.venue_states()]
    receivers = [_receiver(health) for health in store.outbox.receivers().values()]
    counts: dict[str, int] = {}
    for alert in firing:
        counts[str(alert.key.account)] = counts.get(str(alert.key.account), 0) + 1
    accounts = [_account(state, now, counts) for state in store.history.account_states()]
    trouble = [f"{row['venue']} is failing" for row in venues if row["health"] != "good"]
    trouble += [f"receiver {row['receiver']} is failing" for row in receivers if row["health"] != "good"]
    if firing:
        worst = max(alert.severity for alert in firing)
        trouble.insert(0, f"{len(firing)} alerts firing, the worst {worst.label}")
    return {
        "verdict": "; ".join(trouble) or "all is well",
        "now": now,
        "firing": len(firing),
        "pending": len(alerts) - len(firing),
        "venues": venues,
        "accounts": accounts,
        "receivers": receivers,
    }


def _venue(state: VenueState, now: datetime) -> Row:
    failing = state.failed_cycles > 0
    failure = state.last_failure
    return {
        "venue": state.venue,
        "health": "failing" if failing else "good",
        "last_cycle_at": state.last_cycle_at,
        "last_good_at": state.last_good_at,
        "failed_cycles": state.failed_cycles,
        "age": age(state.last_cycle_at, now),
        "detail": f"{failure.kind.value}: {failure.detail}" if failing and failure is not None else None,
    }


def _account(state: AccountState, now: datetime, counts: dict[str, int]) -> Row:
    where = str(state.account.key)
    return {
        "venue": state.account.key.venue,
        "account": state.account.key.id,
        "where": where,
        "name": state.account.name,
        "equity": _number(state.known.get("equity"), ",.2f"),
        "margin_usage": _number(state.known.get("margin_usage"), ".1%"),
        "margin_excess": _number(state.known.get("margin_excess"), ",.2f"),
        "currency": state.known.get("currency"),
        "fetched_at": state.fetched_at,
        "observed_at": state.observed_at,
        "age": age(state.observed_at, now),
        "alerts": counts.get(where, 0),
    }


def _receiver(health: ReceiverHealth) -> Row:
    failing = health.failing_since is not None
    return {
        "receiver": health.receiver,
        "health": "failing" if failing else "good",
        "waiting": health.waiting,
        "oldest_waiting": health.oldest,
        "dead": health.dead,
        "failing_since": health.failing_since,
        "last_good_at": health.last_good_at,
        "detail": health.detail if failing else None,
    }


def _number(value: Value, form: str) -> str | None:
    from decimal import Decimal

    return format(value, form) if isinstance(value, Decimal) else None
