"""Programs that run beside a benchmark: they say in JSON lines what they see, and take JSON lines of what to do."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

HERE = Path(__file__).parent
PATIENCE = 60.0
"""Seconds for a program to begin or to end."""


class Beside:
    """One program of this folder in a process of its own, from `with` to its end."""

    def __init__(self, script: str, *arguments: object) -> None:
        self._words = [sys.executable, str(HERE / script), *map(str, arguments)]
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        self.port: int = self.next()["port"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()  # the end of its input is its end
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def tell(self, **what: object) -> None:
        """Send one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def next(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next line it says; raises `queue.Empty` when none comes."""
        return self._said.get(timeout=patience)

    def said(self) -> list[dict[str, Any]]:
        """Every line it has said since."""
        return [self._said.get() for _ in range(self._said.qsize())]

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(json.loads(line))


class Watching:
    """The real daemon in a process of its own, by its command, from `with` to SIGTERM."""

    def __init__(self, config: Path) -> None:
        self._config = config

    def __enter__(self) -> Self:
        with (self._config.parent / "daemon.log").open("w") as log:
            words = [sys.executable, "-m", "marginwatch", "run", "--config", str(self._config)]
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE
        while '"event": "ready"' not in self.log:
            if self._process.poll() is not None or time.monotonic() > until:
                raise EndedError(self.log)
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self._config.parent / "daemon.log").read_text()

    def megabytes(self, what: str) -> float:
        """Its memory: `VmRSS` now, `VmHWM` at most so far."""
        try:
            return resident_megabytes(what, self._process.pid)
        except (OSError, KeyError) as error:  # a process that has ended has no memory
            raise EndedError(self.log) from error

    def cpu_seconds(self) -> float:
        """Processor time it has used, of all its threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class EndedError(Exception):
    """The daemon does not run."""

    def __init__(self, log: str) -> None:
        super().__init__(f"the daemon does not run: {log[-2000:]}")


def resident_megabytes(what: str, process: int | str = "self") -> float:
    """The memory of a process: `VmRSS` now, `VmHWM` at most so far."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(dict(line.split(":", 1) for line in lines)[what].split()[0]) / 1024


def say(**what: object) -> None:
    """Say one line, from inside such a program."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()
