"""The requests of the StoneX Clearing API, and what its login's answer gives. Every read is a POST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import httpx
import msgspec

from marginwatch.errors import MarginwatchError
from marginwatch.venues.answer import Malformed
from marginwatch.venues.http.lanes import Ask
from marginwatch.venues.http.login import Token, authorization, life
from marginwatch.venues.http.session import Manners
from marginwatch.venues.http.venue import LOGIN, HttpVenue
from marginwatch.venues.protocol import Part
from marginwatch.venues.selection import is_glob
from marginwatch.venues.stonex.fields import BALANCES, POSITIONS
from marginwatch.venues.stonex.normalise import CONFIGURED, normalise
from marginwatch.venues.stonex.said import explain, refuses_token
from marginwatch.venues.stonex.wire import parse_token

if TYPE_CHECKING:
    from marginwatch.core.model import AccountKey, Normalised
    from marginwatch.venues.http.venue import Pace
    from marginwatch.venues.protocol import Clock, Fetched, VenueCommon
    from marginwatch.venues.stonex.settings import StonexSettings

_JSON: Final = ((b"Content-Type", b"application/json"),)
_FORM: Final = ((b"Content-Type", b"application/x-www-form-urlencoded"),)


class StonexApi:
    """What is asked and how it is read."""

    listing_call = CONFIGURED

    def __init__(self, settings: StonexSettings, accounts: tuple[str, ...]) -> None:
        self._settings = settings
        self._accounts = msgspec.json.encode(tuple(dict.fromkeys(accounts)))
        self._token_url = httpx.URL(settings.base_url + settings.token_path)
        self._urls = {call: httpx.URL(f"{settings.base_url}/account-api/v1/{call}") for call in (POSITIONS, BALANCES)}
        secrets = (settings.client_secret.get_secret_value(),)
        self.manners = Manners(explain=lambda body: explain(body, secrets), refuses=refuses_token)

    def login(self) -> Ask:
        """The client-credentials request."""
        form = {
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
        }
        if self._settings.send_grant_type:
            form["grant_type"] = "client_credentials"
        return Ask(LOGIN, "POST", self._token_url, _FORM, urlencode(form).encode())

    def granted(self, answer: Part) -> Token | Malformed:
        """The token, and the configured accounts in place of a list."""
        token = parse_token(answer.body)
        if isinstance(token, Malformed):
            return token
        header = authorization(token.access_token)
        if isinstance(header, Malformed):
            return header.inside("access_token")
        return Token(header, life(token.expires_in), Part(self._accounts, answer.received_at))

    def asks(self, account: AccountKey) -> tuple[Ask, ...]:
        """Positions, then balances."""
        content = msgspec.json.encode({"accountNumber": account.id})
        return tuple(Ask(call, "POST", url, _JSON, content) for call, url in self._urls.items())

    def normalise(self, fetched: Fetched) -> Normalised:
        """What the answers say. Pure; never raises."""
        return normalise(fetched, self._settings.currency)


class AccountsNotNamedError(MarginwatchError):
    """The config leaves open which accounts to watch, and the venue offers no list to choose from."""

    def __init__(self, venue: str, glob: str | None) -> None:
        why = "names no accounts" if glob is None else f'has the pattern "{glob}" among its accounts'
        super().__init__(f"the venue {venue} {why}; StoneX Clearing lists none, so write each account number in full")


def connect(common: VenueCommon, settings: StonexSettings, clock: Clock, pace: Pace | None = None) -> HttpVenue:
    """The adapter of one login; no I/O happens before the first poll.

    Raises:
        AccountsNotNamedError: The config names no account, or a pattern.
    """
    glob = next((account for account in common.accounts if is_glob(account)), None)
    if glob is not None or not common.accounts:
        raise AccountsNotNamedError(common.name, glob)
    return HttpVenue(common, settings, StonexApi(settings, common.accounts), clock, pace)
