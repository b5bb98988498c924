"""The server's sockets: what it takes over, what it leaves, and how it ends."""

from __future__ import annotations

import socket
import stat
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from marginwatch.web.server import ListenError, Server

if TYPE_CHECKING:
    from pathlib import Path

APP = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])


async def answer(path: Path) -> str:
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        return (await client.get("http://localhost/")).text


async def test_a_socket_in_the_file_system_is_served_and_taken_away(tmp_path: Path) -> None:
    """Its owner and group may write to it, nobody else; at the end it is gone."""
    path = tmp_path / "web.sock"
    server = Server(APP, f"unix:{path}")
    assert server.address == f"unix:{path}"
    server.start()
    assert await answer(path) == "here"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    await server.stop()
    assert not path.exists()


async def test_what_a_killed_process_left_is_taken_over(tmp_path: Path) -> None:
    """A socket that nobody listens on."""
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = Server(APP, f"unix:{path}")
    server.start()
    assert await answer(path) == "here"
    await server.stop()


def test_what_belongs_to_others_is_left_alone(tmp_path: Path) -> None:
    """A socket that somebody listens on, and a file that is none."""
    path, file = tmp_path / "web.sock", tmp_path / "file"
    file.write_text("mine")
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.bind(str(path))
        theirs.listen()
        with pytest.raises(ListenError, match=r"cannot listen on unix:.*web\.sock: Address already in use"):
            Server(APP, f"unix:{path}")
    with pytest.raises(ListenError, match="Address already in use"):
        Server(APP, f"unix:{file}")
    assert (path.exists(), file.read_text()) == (True, "mine")


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """With the address and what to change."""
    with pytest.raises(ListenError, match=r"No such file or directory; choose another address in \[web\] listen"):
        Server(APP, f"unix:{tmp_path}/nowhere/web.sock")


async def test_a_server_that_never_served_gives_its_socket_back(tmp_path: Path) -> None:
    """As where a start fails further on."""
    path = tmp_path / "web.sock"
    Server(APP, f"unix:{path}").release()
    assert not path.exists()
