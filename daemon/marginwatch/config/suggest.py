"""The word that was probably meant."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_MARK = re.compile(r"[-._]")
_MOST = 12
"""Names in one sentence."""


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`did you mean margin_usage?` when one of the words is close, else empty."""
    known = {known.lower(): known for known in words}
    close = get_close_matches(word.lower()[:100], list(known), n=1, cutoff=0.65)
    return f"did you mean {known[close[0]]}?" if close else ""


def glob_meant(glob: str, names: Collection[str]) -> str:
    """The same for a pattern: the name, or the beginning of some up to a dash or dot, that was probably meant."""
    starts = (f"{name[: mark.end()]}*" for name in names for mark in _MARK.finditer(name))
    return did_you_mean(glob, names) or did_you_mean(glob, starts if "*" in glob else ())


def listed(names: Collection[str]) -> str:
    """The first of them, and how many more there are."""
    first = sorted(names)[:_MOST]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
