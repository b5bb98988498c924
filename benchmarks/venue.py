"""A venue for benchmarks, in a process of its own: the simulator's answers, made once and served with next to no time.

venue.py KIND ACCOUNTS LOTS: as many accounts with as many positions each. Every cycle their numbers are others.
Told {"breach": [ids]} or {"heal": [ids]}, it says when it first answered so for the account's last call.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from fleet import HELIO, account, account_ids, breached
from httpd import reply, serve
from processes import say
from sites import HttpSite

VARIANTS = 3
"""Different states of the market that follow one another."""
_HELIO = re.compile(rb"GET /api/v1/accounts/(\w+)/(\w+) ")
_STAMP = re.compile(rb'"timestamp":\d{13}')


class Answers:
    """Knows what to answer to each request, what each account shows now, and who is in breach."""

    def __init__(self, kind: str, accounts: int, lots: int) -> None:
        self._site = HttpSite(kind)
        self._lots = lots
        self._shown: dict[str, int] = {}
        """By account: the state of the market, -1 in breach."""
        self._breached: set[str] = set()
        self._news: dict[str, bool] = {}
        ids = account_ids(accounts)
        self._login = self._site.move([account(kind, each) for each in ids], datetime.now(UTC))
        self._bodies: dict[tuple[str, str, int], bytes] = {}
        for variant in (*range(VARIANTS), -1):
            self._make(ids, variant)

    def __call__(self, head: bytes, body: bytes) -> bytes:
        """The reply to a request."""
        found = self._wanted(head, body)
        if found is None:
            return reply(self._login)
        account_id, call = found
        if call == self._site.calls[0]:
            self._turn(account_id)
        elif account_id in self._news:
            say(account=account_id, breached=self._news.pop(account_id), at=time.monotonic())
        ready = self._bodies[account_id, call, self._shown.get(account_id, 0)]
        return reply(_STAMP.sub(b'"timestamp":%d' % (time.time() * 1000), ready)) if call == "metrics" else ready

    def _turn(self, account_id: str) -> None:
        """What the account shows in all calls of its next cycle."""
        is_breached = account_id in self._breached
        was = self._shown.get(account_id, 0)
        self._shown[account_id] = -1 if is_breached else (was + 1) % VARIANTS
        if is_breached != (was < 0):
            self._news[account_id] = is_breached

    def told(self, what: dict[str, Any]) -> None:
        """Accounts go into breach and out of it."""
        self._breached = (self._breached | set(what.get("breach", ()))) - set(what.get("heal", ()))

    def _wanted(self, head: bytes, body: bytes) -> tuple[str, str] | None:
        if self._site.kind == HELIO:
            found = _HELIO.match(head)
            return (found[1].decode(), found[2].decode()) if found else None
        if b"/account-api/" not in head[:40]:
            return None
        call = head.split(b" ", 2)[1].rsplit(b"/", 1)[1].decode()
        return _number(body), call

    def _make(self, ids: list[str], variant: int) -> None:
        kind = self._site.kind
        now = [account(kind, each, lots=self._lots, moved=max(variant, 0)) for each in ids]
        self._site.move([breached(each) for each in now] if variant < 0 else now, datetime.now(UTC))
        for each in ids:
            for call in self._site.calls:
                body = self._site.body(each, call)
                self._bodies[each, call, variant] = body if call == "metrics" else reply(body)


@cache
def _number(body: bytes) -> str:
    found: str = msgspec.json.decode(body)["accountNumber"]
    return found


if __name__ == "__main__":
    answers = Answers(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    asyncio.run(serve(answers, answers.told))
