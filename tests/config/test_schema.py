"""The JSON Schemas that editors use say what the loaders say, as far as form goes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from ruamel.yaml import YAML

from marginwatch.app.ruletest import expectations, reading, steps
from marginwatch.app.ruletest import schema as of_tests
from marginwatch.cli.schema import KINDS, schema_text
from marginwatch.config.rulemodel import KEYS
from marginwatch.config.ruleschema import rules_schema
from marginwatch.config.schema import config_schema
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CONFIG: dict[str, Any] = config_schema({name: kind.settings for name, kind in venue_kinds().items()})
RULES: dict[str, Any] = rules_schema()
TESTS: dict[str, Any] = of_tests.tests_schema()
PACKS = sorted(file for file in ROOT.glob("rules/*/*.toml") if ".test." not in file.name)
WRONG = Path(__file__).parent / "wrong_rules"
FORM = {
    *("durations.toml", "empty-texts.toml", "id-in-capitals.toml", "id-is-a-number.toml", "level-is-a-number.toml"),
    *("level-unknown-word.toml", "levels-as-text.toml", "levels-empty.toml", "levels-with-when.toml", "no-id.toml"),
    *("nothing-to-watch.toml", "one-table-instead-of-a-list.toml", "rules-that-are-no-tables.toml"),
    *("several-problems-at-once.toml", "severity-with-value.toml", "texts-too-long.toml", "timers-on-an-event.toml"),
    *("unknown-keys.toml", "value-and-when.toml", "value-without-levels.toml", "worsens-by-wrong.toml"),
    *("wrong-types.toml", "yaml-list-at-the-top.yaml", "yaml-rules-instead-of-rule.yaml", "yaml-text-at-the-top.yaml"),
    *("yaml-table-instead-of-a-list.yaml", "yaml-wrong-types.yaml"),
}
"""Wrong rule files whose mistake is one of form, so that an editor can show it."""
MEANING = {
    *("applies-nowhere.toml", "built-in-id.toml", "clear-level-never-reached.toml", "duplicate-id.toml"),
    *("event-without-change.toml", "language-of-another-tool.toml", "levels-out-of-order.toml"),
    *("money-with-percent.toml", "ratio-against-plain-number.toml", "summary-faults.toml"),
    *("selects-a-group-and-label-that-are-not-there.toml", "unknown-field.toml", "unknown-text-value.toml"),
}
"""Wrong rule files of right form."""


def parsed(text: str, suffix: str) -> Any:  # noqa: ANN401  (whatever the file holds)
    return tomllib.loads(text) if suffix == ".toml" else YAML(typ="safe", pure=True).load(text)


def fault(schema: dict[str, Any], document: object) -> str:
    """What is wrong with it, in jsonschema's words."""
    error = best_match(Draft202012Validator(schema).iter_errors(document))
    return "" if error is None else f"{error.json_path}: {error.message}"


