"""The `[web]` table: where the page is, who may open it, and how people reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic import field_validator as validates

from marginwatch.config.addresses import REFERENCE, host_and_port, is_this_machine, web_address
from marginwatch.config.keys import Table, wrong

if TYPE_CHECKING:
    from pydantic_core.core_schema import ValidationInfo

SOCKET = "unix:"
"""Begins a `listen` that names a socket in the file system."""
_SHORTEST_TOKEN = 16
_EXAMPLE = "https://marginwatch.example.com"


class WebSettings(Table):
    """`[web]`: health probes and the page."""

    listen: str = "127.0.0.1:8470"
    """Host and port, or `unix:/path`. Port 0 takes a free one and logs it; empty opens none."""
    public_url: str = ""
    """Where people reach the page; with it each message has a link to act on its alert."""
    token: SecretStr | None = Field(default=None, validate_default=True)
    """What the page asks for before it shows anything. Without it nobody can act on the page."""

    @validates("listen")
    @classmethod
    def _is_address(cls, listen: str) -> str:
        if listen.startswith(SOCKET):
            if not listen.startswith(f"{SOCKET}/"):
                what = 'must name a socket by its whole path, like "unix:/run/marginwatch/page.sock"'
                raise wrong(what)
        elif listen and host_and_port(listen) is None:
            what = 'must be host:port, like "127.0.0.1:8470" or "[::1]:8470", or "" for no page'
            raise wrong(what)
        return listen

    @validates("public_url")
    @classmethod
    def _is_web_address(cls, public_url: str) -> str:
        if not public_url:
            return ""
        web_address(SecretStr(public_url), _EXAMPLE)
        if not public_url.startswith(REFERENCE):
            parts = urlsplit(public_url)
            if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
                what = f"must end behind the host, like {_EXAMPLE}; the page cannot live below a path"
                raise wrong(what)
        return public_url.rstrip("/")

    @validates("token")
    @classmethod
    def _guards_what_is_open(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if token is None:
            whom = _outsiders(info.data.get("listen", ""), info.data.get("public_url", ""))
            if whom:
                what = f"is missing, and {whom}; keep it in a file of its own and write ${{file:/path/to/it}}"
                raise wrong(what)
            return None
        value = token.get_secret_value()
        if len(value) < _SHORTEST_TOKEN and not value.startswith(REFERENCE):
            what = f"must have at least {_SHORTEST_TOKEN} characters; `openssl rand -hex 24` makes a good one"
            raise wrong(what)
        return token

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port; port 0 lets the system pick. None when there is to be no page, or on a socket."""
        return host_and_port(self.listen)

    @property
    def socket(self) -> str:
        """The path of the socket it listens on; empty when it listens on a host and port, or not at all."""
        return self.listen.removeprefix(SOCKET) if self.listen.startswith(SOCKET) else ""


def _outsiders(listen: str, public_url: str) -> str:
    """Who could open the page without a token; empty when only this machine can."""
    address = host_and_port(listen)
    if address is not None and not is_this_machine(address[0]):
        return "`listen` lets other machines open the page"
    if public_url and not public_url.startswith(REFERENCE) and not is_this_machine(urlsplit(public_url).hostname or ""):
        return "`public_url` says that other machines reach the page"
    return ""
