"""The config keys of a Helio venue."""

from __future__ import annotations

from pydantic import Field, SecretStr

from marginwatch.venues.http.settings import HttpSettings, UrlPath


class HelioSettings(HttpSettings):
    """What logs in, and where; the broker says which address its Trader API has."""

    login_path: UrlPath = "/login"
    """The vendor's page prints another path by mistake, so it is a key."""
    email: str = Field(min_length=1)
    """Who logs in."""
    password: SecretStr = Field(min_length=1)
    """What that user logs in with."""
