"""What the simulated venues answer, as bodies and as what the daemon fetches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fleet import ARCHITECT, HELIO, NOON
from marginwatch.core.model import AccountKey
from marginwatch.simulator.architect_api import API_KEY, API_SECRET, ArchitectApi
from marginwatch.simulator.helio import EMAIL, PASSWORD, HelioApi
from marginwatch.simulator.httpserver import Request, encode
from marginwatch.simulator.stonex import CLIENT_ID, CLIENT_SECRET, StonexApi
from marginwatch.simulator.world import World
from marginwatch.venues.architect.wire import ACCOUNTS, CREATE_JWT, MARGIN_CALLS, SUMMARIES
from marginwatch.venues.helio.fields import LOGIN, METRICS_CALL, PORTFOLIO_CALL
from marginwatch.venues.protocol import Fetched, Part
from marginwatch.venues.stonex.fields import BALANCES, POSITIONS
from marginwatch.venues.stonex.normalise import CONFIGURED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from marginwatch.simulator.httpserver import HttpApi
    from marginwatch.simulator.world import SimAccount

BATCH = 250
"""Accounts in one list of answers: as many as a busy daemon takes at once."""


class HttpSite:
    """A venue that is asked for one account at a time, answered for in this process."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._at = NOON
        self._world = World(lambda: self._at)
        self._api: HttpApi = HelioApi(self._world) if kind == HELIO else StonexApi(self._world)
        self.calls = (PORTFOLIO_CALL, METRICS_CALL) if kind == HELIO else (POSITIONS, BALANCES)
        self._token = ""

    def login(self) -> Request:
        """How a client logs in."""
        if self.kind == HELIO:
            return Request("POST", "/api/v1/login", {}, msgspec.json.encode({"email": EMAIL, "password": PASSWORD}))
        form = f"client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}"
        return Request("POST", "/auth/token", {}, form.encode())

    def request(self, account: str, call: str) -> Request:
        """How a client asks for one account."""
        headers = {"authorization": f"Bearer {self._token}"}
        if self.kind == HELIO:
            return Request("GET", f"/api/v1/accounts/{account}/{call}", headers, b"")
        return Request("POST", f"/account-api/v1/{call}", headers, msgspec.json.encode({"accountNumber": account}))

    def move(self, accounts: Sequence[SimAccount], at: datetime) -> bytes:
        """Go on to another time and other accounts; gives the answer to a login."""
        self._at = at
        self._world.add(*accounts)
        granted = self._api.answer(self.login()).body
        self._token = msgspec.json.decode(granted)["access_token"]
        return granted

    def body(self, account: str, call: str) -> bytes:
        """The answer to one call."""
        return self._api.answer(self.request(account, call)).body

    def cycle(self, accounts: Sequence[SimAccount], at: datetime) -> Iterator[list[Fetched]]:
        """What one cycle brings, made as it is taken: the list of accounts, then the accounts in batches."""
        self.move(accounts, at)
        ids = [account.id for account in accounts]
        listing = [{"id": account} for account in ids] if self.kind == HELIO else ids
        call = LOGIN if self.kind == HELIO else CONFIGURED
        yield [Fetched(self.kind, None, {call: Part(msgspec.json.encode(listing), at)}, at)]
        for start in range(0, len(ids), BATCH):
            yield [self._fetched(account, at) for account in ids[start : start + BATCH]]

    def _fetched(self, account: str, at: datetime) -> Fetched:
        parts = {call: Part(self.body(account, call), at) for call in self.calls}
        return Fetched(self.kind, AccountKey(self.kind, account), parts, at)


class ArchitectSite:
    """Architect, which answers for all accounts at once."""

    kind = ARCHITECT

    def __init__(self) -> None:
        self._at = NOON
        self._world = World(lambda: self._at)
        self._api = ArchitectApi(self._world)

    def cycle(self, accounts: Sequence[SimAccount], at: datetime) -> Iterator[list[Fetched]]:
        """What one cycle brings."""
        self._at = at
        self._world.add(*accounts)
        token = str(self._api.answer(CREATE_JWT, {"api_key": API_KEY, "api_secret": API_SECRET}, "")["jwt"])
        calls = (ACCOUNTS, SUMMARIES, MARGIN_CALLS)
        yield [
            Fetched(ARCHITECT, None, {call: Part(encode(self._api.answer(call, {}, token)), at) for call in calls}, at)
        ]


def site(kind: str) -> HttpSite | ArchitectSite:
    """The simulated venue of that kind."""
    return ArchitectSite() if kind == ARCHITECT else HttpSite(kind)
