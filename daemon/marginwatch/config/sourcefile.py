"""Reads one file the user wrote: its text, or the one sentence that says why not."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.config.document import Document, Source
from marginwatch.config.quoting import quoted
from marginwatch.config.tomlfile import parse_toml
from marginwatch.errors import Place, Problem

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 1 << 20
"""Bytes. Hundreds of rules fit into a tenth of it; a file beyond it was named by mistake."""
SUFFIXES = frozenset({".toml", ".yaml", ".yml"})
TESTS = frozenset(f".test{suffix}" for suffix in SUFFIXES)
"""How the names of files end that hold tests of rules: they lie beside the rules and hold none."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def holds_tests(path: Path) -> bool:
    """True for a file of tests of rules, by its name: `margin.test.toml`."""
    return "".join(path.suffixes[-2:]) in TESTS


def read_document(path: Path) -> Document:
    """The values of a TOML or YAML file with their places, or what stops them from being read."""
    if path.suffix not in SUFFIXES:
        return Document(None, (Problem(Place(str(path)), "its name must end in .toml, .yaml or .yml"),))
    source = read_source(path)
    if isinstance(source, Problem):
        return Document(None, (source,))
    if path.suffix == ".toml":
        return replace(parse_toml(source), source=source)
    from marginwatch.config.yamlfile import parse_yaml  # noqa: PLC0415  (ruamel.yaml takes 40 ms to import, which a start without a YAML file need not spend)

    return replace(parse_yaml(source), source=source)


def read_source(path: Path) -> Source | Problem:
    """The text of a file, or one sentence."""
    place = Place(str(path))
    try:
        raw = _bytes(path)
    except OSError as error:
        return Problem(place, _sentence(error))
    except ValueError:
        return Problem(place, "no file can have this name")
    if isinstance(raw, str):
        return Problem(place, raw)
    return _decode(str(path), raw)


def _bytes(path: Path) -> bytes | str:
    """The content of a regular file of sensible size; otherwise what is wrong with it."""
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        return "this is a folder, not a file"
    if not stat.S_ISREG(kind):
        return "this is not a regular file"
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    return raw if len(raw) <= LARGEST else "the file is larger than 1 MiB"


def _sentence(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return f"the file cannot be read: {(error.strerror or 'unknown cause').lower()}"


def _decode(name: str, raw: bytes) -> Source | Problem:
    if raw.startswith(b"\xef\xbb\xbf"):
        return Problem(Place(name, 1, 1), "the file begins with a byte order mark", "save it as UTF-8 without one")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        good = Source(name, raw[: error.start].decode())
        return Problem(good.place(len(good.text)), "the file is not UTF-8 text", "save it as UTF-8")
    source = Source(name, text.replace("\r\n", "\n"))
    if control := _CONTROL.search(source.text):
        what = f"the control character U+{ord(control[0]):04X} is not allowed"
        (problem,) = quoted((Problem(source.place(control.start(), 1), what),), source)
        return problem
    return source
