"""References to secrets inside settings, `${env:NAME}`, `${file:/path}`, `${credential:name}`, and what they name."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, SecretStr

from marginwatch.errors import MarginwatchError
from marginwatch.ops.redact import REDACTOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.ops.redact import Redactor

_SOURCES = ("env", "file", "credential")
_MARK = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)(?P<end>\}?)")
_STANDING = re.compile(rf"\$\{{(?:{'|'.join(_SOURCES)}):[^}}]*\}}")
_LARGEST = 1 << 16
"""Bytes. No key or certificate is longer; a larger file was named by mistake."""


class BadReferenceError(MarginwatchError):
    """A `${…}` that names nothing we know how to read. Shows only its source: the rest may be part of a secret."""

    def __init__(self, source: str) -> None:
        shown = f"${{{source}:…}}" if source.isalpha() and source.islower() else "${…}"
        super().__init__(
            f"{shown} is no reference; write ${{env:NAME}}, ${{file:/path}} or ${{credential:name}}, "
            "and $${ for the two characters themselves"
        )


class MissingSecretError(MarginwatchError):
    """What a reference names is not there. Speaks of the reference, never of a value."""

    def __init__(self, reference: str, why: str, hint: str = "") -> None:
        self.reference = reference
        self.why = why
        self.hint = hint
        super().__init__(f"{reference}: {why}" + (f"; {hint}" if hint else ""))


@dataclass(frozen=True, slots=True)
class _Reference:
    """One `${source:name}` inside a text."""

    source: str
    """`env`, `file` or `credential`."""
    name: str

    def __str__(self) -> str:
        return f"${{{self.source}:{self.name}}}"


class Secrets:
    """Reads what references name. Everything it has read, the redactor masks from then on."""

    def __init__(self, environ: Mapping[str, str] = os.environ, redactor: Redactor = REDACTOR) -> None:
        self._environ = environ
        self._redactor = redactor

    def resolve(self, text: str) -> SecretStr:
        """The text with each reference replaced by what it names, and `$${` by `${`.

        Raises:
            BadReferenceError: A reference is malformed.
            MissingSecretError: What a reference names is not there, or is empty.
        """
        parts = tuple(_parts(text))  # a malformed one is told before any is looked up
        return SecretStr("".join(self._read(part) if isinstance(part, _Reference) else part for part in parts))

    def missing(self, text: str) -> Iterator[MissingSecretError]:
        """Each of its well-formed references that names what is not there, once."""
        for reference in dict.fromkeys(part for part in _parts(text) if isinstance(part, _Reference)):
            try:
                self._read(reference)
            except MissingSecretError as error:
                yield error

    def _read(self, reference: _Reference) -> str:
        match reference.source:
            case "env":
                value = self._environ.get(reference.name)
                if value is None:
                    raise MissingSecretError(str(reference), "the environment variable is not set")
            case "file":
                value = _content(reference, Path(reference.name))
            case _:
                value = self._credential(reference)
        if not value:
            raise MissingSecretError(str(reference), "it is empty")
        self._redactor.remember(value)
        return value

    def _credential(self, reference: _Reference) -> str:
        folder = self._environ.get("CREDENTIALS_DIRECTORY")
        if folder is None:
            why = "$CREDENTIALS_DIRECTORY is not set"
            raise MissingSecretError(str(reference), why, "systemd sets it for a unit that has LoadCredential=")
        path = Path(folder) / reference.name
        if not path.exists():
            hint = f"add LoadCredential={reference.name}:/path/to/it to the unit and restart it"
            raise MissingSecretError(str(reference), "the unit loads no such credential", hint)
        return _content(reference, path)


def remember_secrets(value: object, redactor: Redactor = REDACTOR) -> None:
    """Let the redactor know every secret in settings, those written out in the file included.

    A reference that was left standing is none: it is what a sentence about it must be able to name.
    """
    if isinstance(value, BaseModel):
        for _, inner in value:
            remember_secrets(inner, redactor)
    elif isinstance(value, tuple | list):
        for inner in value:
            remember_secrets(inner, redactor)
    elif isinstance(value, SecretStr):
        secret = _STANDING.sub("", value.get_secret_value())
        (redactor.remember_url if "://" in secret else redactor.remember)(secret)


def _parts(text: str) -> Iterator[str | _Reference]:
    at = 0
    for mark in _MARK.finditer(text):
        yield text[at : mark.start()]
        yield "${" if mark[0] == "$${" else _reference(mark)
        at = mark.end()
    yield text[at:]


def _reference(mark: re.Match[str]) -> _Reference:
    source, colon, name = mark["inside"].partition(":")
    whole = bool(colon and name and mark["end"] and name == name.strip())
    if source == "credential":
        whole = whole and "/" not in name and name not in {".", ".."}
    if source == "file":
        whole = whole and name.startswith("/")
    if source not in _SOURCES or not whole:
        raise BadReferenceError(source if colon else "")
    return _Reference(source, name)


def _content(reference: _Reference, path: Path) -> str:
    """The file's text without the line break most editors add."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a file name"
        raise MissingSecretError(str(reference), f"cannot be read: {why.lower()}") from None
    if len(raw) > _LARGEST:
        raise MissingSecretError(str(reference), "the file is larger than 64 KiB")
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise MissingSecretError(str(reference), "the file is not UTF-8 text") from None
