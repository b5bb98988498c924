"""Who hears, as a text that is kept: read again it is the same, whatever became of the rest of the config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.config.hearers import hearers_read, hearers_written
from marginwatch.config.load import load_settings
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from marginwatch.config.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.toml"
KEPT = ("routes", "accounts", "groups", "calendars")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of the example, which has a table of every kind and every key, with words for its secrets."""
    text = (
        EXAMPLE.read_text().replace("${credential:architect-key}", "A" * 24).replace("${env:STONEX_SECRET}", "geheim")
    )
    text = text.replace("${credential:architect-secret}", "B" * 43 + "=").replace("${file:/run/keys/helio}", "geheim")
    text = text.replace("${credential:slack-tokens}", "geheim").replace("${credential:mail-password}", "geheim")
    file = tmp_path / "config.toml"
    file.write_text(text)
    kinds = {name: kind.settings for name, kind in venue_kinds().items()}
    loaded = load_settings(file, {"HOME": str(tmp_path)}, kinds)
    assert loaded.settings is not None
    return loaded.settings


def test_what_is_kept_is_read_again(settings: Settings) -> None:
    """All that says who hears, and of receivers nothing that is secret."""
    text = hearers_written(settings)
    found = hearers_read(text, settings.model_copy(update=dict.fromkeys((*KEPT, "receivers"), ())))

    assert found is not None
    assert [getattr(found, table) for table in KEPT] == [getattr(settings, table) for table in KEPT]
    assert [(each.name, each.min_severity, each.fallback) for each in found.receivers] == [
        (each.name, each.min_severity, each.fallback) for each in settings.receivers
    ]
    assert hearers_written(found) == text
    assert "geheim" not in text
    assert "slack" not in text


def test_groups_of_venues_that_are_gone_are_left_out(settings: Settings) -> None:
    """They have no account any more that could be in them."""
    fewer = settings.model_copy(update={"venues": tuple(each for each in settings.venues if each.name == "clearing")})
    found = hearers_read(hearers_written(settings), fewer)

    assert found is not None
    assert found.groups == ()


def test_a_text_of_another_version_is_none(settings: Settings) -> None:
    """A key that is not known any more, and one that is missing by now."""
    written = json.loads(hearers_written(settings))
    written["routes"][0]["colour"] = "red"

    assert hearers_read(json.dumps(written), settings) is None
