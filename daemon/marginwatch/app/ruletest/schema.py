"""The JSON Schema of files with tests of rules: every key of a file, a test, a step and an expectation, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from marginwatch.app.ruletest.expectations import WORDS
from marginwatch.config.durations import PATTERN
from marginwatch.config.ruleschema import DIALECT
from marginwatch.core.alert import State
from marginwatch.core.model import FailureKind, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marginwatch.config.ruleschema import Schema

_TEXT: Final[Schema] = {"type": "string", "pattern": r"\S"}
_DURATION: Final[Schema] = {"type": "string", "pattern": PATTERN}
_FLAG: Final[Schema] = {"type": "boolean"}
_SEVERITY: Final[Schema] = {"enum": [severity.label for severity in Severity]}
_NUMBER: Final[Schema] = {"type": ["number", "string"]}
_STATE: Final[Schema] = {"enum": [state.value for state in State]}
_WORD: Final[Schema] = {"enum": list(WORDS)}


def tests_schema() -> Schema:
    """The schema of a file of tests, TOML or YAML: its form. Which fields there are, `marginwatch test` knows."""
    file = _table(
        rules=(_one_or_more(_TEXT), "The rule files, globs or builtin:PACK to test; else the file of the same name."),
        **_shared(),
        test=({"type": "array", "items": _test(), "minItems": 1}, "The tests."),
    )
    top: Schema = {"$schema": DIALECT, "$id": "urn:marginwatch:schema:tests", "title": "marginwatch rule tests"}
    return top | file | {"required": ["test"]}


def _shared() -> dict[str, tuple[Schema, str]]:
    """Keys that a file may set for all of its tests."""
    named = _table(name=(_TEXT, "What rules call it."), kind=(_TEXT, "Its kind.")) | {"required": ["name", "kind"]}
    site: Schema = {"anyOf": [_TEXT, named]}
    receivers: Schema = {"type": "object", "additionalProperties": _SEVERITY}
    return {
        "venue": (_one_or_more(site), "A kind of venue, a venue of the config, or a list of them to run it at each."),
        "account": (_TEXT, "The account's id and name."),
        "receivers": (receivers, "Who is told, with the least severity each hears; else everyone hears everything."),
        "every": (_DURATION, "The pace of answers, 10s."),
        "stale_after": (_DURATION, "No good answer for this long is told."),
        "max_age": (_DURATION, "An answer whose own time stamp is older than this is unknown."),
        "calendar": (_TEXT, "Whose sessions are the venue's, by name; else those of the config or of its kind."),
        "start": (_TEXT, "When the test begins, such as 2026-01-05T14:00Z."),
        "strict": (_FLAG, "false lets messages pass that no step expects."),
    }


def _test() -> Schema:
    steps: Schema = {"type": "array", "items": _step(), "minItems": 1}
    keys = _table(name=(_TEXT, "What it shows."), **_shared(), step=(steps, "What happens, in the order of time."))
    return keys | {"required": ["name", "step"]}


def _step() -> Schema:
    silence = _table(for_=(_DURATION, "How long."), rule=(_TEXT, "Ids of rules, with * and ?.")) | {"required": ["for"]}
    fields: Schema = {"type": "object"}
    fails = [word for kind in FailureKind for word in dict.fromkeys((kind.value.replace("_", " "), kind.value))]
    return _table(
        at=(_TEXT, "When: a time from the start of the test, such as 1m30s, or a time with its zone."),
        after=(_DURATION, "When: this long after the step before."),
        set=(fields, "Fields the account answers with from now on."),
        null=(_one_or_more(_TEXT), "Fields that are null from now on."),
        unset=(_one_or_more(_TEXT), "Fields that are missing from the answer from now on."),
        positions=({"type": "array", "items": fields}, "All positions from now on."),
        fail=({"enum": fails}, "No good answer from now on, and why."),
        repeat=({"anyOf": [_FLAG, _DURATION]}, "The pace of answers from now on; false for none at all."),
        restart=(_FLAG, "The process ends and starts again before the answer."),
        ack=(_one_or_more(_TEXT), "Rules whose open alerts somebody acknowledges."),
        silence=({"anyOf": [_DURATION, silence]}, "Holds messages back for that long."),
        expect=(
            {"type": "object", "additionalProperties": {"anyOf": [_WORD, _expected()]}},
            "What must be so after all of this, by rule, and by position behind a slash.",
        ),
    )


def _expected() -> Schema:
    return _table(
        state=(_WORD, "What the alert is, and what was sent with it."),
        severity=(_SEVERITY, "The level it has, or the one it left."),
        told=(_one_or_more(_STATE), "Exactly the messages sent, in order."),
        receivers=(_one_or_more(_TEXT), "Exactly who heard something."),
        text=(_one_or_more(_TEXT), "Words that stand in the title or the body of a message."),
        value=(_NUMBER, "The number that was compared."),
        unknown=(_FLAG, "Whether it cannot be said how things are."),
        flapping=(_FLAG, "Whether it is kept open because it comes and goes."),
    )


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _table(**keys: tuple[Schema, str]) -> Schema:
    """A table of these keys and no others; an underscore behind a word keeps it from being Python's."""
    named: Iterable[tuple[str, tuple[Schema, str]]] = ((key.removesuffix("_"), value) for key, value in keys.items())
    properties = {key: {**schema, "description": sentence} for key, (schema, sentence) in named}
    return {"type": "object", "properties": properties, "additionalProperties": False}
