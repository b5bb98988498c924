"""The guide's pictures of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from screenshots import FOLDER

ROOT = Path(__file__).parent.parent.parent
NAMED = re.findall(r"!\[[^\]]{10,}\]\(images/([\w-]+\.png)\)", (ROOT / "docs" / "page.md").read_text())
TAKEN = re.findall(r'_take\(page, "([\w-]+)"', (ROOT / "tests" / "screenshots.py").read_text())


def test_the_guide_shows_every_picture_that_is_taken() -> None:
    """And no other, each with words for who cannot see it."""
    assert sorted(NAMED) == sorted(f"{name}.png" for name in TAKEN)


@pytest.mark.parametrize("name", NAMED)
def test_a_picture_is_there_and_small(name: str) -> None:
    """A page of the guide loads on a phone, too."""
    path = FOLDER / name
    assert path.stat().st_size < 120_000
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width in {390, 1280}
