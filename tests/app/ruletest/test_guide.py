"""The page on rule tests is true: its example passes, its failure reads as shown, and no key or word is left out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from marginwatch.app.ruletest import expectations, reading, steps
from marginwatch.app.ruletest.report import called, explain
from marginwatch.app.ruletest.run import run
from marginwatch.app.ruletest.suites import read_suites
from marginwatch.config.rulepacks import packs_folder
from marginwatch.config.runbooks import PAGE as PAGE_OF_RUNBOOKS
from marginwatch.core.model import FailureKind
from marginwatch.venues.registry import venue_kinds

PAGE = (Path(__file__).parents[3] / "docs" / "rule-tests.md").read_text()
EXAMPLE, OUTPUT = (
    re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[0] for kind in ("toml", "text")
)


def outcome(folder: Path, text: str) -> str:
    """What the report says of the page's example, in a folder with the margin pack's rules."""
    for name in ("margin.toml", PAGE_OF_RUNBOOKS):
        shutil.copy(packs_folder() / "margin" / name, folder)
    (folder / "margin.test.toml").write_text(text)
    suites = read_suites([folder / "margin.test.toml"], venue_kinds())
    assert [str(problem) for problem in suites.problems] == []
    (one,) = map(run, suites.tests)
    head = [] if one.passed else [f"FAIL {one.case.place}: {called(one.case)}"]
    return "".join(f"{line}\n" for line in [*head, *explain(one)]).replace(f"{folder}/", "")


def test_the_example_passes(tmp_path: Path) -> None:
    """What is shown may be copied."""
    assert outcome(tmp_path, EXAMPLE) == ""


def test_the_failure_reads_as_shown(tmp_path: Path) -> None:
    """The same, looked at five seconds too early."""
    assert outcome(tmp_path, EXAMPLE.replace('after = "1m"', 'after = "55s"')) == OUTPUT


@pytest.mark.parametrize(
    "words",
    [reading.FILE_KEYS, reading.TEST_KEYS[1:], steps.KEYS, expectations.KEYS, expectations.WORDS],
    ids=["file", "test", "step", "expectation", "words"],
)
def test_every_key_and_word_is_explained(words: tuple[str, ...]) -> None:
    """None has to be found in the source."""
    shown = set(re.findall(r"`([a-z_]+)`", PAGE))
    assert set(words) - {"name", "step"} <= shown


def test_every_way_to_fail_is_named() -> None:
    """A person can pick one without guessing."""
    assert {kind.value.replace("_", " ") for kind in FailureKind} <= set(re.findall(r"`([a-z ]+)`", PAGE))
