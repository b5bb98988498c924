"""The word that was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`did you mean margin_usage?` when one of the words is close, else empty."""
    known = {known.lower(): known for known in words}
    close = get_close_matches(word.lower()[:100], list(known), n=1, cutoff=0.65)
    return f"did you mean {known[close[0]]}?" if close else ""
