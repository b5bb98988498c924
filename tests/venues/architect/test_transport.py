"""What happened on the way to the server, in words of ours and not in gRPC's."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.model import FailureKind
from marginwatch.venues.architect.transport import in_our_words
from support.architect import connect, cycle
from support.rawserver import raw_server

if TYPE_CHECKING:
    import asyncio

    from syrupy.assertion import SnapshotAssertion

ALL = "failed to connect to all addresses; last error: UNKNOWN: ipv4:192.0.2.1:443: "
TLS = ALL + "Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1:SSL routines:OPENSSL_internal:"


@pytest.mark.parametrize(
    "details",
    [
        ALL + "Failed to connect to remote host: Connection refused",
        ALL + "Failed to connect to remote host: No route to host",
        ALL + "Failed to connect to remote host: Timeout occurred: FD Shutdown",
        ALL + "Socket closed",
        ALL + "something new",
        ALL + "INTERNAL: Failed parsing HTTP/2 (Expected SETTINGS frame as the first frame, got frame type 80)",
        TLS + "WRONG_VERSION_NUMBER: Invalid certificate verification context: OK",
        TLS + "CERTIFICATE_VERIFY_FAILED: self signed certificate: OK",
        TLS + "TLSV1_ALERT_INTERNAL_ERROR",
        "errors resolving desk.example.com:443: [field:hostname lookup error:...: Domain name not found]",
        "DNS resolution failed for desk.example.com:443: C-ares status is not ARES_SUCCESS: Timeout",
        "Received http2 header with status: 502",
        "recvmsg:Connection reset by peer (104)",
        "Socket closed",
        "GOAWAY received; Error code: 0; Debug Text: max_age",
    ],
)
def test_what_grpc_says(details: str, snapshot: SnapshotAssertion) -> None:
    """Each says who did what, and nothing of gRPC's own prose is left."""
    said = in_our_words(details, "desk.example.com:443")

    assert said == snapshot
    assert "desk.example.com:443" in said


@pytest.mark.parametrize("details", ["closed for maintenance", "", "our database: connection refused"])
def test_what_the_server_says_stays_as_it_is(details: str) -> None:
    """The venue's own words are worth more than ours."""
    assert in_our_words(details, "desk.example.com:443") == details


async def test_a_server_that_refuses() -> None:
    """The failure names host and port, in words a person knows."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        venue = connect(f"http://127.0.0.1:{port}")
        (failure,) = (await cycle(venue)).failures
        await venue.aclose()

    assert (failure.kind, failure.detail) == (
        FailureKind.UNREACHABLE,
        f"no connection: 127.0.0.1:{port} refused it",
    )


@pytest.mark.parametrize(
    ("scheme", "said"),
    [("http", "does not speak gRPC"), ("https", "does not speak TLS")],
)
async def test_a_server_of_another_kind(scheme: str, said: str) -> None:
    """What answers and is no Architect installation is told apart from one that is down."""

    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with raw_server(web) as port:
        venue = connect(f"{scheme}://127.0.0.1:{port}")
        (failure,) = (await cycle(venue)).failures
        await venue.aclose()

    assert failure.detail == f"no connection: 127.0.0.1:{port} {said}"


async def test_a_server_that_stays_silent() -> None:
    """Who did not answer in time is named."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter, __: int) -> None:
        await reader.read()

    async with raw_server(silent) as port:
        venue = connect(f"http://127.0.0.1:{port}", deadline=1.0)
        (failure,) = (await cycle(venue)).failures
        await venue.aclose()

    assert (failure.kind, failure.detail) == (
        FailureKind.TIMED_OUT,
        f"no answer in time: 127.0.0.1:{port} was asked",
    )
