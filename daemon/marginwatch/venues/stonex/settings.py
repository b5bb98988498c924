"""The config keys of a StoneX Clearing venue."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr

from marginwatch.config.keys import Flag  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.venues.http.settings import HttpSettings, UrlPath


class StonexSettings(HttpSettings):
    """What logs in, and where (https://docs.clearing.stonex.com/docs/getting-started/authentication)."""

    accounts_required: ClassVar[bool] = True
    """The vendor documents no call that lists accounts."""

    token_path: UrlPath = "/auth/token"  # noqa: S105  (because it is a path)
    """The vendor's page names this one and `/identity/connect/token`."""
    client_id: str = Field(min_length=1)
    """Who logs in."""
    client_secret: SecretStr = Field(min_length=1)
    """What that client logs in with."""
    send_grant_type: Flag = True
    """Whether the login says `grant_type=client_credentials`, which the vendor's page leaves out."""
    currency: str | None = Field(default=None, min_length=1)
    """The currency to name in messages; left out, the one all positions share."""
