"""What is not wrong in a config, but worth a word."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from pydantic import SecretStr

from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.config.places import Places
    from marginwatch.config.settings import Settings

_OTHERS = 0o044
"""Readable by the group or by anybody."""


def notes(settings: Settings, file: Path, places: Places) -> tuple[Problem, ...]:
    """Each as a problem has it: a place, a sentence and what to do."""
    return (*_readable_secrets(settings, file), *_open_page(settings, places))


def _readable_secrets(settings: Settings, file: Path) -> Iterator[Problem]:
    values = [value for venue in settings.venues for _, value in venue.options]
    values += [receiver.url for receiver in settings.receivers]
    written = any(isinstance(value, SecretStr) and "${" not in value.get_secret_value() for value in values)
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if written and mode & _OTHERS:
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
