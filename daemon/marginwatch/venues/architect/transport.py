"""What gRPC's own words about a lost connection mean, in ours. Pure."""

from __future__ import annotations

import re
from typing import Final

_OWN: Final = re.compile(
    r"failed to connect|errors resolving|dns resolution failed|received http2 header|socket closed|recvmsg|sendmsg|"
    r"connection (reset|aborted|dropped|timed)|broken pipe|goaway|keepalive|stream removed|rst_stream",
    re.IGNORECASE,
)
"""How gRPC's own words begin, as far as they are known."""

_MEANINGS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(words, re.IGNORECASE), meaning)
    for words, meaning in (
        (r"domain name not found|name or service not known|nxdomain", "DNS knows no such name as {server}"),
        (r"errors resolving|dns resolution failed|address lookup failed", "DNS gave no address of {server}"),
        (r"CERTIFICATE_VERIFY_FAILED: (?P<why>[\w ,'-]+)", "the certificate of {server} is not trusted: {why}"),
        (r"hostname verification|not in peer certificate", "the certificate of {server} is for another name"),
        (r"WRONG_VERSION_NUMBER|http_request", "{server} does not speak TLS"),
        (r"http1\.x server|expected settings frame", "{server} does not speak gRPC"),
        (r"connection refused", "{server} refused it"),
        (
            r"connection timed out|timeout occurred|handshaker? timed? ?out|deadline exceeded",
            "{server} did not take it in time",
        ),
        (r"no route to host|network is unreachable", "there is no way to {server}"),
        (r"handshake", "the TLS handshake with {server} failed"),
        (
            r"received http2 header with status: (?P<why>\d{3})",
            "before {server}, something answered with HTTP status {why}",
        ),
        (r"failed to connect to all addresses(?!.*(closed|reset))", "{server} did not take it"),
        (r"", "{server} broke it off"),
    )
)
"""The first that fits counts, and the last fits always."""


def in_our_words(details: str, server: str) -> str:
    """What happened on the way to `server` (host:port), to follow "no connection: "; what a server said stays as it is.

    gRPC tells its own words and the server's in the same place, and its own differ from version to version.
    """
    if not _OWN.match(details):
        return details
    found, meaning = next((found, meaning) for words, meaning in _MEANINGS if (found := words.search(details)))
    return meaning.format(server=server, **{key: text.strip() for key, text in found.groupdict().items()})
