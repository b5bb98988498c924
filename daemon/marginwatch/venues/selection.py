"""Which of a venue's accounts the config asks for."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marginwatch.core.model import Account

_GLOB_SIGNS: Final = frozenset("*?[")


class Selection:
    """Whether an account's id or name matches any of the globs, letter case included; without globs all do.

    Made once and asked often: words without a glob's signs, of which there may be thousands, are looked up.
    """

    def __init__(self, globs: Iterable[str]) -> None:
        wanted = frozenset(globs)
        patterns = sorted(filter(is_glob, wanted))
        self._everything = not wanted
        self._words = wanted.difference(patterns)
        self._pattern = re.compile("|".join(map(translate, patterns))) if patterns else None

    def __call__(self, account: Account) -> bool:
        """Whether the config asks for the account."""
        if self._everything or account.key.id in self._words or account.name in self._words:
            return True
        if self._pattern is None:
            return False
        return any(self._pattern.match(word) for word in (account.key.id, account.name))


def is_glob(text: str) -> bool:
    """Whether the text may stand for several accounts."""
    return not _GLOB_SIGNS.isdisjoint(text)
