"""Architect's API as a server sees it: who may ask, and what each call answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from grpc import StatusCode

from marginwatch.errors import MarginwatchError
from marginwatch.simulator import architect_bodies as bodies
from marginwatch.simulator.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from marginwatch.simulator.world import Json, SimAccount, World

API_KEY: Final = "SimulatedArchitectKey024"
API_SECRET: Final = "SimulatedArchitectSecretOfFortyFourCharact=="  # noqa: S105  (because it opens nothing real)
"""The login a simulated server knows unless told otherwise, in the vendor's format."""

VENUE: Final = "architect"
"""Its name in the world."""

_TOKEN_LIFE: Final = timedelta(hours=1)
_PAPER: Final = "PAPER:"
_OPEN: Final = frozenset({"Auth/CreateJwt", "Health/Check"})

Request: TypeAlias = "dict[str, object]"


class RefusedError(MarginwatchError):
    """The server answers a call with an error."""

    def __init__(self, code: StatusCode, details: str) -> None:
        self.code = code
        self.details = details
        super().__init__(details)


class ArchitectApi:
    """The calls of one installation, by the vendor's names."""

    def __init__(self, world: World, *, secret: str = API_SECRET, offers_margin_calls: bool = True) -> None:
        self.offers_margin_calls = offers_margin_calls
        """Whether it has the call for margin calls, which not every server has."""
        self._world = world
        self._secret = secret
        self._tokens = Tokens(world, _TOKEN_LIFE)
        self._routes: Mapping[str, Callable[[Request], dict[str, Json]]] = {
            "Auth/CreateJwt": self._create_jwt,
            "Auth/AuthInfo": lambda _: {"user_id": bodies.TRADER, "original_user_id": bodies.TRADER},
            "Core/Config": lambda _: {"marketdata": {}},
            "Health/Check": lambda _: {"status": "SERVING"},
            "Accounts/Accounts": self._accounts,
            "Folio/AccountSummary": self._account_summary,
            "Folio/AccountSummaries": self._account_summaries,
            "Folio/AccountHistory": self._account_history,
            "Boss/MarginCalls": self._margin_calls,
        }

    def answer(self, call: str, request: Request | None, token: str) -> dict[str, Json]:
        """The right answer; `request` is None for a message that is no JSON object.

        Raises:
            RefusedError: the call, the token or the request is not good.
        """
        route = self._routes.get(call)
        if route is None or (call == "Boss/MarginCalls" and not self.offers_margin_calls):
            raise RefusedError(StatusCode.UNIMPLEMENTED, f"unknown service or method {call}")
        if call not in _OPEN and not self._tokens.good(token):
            raise RefusedError(StatusCode.UNAUTHENTICATED, "the token is missing, expired or revoked")
        if request is None:
            raise RefusedError(StatusCode.INVALID_ARGUMENT, "the message is no JSON object")
        return route(request)

    def revoke_tokens(self) -> None:
        """Refuse every token given out so far."""
        self._tokens.revoke()

    def _create_jwt(self, request: Request) -> dict[str, Json]:
        if (request.get("api_key"), request.get("api_secret")) != (API_KEY, self._secret):
            raise RefusedError(StatusCode.UNAUTHENTICATED, "unknown API key or wrong secret")
        token, _ = self._tokens.give()
        return {"jwt": token}

    def _accounts(self, request: Request) -> dict[str, Json]:
        paper = request.get("paper") is True
        of_side = (each for each in self._world.accounts(VENUE) if each.name.startswith(_PAPER) == paper)
        return {"accounts": [bodies.listed(each) for each in of_side]}

    def _account_summary(self, request: Request) -> dict[str, Json]:
        return bodies.summary(self._asked_for(request), self._world.now(), "Folio/AccountSummary")

    def _account_summaries(self, request: Request) -> dict[str, Json]:
        wanted = request.get("accounts")
        everyone = wanted is None or request.get("trader") == bodies.TRADER
        names = wanted if isinstance(wanted, list) else []
        now = self._world.now()
        rows: list[Json] = [
            bodies.summary(each, now, "Folio/AccountSummaries")
            for each in self._visible()
            if everyone or each.id in names or each.name in names
        ]
        return {"account_summaries": rows}

    def _account_history(self, request: Request) -> dict[str, Json]:
        account = self._asked_for(request)
        try:
            return {"history": bodies.history(account, request, self._world.now())}
        except (ValueError, KeyError) as error:
            raise RefusedError(StatusCode.INVALID_ARGUMENT, f"not as documented: {error}") from None

    def _margin_calls(self, request: Request) -> dict[str, Json]:
        wanted = request.get("account_id")
        found = [each for each in self._visible() if wanted in (None, each.id)]
        return {"margin_calls": [call for each in found for call in bodies.margin_calls(each, self._world.now())]}

    def _visible(self) -> list[SimAccount]:
        """The accounts whose balances this login may see and that the server answers for."""
        return [each for each in self._world.accounts(VENUE) if each.answered and "view" in each.permissions]

    def _asked_for(self, request: Request) -> SimAccount:
        name = request.get("account")
        for each in self._visible():
            if name in (each.id, each.name):
                return each
        raise RefusedError(StatusCode.NOT_FOUND, f"no account {name}")
