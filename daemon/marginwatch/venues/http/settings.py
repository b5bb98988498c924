"""The config keys every HTTP venue has."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _wrong(what: str) -> PydanticCustomError:
    return PydanticCustomError("marginwatch", "{what}", {"what": what})


def _checked_url(text: str) -> str:
    """The URL without its last slash. No sentence shows the value: it may hold what should not stand there."""
    try:
        url = httpx.URL(text)
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        what = "must be a URL, like https://api.example.com"
        raise _wrong(what) from None
    if url.scheme not in {"https", "http"} or not url.host:
        what = "must begin with https:// and name a host, like https://api.example.com"
        raise _wrong(what)
    if url.userinfo or url.query or url.fragment:
        what = "must hold no user, password, query or fragment; the login has keys of its own"
        raise _wrong(what)
    if url.scheme == "http" and not _is_this_machine(url.host):
        what = "must begin with https://, for http:// would show the login to the network"
        raise _wrong(what)
    return text.rstrip("/")


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_path(text: str) -> str:
    if not text.startswith("/") or any(sign in text for sign in "?#") or not text.isascii() or not text.isprintable():
        what = 'must be a path that begins with a slash, like "/login"'
        raise _wrong(what)
    return text


BaseUrl = Annotated[str, AfterValidator(_checked_url)]
"""Where an API begins: https, or http on this machine."""

UrlPath = Annotated[str, AfterValidator(_checked_path)]
"""A path under the base URL."""


class HttpSettings(BaseModel):
    """Where an HTTP venue is and how fast it may be asked. Authorities are trusted as this machine trusts them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: BaseUrl
    concurrency: int = Field(default=8, ge=1, le=64)
    """Requests under way at once."""
    calls_per_second: float = Field(default=200.0, ge=0.1, le=10_000.0)
    """The most this login asks."""
