"""Takes secrets out of anything that leaves the process: log lines, error details, pages, messages."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from pydantic import SecretBytes, SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASK = "***"

_SHORTEST = 4
"""A known value shorter than this is not searched for: masking every `a` would hide the log, not the secret."""

_NAMES = (
    r"pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|api[_-]?keys?|authorization|(?:set-)?cookies?|credentials?"
    r"|private[_-]?key|client[_-]?secret|api[_-]?secret|access[_-]?token|jwt|bearer"
)
_SENSITIVE = re.compile(rf"(?:^|[_.\- ])(?:{_NAMES})$", re.IGNORECASE)
_KEY_VALUE = re.compile(
    rf"(?P<key>(?<!\$\{{)\b[\w.-]{{0,40}}(?:{_NAMES}))(?P<sign>[\"']?\s*[:=]\s*[\"']?)"
    rf"(?P<value>(?:(?:bearer|basic)\s+)?[^\s\"',;&)\]}}]+)",
    re.IGNORECASE,
)
_MAY_BE_KEY = re.compile(r"[denlrsty][\"']?\s*[:=]", re.IGNORECASE)
"""What is in front of every value of `_KEY_VALUE`: its names all end in one of these letters."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
_BEARER = re.compile(r"\b(?P<scheme>[Bb]earer|BEARER)\s+(?P<value>[\w.~+/=-]{8,})")
_BASIC = re.compile(r"\bBasic\s+(?=[A-Za-z0-9+/]*[A-Z0-9=])[A-Za-z0-9+/]{8,}={0,2}")
_URL = re.compile(r"\b(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://(?P<rest>[^\s\"'<>\\`]+)")

_TOKEN = 8
"""A piece of a URL shorter than this is a word, a port or a version, not a token."""

_DATABASES = ("sqlite", "postgresql", "postgres")
_PLACES = frozenset({"http", "https", "grpc", "grpcs", "ws", "wss", "file", *_DATABASES})
"""Schemes whose host and path name a place; in every other one (a receiver's) all of it may be a token."""


@lru_cache(maxsize=1000)
def is_sensitive(name: str) -> bool:
    """True when a key of that name holds a secret by its name alone (`api_secret`, `accessToken`)."""
    return _SENSITIVE.search(_HUMP.sub("_", name)) is not None


class Redactor:
    """Knows the secrets of this process and masks them, and anything that looks like one."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._key = lru_cache(maxsize=1000)(self.text)
        """Of a mapping's key: those of a log line are the same in every line."""

    def remember(self, secret: str) -> None:
        """Mask this value from now on, in each of the spellings it may be printed in."""
        fresh = {form for form in _spellings(secret) if len(form) >= _SHORTEST} - self._known
        if fresh:
            self._known |= fresh
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
            self._key.cache_clear()

    def remember_url(self, url: str) -> None:
        """Mask a URL that holds secrets: its password, each part that looks like a token, and all of it.

        Of a database's URL only the password is one.
        """
        for part in _url_secrets(url):
            self.remember(part)
        if not url.startswith(_DATABASES):
            self.remember(url)

    def forget(self) -> None:
        """Start anew; for tests."""
        self._known.clear()
        self._pattern = None
        self._key.cache_clear()

    def known(self, text: str) -> str:
        """The text without the known secrets and without tokens; safe on a finished line, JSON included."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        # Every line goes through here word by word: looking for what a pattern needs is far cheaper than the pattern.
        if "eyJ" in text:
            text = _JWT.sub(MASK, text)
        if "earer" in text or "BEARER" in text:
            text = _BEARER.sub(rf"\g<scheme> {MASK}", text)
        return _BASIC.sub(f"Basic {MASK}", text) if "Basic" in text else text

    def text(self, text: str) -> str:
        """The text without known secrets, tokens, `password=…` values and the secret parts of URLs."""
        text = self.known(text)
        if "://" in text:
            text = _URL.sub(_mask_url, text)
        may_hold = ("=" in text or ":" in text) and _MAY_BE_KEY.search(text)  # nearly never: most are times of day
        return _KEY_VALUE.sub(rf"\g<key>\g<sign>{MASK}", text) if may_hold else text

    def mapping(self, mapping: Mapping[str, object], depth: int = 8) -> dict[str, object]:
        """As `value`, for a mapping: a sensitive key loses its value whole."""
        named = ((str(key), value) for key, value in mapping.items())
        return {self._key(name): MASK if is_sensitive(name) else self.value(value, depth - 1) for name, value in named}

    def value(self, value: object, depth: int = 8) -> object:
        """The value with every text inside it masked, for a log or a page.

        Below `depth` levels of nesting the rest is one text.
        """
        if type(value) is str:  # nearly always
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, SecretStr | SecretBytes):
            return MASK
        if isinstance(value, dict) and depth:
            return self.mapping(value, depth)
        if isinstance(value, list | tuple | set | frozenset) and depth:
            return [self.value(item, depth - 1) for item in value]
        return self.text(str(value))


REDACTOR = Redactor()
"""The process's own. One for all, because a secret that one part forgot to hand on is a leak in another part."""


def _spellings(secret: str) -> Iterator[str]:
    lines = (line for line in secret.splitlines() if len(line) >= _TOKEN)
    for form in {secret, secret.strip(), *lines}:
        yield from (form, quote(form, safe=""), quote(form), json.dumps(form)[1:-1], repr(form)[1:-1])


def _url_secrets(url: str) -> Iterator[str]:
    scheme, _, rest = url.partition("://")
    authority, *path = re.split(r"[/?&#;]+", rest)
    userinfo, _, host = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    yield from (password, unquote(password))
    if not _names_a_place(scheme):
        yield from (part for part in (user, *host.split(":")) if "." not in part and _like_token(part))
    for part in path:
        name, _, value = part.rpartition("=")
        if is_sensitive(name) or (_like_token(value) and not url.startswith(_DATABASES)):
            yield from (value, unquote(value))


def _names_a_place(scheme: str) -> bool:
    return scheme.lower().partition("+")[0] in _PLACES


def _mask_url(match: re.Match[str]) -> str:
    scheme, rest = match["scheme"], match["rest"]
    if not _names_a_place(scheme):
        return f"{scheme}://{MASK}"
    place, mark, _ = rest.partition("?") if "?" in rest else rest.partition("#")
    authority, *path = place.split("/")
    _, at, host = authority.rpartition("@")
    segments = [f"{MASK}@{host}" if at else host, *(MASK if _like_token(part) else part for part in path)]
    return f"{scheme}://{'/'.join(segments)}" + (f"{mark}{MASK}" if mark else "")


def _like_token(part: str) -> bool:
    """A piece of a URL that no person would choose: with letters and figures, or long and of mixed case."""
    letters = any(c.isalpha() for c in part)
    figures = any(c.isdigit() for c in part)
    cases = part not in {part.lower(), part.upper()}
    return len(part) >= _TOKEN and letters and (figures or (cases and len(part) >= 2 * _TOKEN))