def blocks(page: str, language: str) -> Iterator[str]:
    """What the guide shows in that language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("what", KINDS)
def test_the_files_in_the_repository_are_the_latest(what: str) -> None:
    """After a change of keys, `make schemas` writes them anew."""
    assert (ROOT / "schemas" / f"{what}.schema.json").read_text() == schema_text(what)


@pytest.mark.parametrize("schema", [CONFIG, RULES, TESTS], ids=KINDS)
def test_they_are_schemas_and_name_no_place_on_the_network(schema: dict[str, Any]) -> None:
    """The id is a name that cannot be looked up, so no editor tries."""
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:marginwatch:schema:")


def test_every_key_has_a_sentence() -> None:
    """An editor shows what a key means."""
    tables = [table for each in CONFIG["$defs"].values() for table in each.get("oneOf", [each])]
    tables += RULES["properties"]["rule"]["items"]["oneOf"]
    keys = {
        f"{table.get('title', table.get('description', ''))} {name}": key
        for table in tables
        for name, key in table.get("properties", {}).items()
    }
    assert [name for name, key in keys.items() if not key.keys() & {"description", "$ref"}] == []


def test_the_rules_schema_has_every_key() -> None:
    """Of all three kinds together."""
    shown = {name for rule in RULES["properties"]["rule"]["items"]["oneOf"] for name in rule["properties"]}
    assert shown == set(KEYS)


def test_the_tests_schema_has_every_key() -> None:
    """Of a file, a test, a step and an expectation."""
    test = TESTS["properties"]["test"]["items"]["properties"]
    step = test["step"]["items"]["properties"]
    expected = step["expect"]["additionalProperties"]["anyOf"][1]["properties"]

    assert set(TESTS["properties"]) == set(reading.FILE_KEYS)
    assert set(test) == set(reading.TEST_KEYS)
    assert set(step) == set(steps.KEYS)
    assert set(expected) == set(expectations.KEYS)


@pytest.mark.parametrize("file", sorted(ROOT.glob("rules/*/*.test.*")), ids=lambda file: file.name)
def test_the_tests_of_the_packs_are_right(file: Path) -> None:
    """Each is accepted, and names the schema as its first line."""
    text = file.read_text()
    assert fault(TESTS, parsed(text, file.suffix)) == ""
    assert text.startswith("#:schema ../../schemas/tests.schema.json\n")


@pytest.mark.parametrize("language", ["toml", "yaml"])
def test_the_tests_in_the_guide_are_right(language: str) -> None:
    """Each that is whole is accepted, and with a misspelt key it is not."""
    for text in blocks("docs/rule-tests.md", language):
        if "test" in (document := parsed(text, f".{language}")):
            assert fault(TESTS, document) == "", text
            assert fault(TESTS, parsed(text.replace("expect", "expects"), f".{language}"))


def test_the_example_is_right() -> None:
    """With everything that is commented out in it, too."""
    text = (ROOT / "config.example.toml").read_text()
    assert fault(CONFIG, tomllib.loads(text)) == ""
    assert fault(CONFIG, tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))) == ""


@pytest.mark.parametrize("file", PACKS, ids=lambda file: file.name)
def test_the_packs_are_right(file: Path) -> None:
    """And name the schema as its first line."""
    text = file.read_text()
    assert fault(RULES, tomllib.loads(text)) == ""
    assert text.startswith("#:schema ../../schemas/rules.schema.json\n")


def test_the_example_names_its_schema() -> None:
    """So that an editor finds it."""
    assert (ROOT / "config.example.toml").read_text().startswith("#:schema ./schemas/config.schema.json\n")


@pytest.mark.parametrize("language", ["toml", "yaml"])
def test_the_rules_in_the_guide_are_right(language: str) -> None:
    """What the guide shows is accepted."""
    for text in blocks("docs/rules.md", language):
        assert fault(RULES, parsed(text, f".{language}")) == "", text


@pytest.mark.parametrize("name", sorted(FORM))
def test_an_editor_shows_a_wrong_form(name: str) -> None:
    """Every rule file whose form is wrong is refused."""
    assert fault(RULES, parsed((WRONG / name).read_text(), Path(name).suffix))


@pytest.mark.parametrize("name", sorted(MEANING))
def test_what_only_the_loader_can_know_is_no_fault_of_form(name: str) -> None:
    """An unknown field or a wrong unit is found by `check`; an editor is not told of it by the schema."""
    assert fault(RULES, parsed((WRONG / name).read_text(), ".toml")) == ""


GOOD = (ROOT / "config.example.toml").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("every =", "evry ="),
        ('every = "10s"', "every = 10"),
        ('every = "10s"', 'every = "10 s"'),
        ('level = "info"', 'level = "loud"'),
        ('kind = "helio"', 'kind = "hello"'),
        ('kind = "helio"', 'kind = "stonex"'),
        ('email = "risk@example.com"', ""),
        ('accounts = ["12345678"]', ""),
        ('accounts = ["12345678"]', "accounts = []"),
        ("paper = false", "paper = 0"),
        ('name = "fx"', 'name = "two words"'),
        ('min_severity = "critical"', 'min_severity = "high"'),
        ("[web]", "[wev]"),
        ("[[receivers]]", "[[reciever]]"),
    ],
)
def test_a_wrong_config_is_refused(old: str, new: str) -> None:
    """Misspelt keys and words, wrong types, keys of another kind of venue."""
    assert old in GOOD
    assert fault(CONFIG, tomllib.loads(GOOD.replace(old, new)))


def test_references_may_stand_anywhere() -> None:
    """Where a number or a word is wanted, too."""
    text = GOOD.replace('level = "info"', 'level = "${env:LEVEL}"').replace("paper = false", 'paper = "${env:PAPER}"')
    assert fault(CONFIG, tomllib.loads(text)) == ""
