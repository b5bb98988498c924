"""Which config file is meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "MARGINWATCH_CONFIG"
DEFAULTS = (Path("config.toml"), Path("/etc/marginwatch/config.toml"))
"""Looked at in this order when neither `--config` nor the variable names a file."""


class NoConfigError(MarginwatchError):
    """There is no config file where one is looked for."""

    def __init__(self) -> None:
        places = " and ".join("./config.toml" if not path.is_absolute() else str(path) for path in DEFAULTS)
        super().__init__(f"no config file: looked for {places}; name one with --config or ${VARIABLE}")


def find_config(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The file named by `--config`, else by the environment, else the first default that exists.

    A named file is returned whether it exists or not: reading it says what is wrong.

    Raises:
        NoConfigError: Nothing is named and no default exists.
    """
    if path is not None:
        return path
    if named := environ.get(VARIABLE):
        return Path(named)
    for default in DEFAULTS:
        if default.is_file():
            return default
    raise NoConfigError


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where state lives unless the config says otherwise: systemd's state folder, else the user's."""
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if given := environ.get("XDG_STATE_HOME"):
        return Path(given) / "marginwatch"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".local" / "state" / "marginwatch"
