"""A refused value is shown only where it holds nothing to hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.config.load import load_settings
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[[venues]]
name = "futures"
kind = "architect"
endpoint = "{endpoint}"
api_key = "AAAAAAAAAAAAAAAAAAAAAAAA"
api_secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
"""


@pytest.mark.parametrize(
    ("endpoint", "shown"), [("https://me:hunter2@app.architect.co", False), ("http://app.architect.co", True)]
)
def test_a_url_with_a_password_is_not_repeated(tmp_path: Path, endpoint: str, *, shown: bool) -> None:
    """A password that stands in a URL by mistake stays out of the sentence that refuses the URL."""
    file = tmp_path / "config.toml"
    file.write_text(CONFIG.format(endpoint=endpoint))
    kinds = {name: kind.settings for name, kind in venue_kinds().items()}
    loaded = load_settings(file, {"HOME": str(tmp_path)}, kinds)
    (problem,) = [each for each in loaded.problems if "endpoint" in each.what]
    assert problem.place.line == 5
    assert (endpoint in str(problem)) is shown
    assert "hunter2" not in str(problem)
