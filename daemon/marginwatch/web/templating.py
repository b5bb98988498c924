"""The templates and the two files beside them, read once at the start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from marginwatch.notify.words import span

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

_TYPES: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages refer to."""

    body: bytes
    media_type: str


def assets() -> Mapping[str, Asset]:
    """By name."""
    folder = files("marginwatch.web") / "static"
    return {name: Asset((folder / name).read_bytes(), kind) for name, kind in _TYPES.items()}


def environment(found: Mapping[str, Asset]) -> Environment:
    """Everything that a template prints is escaped; a name that it was not given is an error."""
    made = Environment(
        loader=PackageLoader("marginwatch.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["version"] = hashlib.sha256(b"".join(each.body for each in found.values())).hexdigest()[:12]
    made.filters |= {"age": age, "moment": moment, "span": _span}
    return made


def age(at: datetime | None) -> Markup:
    """A time whose age the script keeps up to date beside it; `never` for none."""
    return Markup("never") if at is None else _time(at, "age")


def moment(at: datetime | None) -> Markup:
    """A time that matters by itself."""
    return Markup("") if at is None else _time(at, "moment")


def _time(at: datetime, kind: str) -> Markup:
    there = at.astimezone(UTC)
    iso = there.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time class="{}" datetime="{}">{}</time>').format(kind, iso, f"{there:%Y-%m-%d %H:%M:%S} UTC")


def _span(length: timedelta) -> Markup:
    return escape(span(length))
