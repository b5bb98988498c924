"""Addresses in the config: what can be listened on, and what can be asked."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from marginwatch.config.keys import wrong

if TYPE_CHECKING:
    from pydantic import SecretStr

REFERENCE = "${"
"""Begins what stands for a secret; what a text that begins so will be shows only when it is resolved."""
_LAST_PORT = 65_535
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def host_and_port(listen: str) -> tuple[str, int] | None:
    """The two parts of `127.0.0.1:8470` or `[::1]:8470`; None for what is not so."""
    host, _, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        return None
    if not host or host != host.strip() or not (port.isascii() and port.isdecimal()) or int(port) > _LAST_PORT:
        return None
    return host, int(port)


def web_address(url: SecretStr, example: str) -> SecretStr:
    """Refuse a text that no web request can be sent to."""
    value = with_scheme(url, example, schemes=("http://", "https://")).get_secret_value()
    if not value.startswith(REFERENCE):
        try:
            parts = urlsplit(value)
            known = bool(parts.hostname) and parts.port != 0
        except ValueError:
            known = False
        if not known:
            what = f"must be a URL with a host, like {example}"
            raise wrong(what)
    return url


def with_scheme(url: SecretStr, example: str, schemes: tuple[str, ...] = ()) -> SecretStr:
    """Refuse a text that cannot be a URL; one that begins with a reference shows only when it is resolved."""
    value = url.get_secret_value()
    known = value.startswith(schemes) if schemes else _SCHEME.match(value) is not None
    if not known and not value.startswith(REFERENCE):
        what = f"must be a URL, like {example}"
        raise wrong(what)
    return url


def is_this_machine(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
