"""systemd hears what it expects, over both kinds of socket, and its absence hurts nobody."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from marginwatch.ops.sd_notify import Systemd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, Systemd]]:
    name = f"@marginwatch-{uuid.uuid4().hex}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        sock.settimeout(5)
        yield sock, Systemd({"NOTIFY_SOCKET": name})


def test_each_message_is_what_systemd_reads(listener: tuple[socket.socket, Systemd]) -> None:
    """Starting, ready, alive, status and stopping arrive as systemd's assignments, a status on one line."""
    sock, systemd = listener
    assert systemd.patience(1.5)
    assert sock.recv(4096).decode() == "EXTEND_TIMEOUT_USEC=1500000"
    assert systemd.ready("watching\n3 accounts")
    assert systemd.alive()
    assert systemd.status("2 alerts")
    assert systemd.stopping()
    assert [sock.recv(4096).decode() for _ in range(4)] == [
        "READY=1\nSTATUS=watching 3 accounts",
        "WATCHDOG=1",
        "STATUS=2 alerts",
        "STOPPING=1",
    ]


def test_a_reload_carries_the_monotonic_time(listener: tuple[socket.socket, Systemd]) -> None:
    """systemd takes a reload's beginning by its own clock, in microseconds."""
    sock, systemd = listener
    before = int(clock.monotonic() * 1e6)
    assert systemd.reloading()
    first, second = sock.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    key, _, value = second.partition("=")
    assert key == "MONOTONIC_USEC"
    assert before <= int(value) <= int(clock.monotonic() * 1e6)


@pytest.mark.parametrize(
    "name",
    ["", "/nowhere/at/all", "@" + "x" * 200, "/with\0null", "relative"],
    ids=["none", "gone", "long", "null", "odd"],
)
def test_without_a_listener_nothing_happens(name: str) -> None:
    """No socket, or a broken one, is told by False and never raised."""
    systemd = Systemd({"NOTIFY_SOCKET": name})
    assert not systemd.ready()
    assert not systemd.alive()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "90000000"}, timedelta(seconds=90)),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": str(os.getpid())}, timedelta(seconds=90)),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_is_read_from_the_environment(environ: dict[str, str], expected: timedelta | None) -> None:
    """The span is systemd's, and only where it means this process."""
    assert Systemd(environ).watchdog == expected
