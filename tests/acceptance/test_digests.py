"""Digests of a real process: killed while it gathers, it loses nothing and goes on gathering where it was."""

from __future__ import annotations

import signal
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from marginwatch.store.store import Store
from marginwatch.store.types import OutboxStatus
from support.process import started
from support.sinks import HttpSink
from support.sites import NAMES, Sites, receiver, write_config
from support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from support.sinks import Post

pytestmark = pytest.mark.acceptance

ACCOUNTS = tuple(f"acc-{number:02}" for number in range(16))
RULES = """
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 95%" }
"""
WARNING, CRITICAL = Decimal(85_000), Decimal(97_000)


def breach(sites: Sites, used: Decimal, *accounts: str) -> None:
    """Let these accounts use so much of their equity."""
    for account in accounts:
        sites.world.change("architect", account, margin_used=used)


def said(post: Post) -> str:
    """What a form webhook was told: its title and its text."""
    form = parse_qs(post.body.decode())
    return "\n".join(value for key in sorted(form) for value in form[key])


async def test_killed_while_it_gathers(tmp_path: Path) -> None:
    """What was held at a SIGKILL is told by the next process, once; a critical one in between did not wait."""
    url = f"sqlite:///{tmp_path}/marginwatch.db"
    with HttpSink() as sink:
        async with Sites("architect", accounts=ACCOUNTS) as sites:
            hook = receiver("desk", f"form://{sink.address}/hook", digest={"after": 3, "gather": "8s"})
            config = write_config(tmp_path, sites.tables(), _plain(hook), rules=RULES, store=url)
            async with started("run", "--config", config) as process:
                await process.logged("ready")
                store = Store.open(url)
                await until(lambda: len(store.history.account_states()) == len(ACCOUNTS))
                breach(sites, WARNING, *ACCOUNTS[:8])
                await until(lambda: bool(store.outbox.rows(statuses=[OutboxStatus.DELIVERED])))
                breach(sites, WARNING, *ACCOUNTS[8:11])
                await until(lambda: len(_alerts(store)) >= 11)
                held = len(store.outbox.rows(statuses=[OutboxStatus.HELD]))
                breach(sites, CRITICAL, ACCOUNTS[15])
                await until(lambda: _is_told(store, ACCOUNTS[15]))
                process.signal(signal.SIGKILL)
                await process.ended()
            async with started("run", "--config", config) as process:
                await process.logged("ready")
                await until(lambda: not store.outbox.rows(statuses=[OutboxStatus.HELD]))
                await until(lambda: _all_delivered(store, 12))
                process.signal(signal.SIGTERM)
                assert await process.ended() == 0
            store.close()

    assert held
    told = [said(post) for post in sink.posts]
    keys = [post.headers["idempotency-key"] for post in sink.posts]
    assert len(keys) == len(set(keys))
    for account in (*ACCOUNTS[:11], ACCOUNTS[15]):
        assert sum(f"DESK:{account} ({NAMES['architect']})" in each for each in told) == 1, account
    assert len(told) <= 5  # a digest or two of the first eight, the critical one, and what was held


def _plain(table: str) -> str:
    """Inline tables as TOML has them."""
    return table.replace('{"after": 3, "gather": "8s"}', '{ after = 3, gather = "8s" }')


def _alerts(store: Store) -> set[str]:
    return {row.message.alert_id for row in store.outbox.rows() if not row.message.kind.startswith("digest")}


def _is_told(store: Store, account: str) -> bool:
    rows = store.outbox.rows(statuses=[OutboxStatus.DELIVERED])
    return any(row.message.topic.endswith(account) or account in row.message.title for row in rows)


def _all_delivered(store: Store, alerts: int) -> bool:
    rows = store.outbox.rows()
    return len(_alerts(store)) == alerts and all(row.status is OutboxStatus.DELIVERED for row in rows)
