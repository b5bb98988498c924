"""Config files for tests of one table: what else must be there, and what is said of what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from marginwatch.cli.problems import excerpt
from marginwatch.config.load import Loaded, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from marginwatch.errors import Problem

RULES: Final = '\n[rules]\nfiles = ["builtin:margin"]\n'


class HouseSettings(BaseModel):
    """A kind of venue without keys of its own."""


def venue(name: str) -> str:
    """A venue of that kind."""
    return f'[[venues]]\nname = "{name}"\nkind = "house"\n'


def receiver(name: str, scheme: str = "json") -> str:
    """A receiver at a port where nobody listens."""
    return f'[[receivers]]\nname = "{name}"\nurl = "{scheme}://127.0.0.1:9/hook"\n'


def load(folder: Path, text: str) -> Loaded:
    """What a config file with this text says."""
    file = folder / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return load_settings(file, {"HOME": str(folder)}, {"house": HouseSettings})


def told(problems: Iterable[Problem], folder: Path) -> str:
    """Each problem with the line it speaks of, as `check` prints it; files by their place in the folder."""
    lines = (line for problem in problems for line in (str(problem), *excerpt(problem, 120)))
    return "\n".join(lines).replace(f"{folder}/", "")
