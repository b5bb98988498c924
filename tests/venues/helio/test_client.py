"""What is asked of Helio, and what a cycle at its simulator gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from marginwatch import clock
from marginwatch.core.model import AccountKey, FailureKind
from marginwatch.simulator.faults import EVERY_CALL, Fault, FaultKind
from marginwatch.venues.answer import Malformed
from marginwatch.venues.helio import VENUE
from marginwatch.venues.helio.client import HelioApi
from marginwatch.venues.helio.settings import HelioSettings
from marginwatch.venues.http.login import Token
from marginwatch.venues.protocol import Part, VenueCommon
from support.httpvenues import FIRST, SECOND, Setting, site

AT = datetime(2026, 1, 2, tzinfo=UTC)
EPOCH = int(AT.timestamp())


def api(**keys: object) -> HelioApi:
    login = {"base_url": "https://trader.example.com/api/v1", "email": "a@b", "password": 'p"w'}
    return HelioApi(HelioSettings.model_validate(login | keys), ())


def test_the_login_is_json_at_its_path() -> None:
    """Email and password, at a path that can be configured."""
    ask = api(login_path="/client/login").login()
    assert (ask.method, str(ask.url)) == ("POST", "https://trader.example.com/api/v1/client/login")
    assert msgspec.json.decode(ask.content) == {"email": "a@b", "password": 'p"w'}


def test_an_account_is_asked_for_by_two_gets() -> None:
    """The id is quoted into the path; metrics may not exist."""
    asks = api().asks(AccountKey("fx", "a/b ?"))
    base = "https://trader.example.com/api/v1/accounts/a%2Fb%20%3F"
    assert [(ask.method, str(ask.url), ask.optional) for ask in asks] == [
        ("GET", f"{base}/portfolio", False),
        ("GET", f"{base}/metrics", True),
    ]


@pytest.mark.parametrize(
    ("expires", "lives"),
    [
        (f',"expires_at":{EPOCH + 3600}', timedelta(hours=1)),
        (f',"expires_at":{EPOCH - 3600}', None),
        (',"expires_at":null', None),
        ("", None),
        (',"expires_at":"sNaN"', None),
        (',"expires_at":1e999999', None),
    ],
)
def test_a_token_lives_until_the_answer_says(expires: str, lives: timedelta | None) -> None:
    """A time that is past, missing or absurd is no time: the token is used until it is refused."""
    body = f'{{"access_token":"abc"{expires},"accounts":[{{"id":"a"}}]}}'.encode()
    assert api().granted(Part(body, AT)) == Token(b"Bearer abc", lives, Part(b'[{"id":"a"}]', AT))


def test_the_list_of_accounts_holds_no_token() -> None:
    """What is passed on and may be kept is the list alone; without one it is empty bytes, which are no list."""
    token = api().granted(Part(b'{"access_token":"abc"}', AT))
    assert isinstance(token, Token)
    assert token.listing == Part(b"", AT)


@pytest.mark.parametrize(
    ("body", "where"),
    [(b"{}", ""), (b'{"access_token":null}', "access_token"), (b'{"access_token":""}', "access_token")],
)
def test_a_login_that_gives_no_token_is_malformed(body: bytes, where: str) -> None:
    """Whatever else stands there."""
    malformed = api().granted(Part(body, AT))
    assert isinstance(malformed, Malformed)
    assert malformed.where == where


async def test_connecting_asks_nothing() -> None:
    """The registered kind builds an adapter without a word to the network, and closes it again."""
    settings = HelioSettings.model_validate({"base_url": "https://h", "email": "e", "password": "p"})
    common = VenueCommon("fx", (), timedelta(seconds=10), timedelta(seconds=10))
    venue = VENUE.connect(common, settings, clock.now)
    assert venue.name == "fx"
    await venue.aclose()


async def test_a_cycle_gives_the_accounts_and_their_margins() -> None:
    """The simulated account comes out as it went in, through the real protocol."""
    async with site(Setting("helio")) as here:
        here.world.change(
            "helio",
            FIRST,
            equity=Decimal("1000.50"),
            margin_used=Decimal("900.25"),
            unrealized_pnl=Decimal("-20.10"),
            in_margin_call=True,
            status="TRADE_STATUS_CLOSE_ONLY",
            currency="EUR",
        )
        cycled = await here.cycle()

    assert cycled.failures == []
    fields = cycled.observations[FIRST].fields
    assert (fields["equity"], fields["margin_used"], fields["currency"]) == (
        Decimal("1000.50"),
        Decimal("900.25"),
        "EUR",
    )
    assert (fields["unrealized_pnl"], fields["metrics.equity"]) == (Decimal("-20.10"), Decimal("1000.50"))
    assert (fields["in_margin_call"], fields["trading_status"]) == (True, "TRADE_STATUS_CLOSE_ONLY")
    assert cycled.observations[FIRST].as_of is not None


async def test_the_globs_of_the_config_choose_among_the_logins_accounts() -> None:
    """Only what is asked for is listed and polled."""
    async with site(Setting("helio", globs=("*2",))) as here:
        cycled = await here.cycle()

    assert cycled.accounts == [SECOND]
    assert [account.key.id for account in cycled.said[0].listing or ()] == [SECOND]


async def test_an_account_missing_from_a_new_login_has_vanished() -> None:
    """The list is the login's: it changes when there is a new login, not before."""
    async with site(Setting("helio")) as here:
        await here.cycle()
        here.world.change("helio", SECOND, listed=False)
        before = await here.cycle()
        here.faults.fail(EVERY_CALL, Fault(FaultKind.REVOKED), times=1)
        await here.cycle()
        after = await here.cycle()

    assert [failure.kind for failure in before.of(SECOND)] == [FailureKind.REFUSED]
    assert before.of(SECOND)[0].detail == "answered 403 Forbidden: account access denied"
    assert [account.key.id for account in after.said[0].listing or ()] == [FIRST]
    assert after.accounts == [FIRST]


