"""`run` from its first word to its last, in this process."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from support import ledger
from support.service_manager import Manager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.shell import Shell


@pytest.fixture
def _stopped_when_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A service manager that stops the service as soon as it is ready."""
    manager = Manager(tmp_path, 60)
    for name, value in manager.environ.items():
        monkeypatch.setenv(name, value)

    def stop() -> None:
        while "READY=1" not in manager.wait():
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    yield
    thread.join()
    manager.close()


@pytest.mark.usefixtures("shell", "_stopped_when_ready")
@pytest.mark.parametrize("words", [(), ("--log-level", "warning")], ids=["as the config says", "quiet"])
def test_a_service_from_start_to_stop(shell: Shell, words: tuple[str, ...]) -> None:
    """It starts, is ready, and ends well when it is told to; the log is JSON, as talkative as wished."""
    ledger.write(shell.folder)
    said = shell("run", *words)
    events = [json.loads(line)["event"] for line in said.err.splitlines()]

    assert (said.code, said.out) == (0, "")
    assert [event for event in events if event in {"ready", "stopped"}] == ([] if words else ["ready", "stopped"])


@pytest.mark.usefixtures("shell", "_stopped_when_ready")
def test_a_signal_afterwards_is_the_process_own(shell: Shell) -> None:
    """What the daemon did to signals is undone at its end."""
    before = signal.getsignal(signal.SIGTERM)
    ledger.write(shell.folder)
    shell("run")

    assert signal.getsignal(signal.SIGTERM) == before
