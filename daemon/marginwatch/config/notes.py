"""What is not wrong in a config, but worth a word."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.config.places import Places
    from marginwatch.config.settings import Settings

_OTHERS = 0o044
"""Readable by the group or by anybody."""


def notes(settings: Settings, file: Path, places: Places, *, literal_secrets: bool) -> tuple[Problem, ...]:
    """Each as a problem has it: a place, a sentence and what to do.

    Args:
        settings: Loaded without problems.
        file: The config file.
        places: Where things are written.
        literal_secrets: A secret stands in the file itself, not behind a reference.
    """
    return (*(_readable_secrets(file) if literal_secrets else ()), *_open_page(settings, places))


def _readable_secrets(file: Path) -> Iterator[Problem]:
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if mode & _OTHERS:
        hint = f"chmod 600 {file}, or name them by ${{file:…}} or ${{credential:…}}"
        yield Problem(Place(str(file)), "this file holds secrets and others on this machine can read it", hint)


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
