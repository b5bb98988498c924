"""The address of an HTTP venue is safe to send a login to, and no sentence about it shows it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import BaseModel, ValidationError

from marginwatch.venues.helio.settings import HelioSettings
from marginwatch.venues.http.settings import HttpSettings
from marginwatch.venues.stonex.settings import StonexSettings


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("https://api.clearing.stonex.com", "https://api.clearing.stonex.com"),
        ("https://trader.example.com/api/v1/", "https://trader.example.com/api/v1"),
        ("https://trader.example.com:8443", "https://trader.example.com:8443"),
        ("http://localhost:8081/api/v1", "http://localhost:8081/api/v1"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://[::1]:8081", "http://[::1]:8081"),
    ],
)
def test_an_address_is_https_or_on_this_machine(written: str, used: str) -> None:
    """The last slash is dropped, for paths begin with one."""
    assert HttpSettings(base_url=written).base_url == used


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("http://trader.example.com", "must begin with https://, for http:// would show the login to the network"),
        ("http://10.0.0.5", "must begin with https://, for http:// would show the login to the network"),
        ("ftp://trader.example.com", "must begin with https:// and name a host"),
        ("trader.example.com", "must begin with https:// and name a host"),
        ("https://", "must begin with https:// and name a host"),
        ("https://user:hunter2@trader.example.com", "must hold no user, password, query or fragment"),
        ("https://trader.example.com?key=hunter2", "must hold no user, password, query or fragment"),
        ("https://trader.example.com#x", "must hold no user, password, query or fragment"),
        ("https://trader..example.com", "must be a URL"),
        ("https://trader.example.com:99999", "must be a URL"),
        ("https://[::1", "must be a URL"),
        ("https://trader example.com", "must be a URL"),
    ],
)
def test_an_address_that_would_not_do_is_refused_in_words(written: str, why: str) -> None:
    """The sentence says what to write and holds nothing of the value."""
    with pytest.raises(ValidationError, match="base_url") as caught:
        HttpSettings(base_url=written)
    assert why in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("path", ["login", "", "/a?b", "/a#b", "/a b", "/ä"])
def test_a_path_begins_with_a_slash(path: str) -> None:
    """Everything else is refused in words."""
    with pytest.raises(ValidationError, match="must be a path that begins with a slash"):
        HelioSettings.model_validate({"base_url": "https://h", "email": "e", "password": "p", "login_path": path})


def test_the_defaults_are_those_of_the_example_config() -> None:
    """What may be left out, and what it then is."""
    stonex = StonexSettings.model_validate({"base_url": "https://h", "client_id": "i", "client_secret": "s"})
    helio = HelioSettings.model_validate({"base_url": "https://h", "email": "e", "password": "p"})

    assert (stonex.token_path, stonex.send_grant_type, stonex.currency) == ("/auth/token", True, None)
    assert (helio.login_path, helio.concurrency, helio.calls_per_second) == ("/login", 8, 100)
    assert StonexSettings.accounts_required
    assert not hasattr(HelioSettings, "accounts_required")


@pytest.mark.parametrize("model", [StonexSettings, HelioSettings])
def test_an_unknown_key_is_refused(model: type[BaseModel]) -> None:
    """A typing error in the config does not pass in silence."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate({"base_url": "https://h", "colour": "red"})


def test_a_rate_may_be_written_with_a_fraction() -> None:
    """TOML's numbers arrive as Decimals."""
    assert (
        HttpSettings.model_validate({"base_url": "https://h", "calls_per_second": Decimal("0.5")}).calls_per_second
        == 0.5
    )
    with pytest.raises(ValidationError):
        HttpSettings(base_url="https://h", calls_per_second=0)
