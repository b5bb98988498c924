"""The config keys of an Architect venue."""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationInfo, field_validator

from marginwatch.config.keys import Flag
from marginwatch.venues.architect.endpoint import parse_endpoint

_KEY: Final = re.compile(r"[a-zA-Z0-9]{24}")
_SECRET: Final = re.compile(r"[a-zA-Z0-9+/=]{44}")


class ArchitectSettings(BaseModel):
    """What logs in, and where; key and secret come from the vendor's API-keys page."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    paper: Flag = False
    """Watch the paper accounts instead of the live ones. Stands first because it decides which endpoints are right."""
    endpoint: str = "https://app.architect.co"
    """The installation. Without a port, DNS is asked for it (an SRV record)."""
    api_key: SecretStr
    """The 24 characters of a key of its own: all programs of one user share the rate limit."""
    api_secret: SecretStr
    """The 44 characters that belong to the key."""
    currency: str | None = None
    """The currency to name in messages, as the venue names none."""

    @field_validator("api_key")
    @classmethod
    def _check_key(cls, key: SecretStr) -> SecretStr:
        if not _KEY.fullmatch(key.get_secret_value()):
            msg = "must be the 24 letters and digits of an Architect API key"
            raise ValueError(msg)
        return key

    @field_validator("api_secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(secret.get_secret_value()):
            msg = "must be the 44 Base64 characters of an Architect API secret"
            raise ValueError(msg)
        return secret

    @field_validator("currency")
    @classmethod
    def _check_currency(cls, currency: str | None) -> str | None:
        if currency is not None and not currency.strip():
            msg = "must name a currency, for example USD; or leave the key out"
            raise ValueError(msg)
        return currency

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, endpoint: str, info: ValidationInfo) -> str:
        parse_endpoint(endpoint, paper=bool(info.data.get("paper")))
        return endpoint
