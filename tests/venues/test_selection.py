"""Which accounts the config's globs ask for."""

from __future__ import annotations

import pytest

from marginwatch.core.model import Account, AccountKey
from marginwatch.venues.selection import Selection, is_glob

ACCOUNT = Account(AccountKey("futures", "0001"), "STONEX:000000/JDoe")


@pytest.mark.parametrize(
    ("globs", "wanted"),
    [
        ((), True),
        (("0001",), True),
        (("000?",), True),
        (("STONEX:*",), True),
        (("stonex:*",), False),
        (("9*", "*/JDoe"), True),
        (("JDoe",), False),
        (("0002", "0001"), True),
        (("STONEX:000000/JDoe",), True),
        (("[0]", "0002"), False),
    ],
)
def test_an_account_is_selected_by_id_or_name(globs: tuple[str, ...], wanted: bool) -> None:
    """A glob matches the whole id or the whole name, letter case included; no glob at all selects everything."""
    assert Selection(globs)(ACCOUNT) is wanted


@pytest.mark.parametrize(("text", "glob"), [("12345678", False), ("1*", True), ("1?", True), ("[12]", True)])
def test_a_glob_is_told_from_an_id(text: str, glob: bool) -> None:
    """Only texts with a glob's signs may stand for several accounts."""
    assert is_glob(text) is glob
