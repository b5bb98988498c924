"""The config keys every HTTP venue has."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from marginwatch.config.keys import Count, Number, wrong

if TYPE_CHECKING:
    from urllib.parse import SplitResult


def _checked_url(text: str) -> str:
    """The URL without its last slash. No sentence shows the value: it may hold what should not stand there."""
    url = _split(text)
    if url is None or not _is_plain(text):
        what = "must be a URL, like https://api.example.com"
        raise wrong(what)
    if url.scheme not in {"https", "http"} or not url.hostname:
        what = "must begin with https:// and name a host, like https://api.example.com"
        raise wrong(what)
    if "@" in url.netloc or url.query or url.fragment:
        what = "must hold no user, password, query or fragment; the login has keys of its own"
        raise wrong(what)
    if url.scheme == "http" and not _is_this_machine(url.hostname):
        what = "must begin with https://, for http:// would show the login to the network"
        raise wrong(what)
    return text.rstrip("/")


def _split(text: str) -> SplitResult | None:
    """The parts of the URL; None when it is none, its port and the spelling of its host included."""
    try:
        url = urlsplit(text)
        sound = url.port != 0 and (url.hostname or "").encode("idna") is not None
    except ValueError:
        return None
    return url if sound else None


def _is_plain(text: str) -> bool:
    return text.isprintable() and " " not in text


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_path(text: str) -> str:
    if not text.startswith("/") or any(sign in text for sign in "?#") or not (text.isascii() and _is_plain(text)):
        what = 'must be a path that begins with a slash, like "/login"'
        raise wrong(what)
    return text


BaseUrl = Annotated[str, AfterValidator(_checked_url), Field(json_schema_extra={"pattern": "^https?://"})]
"""Where an API begins: https, or http on this machine."""

UrlPath = Annotated[str, AfterValidator(_checked_path), Field(json_schema_extra={"pattern": "^/"})]
"""A path under the base URL."""


class HttpSettings(BaseModel):
    """Where an HTTP venue is and how fast it may be asked. Authorities are trusted as this machine trusts them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: BaseUrl
    """Where the API begins: https, or http on this machine."""
    concurrency: Count = Field(default=8, ge=1, le=64)
    """Requests under way at once."""
    calls_per_second: Number = Field(default=100.0, ge=0.1, le=10_000.0)
    """The most this login asks."""
