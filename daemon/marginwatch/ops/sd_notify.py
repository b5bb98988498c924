"""What systemd is told: ready, reloading, stopping, alive. Does nothing where systemd did not start the process."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from marginwatch import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE = 0.5
"""Seconds a full socket may hold us up."""


class Systemd:
    """The service manager's socket, from `$NOTIFY_SOCKET`. No method ever raises."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self._environ = environ

    def ready(self, status: str = "") -> bool:
        """Start-up, or a reload, is over."""
        return self.tell("READY=1", *_status(status))

    def reloading(self) -> bool:
        """A reload begins; `ready` ends it. The time is the one systemd itself reads."""
        return self.tell("RELOADING=1", f"MONOTONIC_USEC={int(clock.monotonic() * 1e6)}")

    def patience(self, seconds: float) -> bool:
        """Starting goes on and may take that long from now."""
        return self.tell(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def stopping(self, status: str = "") -> bool:
        """The stop begins."""
        return self.tell("STOPPING=1", *_status(status))

    def alive(self) -> bool:
        """Progress was made; without it for `watchdog` systemd kills and restarts the process."""
        return self.tell("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """The one line `systemctl status` shows."""
        return self.tell(*_status(text))

    @property
    def watchdog(self) -> timedelta | None:
        """How long systemd waits for `alive`, None when it does not watch this process."""
        usec, pid = self._environ.get("WATCHDOG_USEC", ""), self._environ.get("WATCHDOG_PID", "")
        if not usec.isdecimal() or int(usec) == 0 or (pid and pid != str(os.getpid())):
            return None
        return timedelta(microseconds=int(usec))

    def tell(self, *lines: str) -> bool:
        """Send these assignments as one message; True when they were handed over."""
        if not self._address:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(_PATIENCE)
                sock.sendto("\n".join(lines).encode(errors="replace"), self._address)
        except (OSError, ValueError):
            return False
        return True


def _status(text: str) -> list[str]:
    return [f"STATUS={' '.join(text.split())}"] if text else []
