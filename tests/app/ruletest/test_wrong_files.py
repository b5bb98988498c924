"""A file of tests that is wrong is reported whole: each mistake with its place and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.ruletest.suites import read_suites
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

WRONG = sorted((Path(__file__).parent / "wrong_tests").iterdir())
RULES = """
[[rule]]
id = "usage"
value = "margin_usage"
levels = { warning = "> 80%" }
[[rule]]
id = "call"
when = "in_margin_call"
severity = "critical"
[[rule]]
id = "cash-low"
value = "cash"
levels = { warning = "< 0" }
"""


@pytest.mark.parametrize("wrong", WRONG, ids=lambda path: path.name)
def test_every_mistake_is_reported_at_its_place(wrong: Path, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """All problems of the file, in the order of their places, and no test of it that could run by mistake."""
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "wrong-rules.toml").write_text(RULES.replace("margin_usage", "margin_usge"))
    file = tmp_path / f"rules.test{wrong.suffix}"
    shutil.copy(wrong, file)
    suites = read_suites([file], venue_kinds())

    assert suites.problems
    assert "\n".join(str(problem).replace(f"{tmp_path}/", "") for problem in suites.problems) == snapshot


def test_a_file_without_rules_beside_it_must_name_them(tmp_path: Path) -> None:
    """Nothing is tested where no rule is known, and that is said."""
    file = tmp_path / "lonely.test.toml"
    file.write_text('venue = "helio"\n[[test]]\nname = "a"\n[[test.step]]\nexpect = { usage = "inactive" }\n')
    (problem,) = read_suites([file], venue_kinds()).problems

    assert str(problem) == (
        f"{file}: there is no lonely.toml beside this file, and it does not name the rules to test; "
        'write rules = ["my-rules.toml"]'
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """One sentence, as for any other file."""
    (problem,) = read_suites([tmp_path / "gone.test.toml"], venue_kinds()).problems
    assert str(problem) == f"{tmp_path}/gone.test.toml: there is no such file"
