"""The two probes over real HTTP."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette

from marginwatch.web.health import Check, Health, health_routes
from marginwatch.web.server import ListenError, Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WELL = Health(alive=True, checks=(Check("venue fx", good=True, detail="last good answer 3 s ago"),))
STALE = Health(alive=True, checks=(Check("venue fx", good=False, detail="no good answer for 5 m"),))
STUCK = Health(alive=False, checks=())


class _Switch:
    now = WELL

    def __call__(self) -> Health:
        return self.now


@pytest.fixture
async def served() -> AsyncIterator[tuple[_Switch, str]]:
    switch = _Switch()
    server = Server(Starlette(routes=health_routes(switch)), "127.0.0.1:0")
    server.start()
    yield switch, f"http://{server.address}"
    await server.stop()


@pytest.mark.parametrize(
    ("health", "path", "status", "word"),
    [
        (WELL, "/healthz", 200, "alive"),
        (STALE, "/healthz", 200, "alive"),
        (STUCK, "/healthz", 503, "stuck"),
        (WELL, "/readyz", 200, "ready"),
        (STALE, "/readyz", 503, "not ready"),
        (STUCK, "/readyz", 503, "not ready"),
    ],
)
async def test_probes_say_how_it_is(
    served: tuple[_Switch, str], health: Health, path: str, status: int, word: str
) -> None:
    """Alive is about progress alone; ready also needs every check to be good."""
    switch, base = served
    switch.now = health

    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(base + path)

    assert (status, word) == (answer.status_code, answer.json()["status"])


async def test_a_check_says_what_is_wrong(served: tuple[_Switch, str]) -> None:
    """A probe that is not ready names the check and the reason."""
    switch, base = served
    switch.now = STALE

    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(base + "/readyz")

    assert answer.json()["checks"] == [{"name": "venue fx", "good": False, "detail": "no good answer for 5 m"}]


def test_a_busy_port_is_one_sentence() -> None:
    """A port in use is an error that names the address and what to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*\[web\] listen"):
            Server(Starlette(routes=health_routes(_Switch())), f"127.0.0.1:{port}")


def test_an_address_that_can_never_be_had_does_not_pass() -> None:
    """A port that this user may not have is a mistake in the config; one in use is trouble that may pass."""
    busy = ListenError("127.0.0.1:80", OSError(errno.EADDRINUSE, "Address already in use"))
    forbidden = ListenError("127.0.0.1:80", OSError(errno.EACCES, "Permission denied"))

    assert (busy.exit_code, forbidden.exit_code) == (3, 1)


def test_an_ipv6_address_is_understood() -> None:
    """`[::1]:0` binds the IPv6 loopback."""
    server = Server(Starlette(routes=health_routes(_Switch())), "[::1]:0")
    try:
        assert server.address.startswith("[::1]:")
    finally:
        server._socket.close()
