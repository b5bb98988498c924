"""What is not wrong in a config, but worth a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.config.places import Loc, Places

_OTHERS = 0o044
"""Readable by the group or by anybody."""


def notes(file: Path, places: Places, *, literal_secret: Loc | None) -> tuple[Problem, ...]:
    """Each as a problem has it: a place, a sentence and what to do.

    Args:
        file: The config file.
        places: Where things are written.
        literal_secret: Where one stands in the file itself, not behind a reference; None when there is none.
    """
    readable = () if literal_secret is None else _readable_secret(file, places, literal_secret)
    return tuple(readable)


def _readable_secret(file: Path, places: Places, loc: Loc) -> Iterator[Problem]:
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if mode & _OTHERS:
        what = f"`{loc[-1]}` may be a secret, and others on this machine can read this file"
        yield Problem(places.value(loc), what, f"chmod 600 {file}, or write ${{file:…}} or ${{credential:…}} instead")
