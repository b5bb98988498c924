"""Where an Architect installation is, read from the `endpoint` key; asking DNS for a missing port is `srv.py`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from marginwatch.errors import MarginwatchError

PAPER_PORT: Final = 10081
"""The port of paper trading at the vendor's own installations."""

_VENDOR_DOMAIN: Final = ".architect.co"
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_PAPER_HOSTS: Final = ("app.architect.co", "staging.architect.co")


class EndpointError(MarginwatchError, ValueError):
    """The endpoint cannot be used; the sentence goes on from the name of the key.

    It is a ValueError too, so that settings report it with its place.
    """


class MalformedEndpointError(EndpointError):
    """The text is no host and port."""

    def __init__(self, what: str) -> None:
        super().__init__(f"must {what}; write it like https://app.architect.co or localhost:9000")


class UnencryptedEndpointError(EndpointError):
    """The vendor's own host over plain text."""

    def __init__(self, host: str) -> None:
        super().__init__(f"must begin with https://, for http:// would send the API secret unencrypted to {host}")


class PortlessAddressError(EndpointError):
    """An IP address without a port."""

    def __init__(self, host: str) -> None:
        written = f"[{host}]" if ":" in host else host
        super().__init__(f"must name the port, which DNS knows of names only; write it like {written}:8081")


class WrongSideError(EndpointError):
    """A port of the live side with `paper = true`, or the other way round."""

    def __init__(self, host: str, port: int, *, paper: bool) -> None:
        if paper:
            what = f"must have port {PAPER_PORT} for paper trading at {host}; leave the port out"
        else:
            what = f"must not have port {port}, which is paper trading at {host}; leave it out, or add paper = true"
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Target:
    """A gRPC server: what to dial and whether to encrypt."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A checked `endpoint`, of the live or of the paper side."""

    host: str
    port: int | None
    """None: ask DNS for the SRV record of `host`."""
    tls: bool
    paper: bool

    def fixed(self) -> Target | None:
        """The server, where the port is written; None where DNS must be asked."""
        return None if self.port is None else Target(self.host, self.port, self.tls)

    def found(self, host: str, port: int) -> Target:
        """The server that an SRV record names; the vendor serves paper trading beside it, on a port of its own."""
        paper_side = self.paper and any(name in host for name in _PAPER_HOSTS)
        return Target(host, PAPER_PORT if paper_side else port, self.tls)


def parse_endpoint(text: str, *, paper: bool) -> Endpoint:
    """Check an endpoint such as `https://app.architect.co`, `localhost:9000` or `10.0.0.5:8081`.

    It is encrypted when it says https, and at the vendor's own domain. Nothing of a refused text is repeated beyond
    its host and port, for a text may hold a password by mistake.

    Raises:
        EndpointError: it is no endpoint, or one that would send the secret unencrypted to the vendor, or the wrong
            side of live and paper.
    """
    url, host, port = _split(text)
    vendor = f".{host}".endswith(_VENDOR_DOMAIN)
    if vendor and url.scheme == "http":
        raise UnencryptedEndpointError(host)
    if port is None and _is_address(host):
        raise PortlessAddressError(host)
    if host in _PAPER_HOSTS and port is not None and paper != (port == PAPER_PORT):
        raise WrongSideError(host, port, paper=paper)
    return Endpoint(host, port, tls=url.scheme == "https" or vendor, paper=paper)


def _split(text: str) -> tuple[SplitResult, str, int | None]:
    try:
        url = urlsplit(text if "://" in text else f"//{text}")
        host, port = url.hostname, url.port
    except ValueError:
        what = "be a host and a port"
        raise MalformedEndpointError(what) from None
    if not host or not _HOST.fullmatch(host):
        what = "name a host in plain letters, digits, dots and dashes"
    elif url.scheme not in {"", "http", "https"}:
        what = "begin with https:// or http://, or with the host"
    elif url.username is not None or url.path not in {"", "/"} or url.query or url.fragment:
        what = "be a host and a port only, without a user, a path or a query"
    elif port == 0:
        what = "have a port above 0"
    else:
        return url, host, port
    raise MalformedEndpointError(what)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
