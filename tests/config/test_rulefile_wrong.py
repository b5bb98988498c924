"""What a person reads about a wrong rule file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.config.rulefile import load_rules
from support.configs import told
from support.scenes import CONFIGURED

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.rule import Rule

FOLDER = Path(__file__).parent / "wrong_rules"


def refuse_one(rule: Rule, kind: str) -> str | None:
    """A stand-in for the renderer's check."""
    return f"it does not fit at {kind}" if "refused" in rule.summary else None


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_a_wrong_rule_file_is_explained(name: str, snapshot: SnapshotAssertion) -> None:
    """Every problem of the file is told at once, with its place, the line there and carets."""
    loaded = load_rules([name], replace(CONFIGURED, check_template=refuse_one), FOLDER)
    report = told(loaded.problems, FOLDER)
    assert report
    assert report == snapshot
