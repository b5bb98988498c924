"""What is not wrong in a config, but worth a word."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.config.places import Loc, Places
    from marginwatch.config.settings import Settings

_OTHERS = 0o044
"""Readable by the group or by anybody."""


def notes(settings: Settings, file: Path, places: Places, *, literal_secret: Loc | None) -> tuple[Problem, ...]:
    """Each as a problem has it: a place, a sentence and what to do.

    Args:
        settings: Loaded without problems.
        file: The config file.
        places: Where things are written.
        literal_secret: Where one stands in the file itself, not behind a reference; None when there is none.
    """
    readable = () if literal_secret is None else _readable_secret(file, places, literal_secret)
    return (*readable, *_open_page(settings, places))


def _readable_secret(file: Path, places: Places, loc: Loc) -> Iterator[Problem]:
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if mode & _OTHERS:
        what = f"`{loc[-1]}` may be a secret, and others on this machine can read this file"
        yield Problem(places.value(loc), what, f"chmod 600 {file}, or write ${{file:…}} or ${{credential:…}} instead")


def _open_page(settings: Settings, places: Places) -> Iterator[Problem]:
    address = settings.web.address
    if address is None or address[0] == "localhost":
        return
    try:
        local = ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        local = False
    if not local:
        what = "`listen` shows the page to other machines, and it asks nobody who they are"
        yield Problem(places.value(("web", "listen")), what, 'keep "127.0.0.1" and put a proxy with a login before it')
