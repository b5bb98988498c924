"""An embedded HTTP server on a socket we bind ourselves, so that a busy port is an error and not an exit."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from marginwatch.config.web import SOCKET
from marginwatch.errors import MarginwatchError
from marginwatch.web.patience import PatientProtocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_STOP_WITHIN = 1
"""Seconds a client may hold up the stop."""
_MOST_CONNECTIONS = 500
"""At once; who comes when they are taken is told to come later."""
_IDLE = 20
"""Seconds a connection may wait between two requests."""

_PASSING = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, socket.EAI_AGAIN})
"""Another program may let go of the port, an address may come with its network, a name server may answer again."""


class ListenError(MarginwatchError):
    """The address cannot be listened on; exit code 3 where that may pass by itself."""

    def __init__(self, listen: str, cause: OSError) -> None:
        why = cause.strerror or str(cause)
        if cause.errno in _PASSING:
            self.exit_code = 3
        super().__init__(
            f"cannot listen on {listen}: {why}; choose another address in [web] listen, or port 0 for any free one"
        )


class Server:
    """Serves one ASGI application from `start` to `stop`."""

    def __init__(self, app: ASGIApp, listen: str) -> None:
        self._socket = _bind(listen)
        self._path = Path(listen.removeprefix(SOCKET)) if listen.startswith(SOCKET) else None
        config = uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,  # nothing here goes by who a proxy says that its client is
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=_STOP_WITHIN,
        )
        self._server = uvicorn.Server(config)
        # Signals belong to the daemon; uvicorn would take SIGTERM for itself.
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]  # its documented seam
        self._task: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """`host:port` as bound, the real port when 0 was asked; `unix:/path` on a socket in the file system."""
        if self._path is not None:
            return f"{SOCKET}{self._path}"
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Begin to serve on the running loop. The socket listens already, so an early client waits, never fails."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="web")

    def release(self) -> None:
        """Give the address back."""
        self._socket.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def stop(self) -> None:
        """Stop accepting, let answers in flight finish, close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self.release()


def _bind(listen: str) -> socket.socket:
    if listen.startswith(SOCKET):
        return _bind_path(listen)
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, int(port)))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise ListenError(listen, error) from error
    bound.setblocking(False)  # noqa: FBT003  (the standard library's signature)
    return bound


def _bind_path(listen: str) -> socket.socket:
    path = Path(listen.removeprefix(SOCKET))
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear_away(path)
        bound.bind(str(path))
        path.chmod(0o660)  # whoever may write there may act on the page
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise ListenError(listen, error) from error
    bound.setblocking(False)  # noqa: FBT003  (the standard library's signature)
    return bound


def _clear_away(path: Path) -> None:
    """Remove what a process left that was killed; a socket that somebody listens on stays."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
