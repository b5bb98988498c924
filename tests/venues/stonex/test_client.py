"""What is asked of StoneX Clearing, and what a cycle at its simulator gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import msgspec
import pytest

from marginwatch import clock
from marginwatch.core.model import Account, AccountKey, FailureKind
from marginwatch.simulator.faults import Fault, FaultKind
from marginwatch.simulator.world import SimPosition
from marginwatch.venues.answer import Malformed
from marginwatch.venues.http.login import Token
from marginwatch.venues.protocol import Part, VenueCommon
from marginwatch.venues.stonex import VENUE
from marginwatch.venues.stonex.client import AccountsNotNamedError, StonexApi
from marginwatch.venues.stonex.settings import StonexSettings
from support.httpvenues import FIRST, SECOND, Setting, site

AT = datetime(2026, 1, 2, tzinfo=UTC)


def api(**keys: object) -> StonexApi:
    login = {"base_url": "https://api.example.com/", "client_id": "me & you", "client_secret": "s3cr&t=="}
    return StonexApi(StonexSettings.model_validate(login | keys), ("40017731", "40017731", "40018265"))


def common(*accounts: str) -> VenueCommon:
    return VenueCommon("clearing", accounts, timedelta(seconds=10), timedelta(seconds=10))


def test_the_login_is_a_form_with_the_clients_credentials() -> None:
    """Posted to the token path, special characters and all."""
    ask = api().login()
    assert (ask.method, str(ask.url)) == ("POST", "https://api.example.com/auth/token")
    assert dict(ask.headers)[b"Content-Type"] == b"application/x-www-form-urlencoded"
    assert parse_qs(ask.content.decode()) == {
        "client_id": ["me & you"],
        "client_secret": ["s3cr&t=="],
        "grant_type": ["client_credentials"],
    }


def test_the_login_follows_the_vendors_page_to_the_letter_if_wanted() -> None:
    """The page knows another path and no grant type."""
    ask = api(token_path="/identity/connect/token", send_grant_type=False).login()
    assert ask.url.path == "/identity/connect/token"
    assert set(parse_qs(ask.content.decode())) == {"client_id", "client_secret"}


def test_an_account_is_asked_for_by_two_posts() -> None:
    """Positions and balances, each with the account number as JSON."""
    account = AccountKey("clearing", "40017731")
    asks = api().asks(account)
    assert [str(ask.url) for ask in asks] == [
        "https://api.example.com/account-api/v1/position-summary",
        "https://api.example.com/account-api/v1/balance-summary",
    ]
    assert {ask.method for ask in asks} == {"POST"}
    assert [msgspec.json.decode(ask.content) for ask in asks] == [{"accountNumber": "40017731"}] * 2
    assert not any(ask.optional for ask in asks)


def test_a_token_lives_as_long_as_the_answer_says() -> None:
    """Ten hours, as documented; the configured accounts stand in for a list, each once."""
    token = api().granted(Part(b'{"access_token":"abc","expires_in":36000,"token_type":"Bearer"}', AT))
    assert token == Token(b"Bearer abc", timedelta(hours=10), Part(b'["40017731","40018265"]', AT))


@pytest.mark.parametrize(
    ("body", "where"),
    [(b"{}", ""), (b'{"access_token":7}', "access_token"), (b'{"access_token":"a b"}', "access_token")],
)
def test_a_login_that_gives_no_token_is_malformed(body: bytes, where: str) -> None:
    """Whatever else stands there."""
    malformed = api().granted(Part(body, AT))
    assert isinstance(malformed, Malformed)
    assert malformed.where == where


@pytest.mark.parametrize(
    ("accounts", "why"),
    [((), "names no accounts"), (("40017731", "4*"), 'has the pattern "4\\*" among its accounts')],
)
def test_accounts_must_be_written_in_full(accounts: tuple[str, ...], why: str) -> None:
    """The vendor documents no list of accounts, so nothing can be chosen from one."""
    settings = StonexSettings.model_validate({"base_url": "https://h", "client_id": "i", "client_secret": "s"})
    with pytest.raises(AccountsNotNamedError, match=f"the venue clearing {why}; StoneX Clearing lists none"):
        VENUE.connect(common(*accounts), settings, clock.now)


async def test_connecting_asks_nothing() -> None:
    """The registered kind builds an adapter without a word to the network, and closes it again."""
    settings = StonexSettings.model_validate({"base_url": "https://h", "client_id": "i", "client_secret": "s"})
    venue = VENUE.connect(common("1"), settings, clock.now)
    assert venue.name == "clearing"
    await venue.aclose()


async def test_a_cycle_gives_the_accounts_and_their_margins() -> None:
    """The simulated account comes out as it went in, through the real protocol."""
    async with site(Setting("stonex")) as here:
        here.world.change(
            "stonex",
            FIRST,
            equity=Decimal("412000.10"),
            margin_used=Decimal("371000.09"),
            unrealized_pnl=Decimal(-500),
            fed_call=Decimal(15000),
            positions=(
                SimPosition("1", "ACME", Decimal(10), Decimal(1), Decimal(2), Decimal(7)),
                SimPosition("2", "GLOBEX", Decimal(-10), Decimal(1), Decimal(2), Decimal(3)),
                SimPosition("3", "INITECH", Decimal(5), Decimal(1), Decimal(2), Decimal(1)),
            ),
        )
        cycled = await here.cycle()

    assert cycled.failures == []
    assert cycled.said[0].listing == tuple(Account(AccountKey("here", number), number) for number in (FIRST, SECOND))
    fields = cycled.observations[FIRST].fields
    assert (fields["equity"], fields["margin_used"]) == (Decimal("412000.10"), Decimal("371000.09"))
    assert (fields["unrealized_pnl"], fields["currency"]) == (Decimal(-500), "USD")
    assert (fields["in_margin_call"], fields["fed_call"], fields["fedCallAmount"]) == (True, 15000, 15000)
    rows = cycled.observations[FIRST].positions
    assert rows is not None
    assert [(row["symbol"], row["longShortInd"]) for row in rows] == [
        ("ACME", "LONG"),
        ("GLOBEX", "SHORT"),
        ("INITECH", "LONG"),
    ]
    assert cycled.observations[SECOND].fields["in_margin_call"] is False


async def test_an_account_the_venue_does_not_know_is_told_as_such() -> None:
    """The venue says so with a good HTTP status; the other account is answered."""
    async with site(Setting("stonex")) as here:
        here.world.change("stonex", SECOND, listed=False)
        cycled = await here.cycle()

    assert {failure.kind for failure in cycled.of(SECOND)} == {FailureKind.ACCOUNT_UNKNOWN}
    assert all(failure.trace_id for failure in cycled.of(SECOND))
    assert list(cycled.observations) == [FIRST]


async def test_nulls_and_missing_fields_come_through() -> None:
    """What the venue leaves out is missing, what it nulls is null, by call and path."""
    async with site(Setting("stonex", (FIRST,))) as here:
        here.world.change(
            "stonex",
            FIRST,
            nulls=frozenset({"marginBalance.equity"}),
            missing=frozenset({"position-summary:fedCallAmount"}),
        )
        cycled = await here.cycle()

    fields = cycled.observations[FIRST].fields
    assert (fields["equity"], fields["margin_usage"]) == (None, None)
    assert not {"fedCallAmount", "in_margin_call"} & set(fields)


async def test_a_token_refused_with_a_good_status_is_renewed() -> None:
    """An envelope that says 401 inside an HTTP 200 is a refused token, too."""
    refusal = b'{"statusCode": 401, "message": "expired", "data": null, "errors": [], "hasErrors": true}'
    async with site(Setting("stonex", (FIRST,))) as here:
        here.faults.fail("balance-summary", Fault(FaultKind.BODY, body=refusal), times=1)
        cycled = await here.cycle()

        assert here.asked("login") == 2
    assert cycled.failures == []