@pytest.mark.parametrize("status", [403, 404, 501])
async def test_metrics_that_are_not_offered_are_no_failure(status: int) -> None:
    """The account is observed without them."""
    async with site(Setting("helio", (FIRST,))) as here:
        here.faults.fail("metrics", Fault(FaultKind.STATUS, status=status))
        cycled = await here.cycle()

    assert cycled.failures == []
    assert cycled.observations[FIRST].optional == {"metrics"}
    assert cycled.observations[FIRST].as_of is None


async def test_an_old_snapshot_keeps_its_own_time() -> None:
    """What the venue dates is dated so, however late it comes."""
    async with site(Setting("helio", (FIRST,))) as here:
        here.world.change("helio", FIRST, as_of=AT)
        cycled = await here.cycle()

    assert cycled.observations[FIRST].as_of == AT
    assert cycled.observations[FIRST].observed_at == AT


async def test_a_login_without_a_list_is_a_bad_answer_and_keeps_the_accounts() -> None:
    """A list that cannot be read is told; the accounts known from before are polled on."""
    body = b'{"access_token": "t", "expires_at": 1, "accounts": {}}'
    async with site(Setting("helio", (FIRST,))) as here:
        await here.cycle()
        tokens = here.simulator._api._tokens._until  # type: ignore[attr-defined]  # the simulator's, not the contract's
        tokens["t"] = clock.now() + timedelta(hours=1)
        here.faults.fail("login", Fault(FaultKind.BODY, body=body))
        assert await here.venue.check_login() is None
        second = await here.cycle()

    assert (second.failures[0].kind, second.failures[0].where) == (FailureKind.BAD_ANSWER, "accounts")
    assert second.accounts == [FIRST]


async def test_an_account_that_is_listed_and_not_answered_is_unknown() -> None:
    """The venue lists it and then knows nothing of it."""
    async with site(Setting("helio", (FIRST,))) as here:
        here.world.change("helio", FIRST, answered=False)
        cycled = await here.cycle()

    assert [failure.kind for failure in cycled.failures] == [FailureKind.ACCOUNT_UNKNOWN]
