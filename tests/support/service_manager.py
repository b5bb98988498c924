"""systemd's end of the notification socket."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from support.sinks import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path


class Manager:
    """A service manager that wants a sign of life within `watchdog` seconds."""

    def __init__(self, folder: Path, watchdog: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(PATIENCE)
        self.environ = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(int(watchdog * 1e6))}

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()

    def wait(self) -> str:
        """The next message."""
        return self._socket.recv(4096).decode()

    async def told(self) -> str:
        """The next message."""
        return await asyncio.to_thread(self.wait)

    def pending(self) -> list[str]:
        """What has come in and was not asked for."""
        found = []
        self._socket.setblocking(False)
        try:
            while True:
                found.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            self._socket.settimeout(PATIENCE)
            return found
