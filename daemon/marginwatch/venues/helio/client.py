"""The requests of the Helio Trader API, and what its login's answer gives."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx
import msgspec

from marginwatch.venues.answer import Malformed, sane
from marginwatch.venues.helio.fields import LOGIN, METRICS_CALL, PORTFOLIO_CALL
from marginwatch.venues.helio.normalise import normalise
from marginwatch.venues.helio.wire import parse_error, parse_login
from marginwatch.venues.http.failure import Said, spoken
from marginwatch.venues.http.lanes import Ask
from marginwatch.venues.http.login import Token, authorization, life
from marginwatch.venues.http.session import Manners
from marginwatch.venues.http.venue import HttpVenue
from marginwatch.venues.protocol import Part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from marginwatch.core.model import AccountKey, Normalised
    from marginwatch.venues.helio.settings import HelioSettings
    from marginwatch.venues.http.venue import Pace
    from marginwatch.venues.protocol import Clock, Fetched, VenueCommon

_JSON: Final = ((b"Content-Type", b"application/json"),)


class HelioApi:
    """What is asked and how it is read."""

    listing_call = LOGIN

    def __init__(self, settings: HelioSettings, globs: Sequence[str]) -> None:
        self._settings = settings
        self._globs = globs
        secrets = (settings.password.get_secret_value(),)
        self.manners = Manners(explain=lambda body: explain(body, secrets))

    def login(self) -> Ask:
        """The login with email and password."""
        body = {"email": self._settings.email, "password": self._settings.password.get_secret_value()}
        url = httpx.URL(self._settings.base_url + self._settings.login_path)
        return Ask(LOGIN, "POST", url, _JSON, msgspec.json.encode(body))

    def granted(self, answer: Part) -> Token | Malformed:
        """The token, and the list of accounts as the venue wrote it."""
        login = parse_login(answer.body)
        if isinstance(login, Malformed):
            return login
        header = authorization(login.access_token)
        if isinstance(header, Malformed):
            return header.inside("access_token")
        accounts = bytes(login.accounts) if isinstance(login.accounts, msgspec.Raw) else b""
        lives = _life(login.expires_at, answer.received_at)
        return Token(header, lives, Part(accounts, answer.received_at))

    def asks(self, account: AccountKey) -> tuple[Ask, ...]:
        """The portfolio, and the metrics where the account has them."""
        base = f"{self._settings.base_url}/accounts/{quote(account.id, safe='')}"
        return (
            Ask(PORTFOLIO_CALL, "GET", httpx.URL(f"{base}/portfolio")),
            Ask(METRICS_CALL, "GET", httpx.URL(f"{base}/metrics"), optional=True),
        )

    def normalise(self, fetched: Fetched) -> Normalised:
        """What the answers say. Pure; never raises."""
        return normalise(fetched, self._globs)


def _life(expires_at: Decimal | None, now: datetime) -> timedelta | None:
    if expires_at is None or not sane(expires_at):
        return None
    return life(expires_at - Decimal(str(now.timestamp())))


def explain(body: bytes, secrets: tuple[str, ...] = ()) -> Said:
    """What the body of an answer with an error status says."""
    said = parse_error(body)
    if isinstance(said, Malformed):
        return Said()
    return Said(spoken(said.error.message or said.error.type or "", secrets))


def connect(common: VenueCommon, settings: HelioSettings, clock: Clock, pace: Pace | None = None) -> HttpVenue:
    """The adapter of one login; no I/O happens before the first poll."""
    return HttpVenue(common, settings, HelioApi(settings, common.accounts), clock, pace)
