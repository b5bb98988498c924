"""Commands typed as a user types them, in this process: what was printed where, and the exit code."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from marginwatch.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left."""

    code: int
    out: str
    err: str


class _Stream(io.TextIOWrapper):
    """A standard stream that keeps what is written."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def text(self) -> str:
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


class Shell:
    """Runs commands in a folder of its own, with hardly any environment."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch
        for name in ("MARGINWATCH_CONFIG", "STATE_DIRECTORY", "XDG_STATE_HOME", "CREDENTIALS_DIRECTORY", "SUDO_USER"):
            patch.delenv(name, raising=False)
        for name in ("NO_COLOR", "FORCE_COLOR", "NOTIFY_SOCKET", "WATCHDOG_USEC"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(folder))
        patch.setenv("LOGNAME", "ann")
        patch.setenv("COLUMNS", "80")
        patch.chdir(folder)

    def __call__(self, *arguments: object, terminal: int = 0, **environ: str) -> Said:
        """Run `marginwatch` with these; `terminal` is the width of one, 0 for a pipe."""
        out, err = _Stream(terminal=terminal > 0), _Stream(terminal=terminal > 0)
        with self._patch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in environ.items():
                patch.setenv(name, value)
            if terminal:
                patch.setenv("COLUMNS", str(terminal))
                patch.setenv("TERM", "xterm-256color")
            with pytest.raises(SystemExit) as ended:
                main([str(each) for each in arguments])
        code = ended.value.code
        assert isinstance(code, int)
        return Said(code, out.text, err.text)

    def shown(self, text: str) -> str:
        """The text with the folder's name, which is another each time, as `FOLDER`."""
        return text.replace(str(self.folder), "FOLDER")
