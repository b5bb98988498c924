"""Which of a venue's accounts the config asks for."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marginwatch.core.model import Account

_GLOB_SIGNS: Final = frozenset("*?[")


def selects(globs: Sequence[str], account: Account) -> bool:
    """Whether any glob matches the account's id or name, letter case included; without globs every one is wanted."""
    return not globs or any(fnmatchcase(word, glob) for glob in globs for word in (account.key.id, account.name))


def is_glob(text: str) -> bool:
    """Whether the text may stand for several accounts."""
    return not _GLOB_SIGNS.isdisjoint(text)
