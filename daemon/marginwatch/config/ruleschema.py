"""The JSON Schema of rule files: every key of every kind of rule, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from marginwatch.config.durations import PATTERN as DURATION
from marginwatch.config.durations import format_duration
from marginwatch.config.rulemodel import (
    ALWAYS,
    EXPRESSIONS,
    ID,
    KEYS_OF,
    LONGEST_RUNBOOK,
    LONGEST_SUMMARY,
    LONGEST_TITLE,
    MOST_REMINDERS,
    SEVERITIES,
    TIMES,
    USUAL,
)
from marginwatch.config.runbooks import FORM as RUNBOOK
from marginwatch.core.rule import RuleKind

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema: TypeAlias = "dict[str, object]"

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""The version of JSON Schema that all of ours are written in."""

_NUMBER: Final = r"-?\s*(?:[0-9][0-9_]*(?:\.[0-9][0-9_]*)?|\.[0-9]+)%?"
_SPAN: Final = r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d|w))+"
_TEXT: Final[Schema] = {"type": "string", "pattern": r"\S"}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT, "minItems": 1}
_DURATION: Final[Schema] = {"type": "string", "pattern": DURATION}
_AMOUNT: Final[Schema] = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "pattern": rf"^\s*['\"]?(?:{_NUMBER.removeprefix('-?')}|{_SPAN})['\"]?\s*$"},
    ]
}
_LEVEL: Final[Schema] = {"type": "string", "pattern": rf"^\s*(?:<=|>=|<|>)\s*['\"]?(?:{_NUMBER}|{_SPAN})['\"]?\s*$"}

_FLAPPING: Final[Schema] = {
    "type": "object",
    "properties": {
        "times": {"type": "integer", "minimum": TIMES[0], "maximum": TIMES[1], "default": USUAL.times},
        "within": {**_DURATION, "default": format_duration(USUAL.within)},
    },
    "additionalProperties": False,
}

_TITLES: Final = {
    RuleKind.LADDER: "A ladder: a number and its levels",
    RuleKind.CONDITION: "A condition: true or not",
    RuleKind.EVENT: "An event: something changed",
}


def _levels() -> Schema:
    levels: Schema = {
        word: {**_LEVEL, "description": f'The comparison that makes it {word}, for example "> 80%".'}
        for word in SEVERITIES
    }
    return {"type": "object", "properties": levels, "additionalProperties": False, "minProperties": 1}


_KEYS: Final[Mapping[str, tuple[Schema, str]]] = {
    "id": (
        {"type": "string", "pattern": f"^{ID.pattern}$"},
        "The rule's identity, unique over all files. An alert belongs to it, so keep it when you edit the rule.",
    ),
    "title": ({**_TEXT, "maxLength": LONGEST_TITLE}, "What messages call it."),
    "value": (_TEXT, "The number it watches, an expression over the fields of an account."),
    "levels": (_levels(), "For info, warning and critical the comparison that makes it so."),
    "when": (_TEXT, "The condition: an expression over the fields of an account that is true or not."),
    "on": (_TEXT, "The change it tells, for example changed(permissions)."),
    "severity": ({"enum": [*SEVERITIES], "default": "warning"}, "How bad it is."),
    "for": (_DURATION, "How long it must hold before it is told."),
    "clear_for": (_DURATION, "How long it must be good before it is over."),
    "clear_by": (_AMOUNT, "How far on the good side of its limit a value must be to leave a level."),
    "worsens_by": (_AMOUNT, "A step for the worse that is told again and voids an acknowledgement."),
    "remind_every": (
        {"anyOf": [_DURATION, {"type": "array", "items": _DURATION, "minItems": 1, "maxItems": MOST_REMINDERS}]},
        "How often to say again that it is still so, or a list of waits of which the last repeats.",
    ),
    "flapping": (
        {"anyOf": [{"type": "boolean"}, _FLAPPING]},
        "When an alert that comes and goes is kept open: it fired so many times within such a time.",
    ),
    "summary": (
        {**_TEXT, "maxLength": LONGEST_SUMMARY},
        "A line of your own in the message; {name} stands for a field, as in {margin_usage:.1%}.",
    ),
    "venues": (_TEXTS, "Names of venues, with * and ?; without it the rule looks at all."),
    "accounts": (_TEXTS, "Ids or names of accounts, with * and ?; without it the rule looks at all."),
    "labels": ({"type": "object", "additionalProperties": _TEXT}, "Labels that an account must have."),
    "groups": (_TEXTS, "Groups of accounts that the config defines; without it the rule looks at all."),
    "calendar": ({"type": "string", "pattern": r"\S"}, "Whose sessions its windows follow; else the venue's."),
    "runbook": (
        {"type": "string", "pattern": RUNBOOK, "maxLength": LONGEST_RUNBOOK},
        "What to do: a web address, or a section of a Markdown file beside this one, as in desk.md#margin-usage.",
    ),
    "each": (
        {"enum": ["position", "group"]},
        "Looks at every position by itself, position.symbol, or at every group of accounts as one, sum(equity).",
    ),
}
"""What each key of a rule may hold, and what it means."""


def rules_schema() -> Schema:
    """The schema of a rule file, TOML or YAML: its form. What an expression may say, `check` knows."""
    return {
        "$schema": DIALECT,
        "$id": "urn:marginwatch:schema:rules",
        "title": "marginwatch rule file",
        "type": "object",
        "properties": {
            "rule": {
                "type": "array",
                "items": {"oneOf": [_rule(key, kind) for key, kind in EXPRESSIONS.items()]},
                "description": "The rules. Each has one of value, when and on.",
            }
        },
        "additionalProperties": False,
    }


def _rule(key: str, kind: RuleKind) -> Schema:
    keys = (*ALWAYS, *KEYS_OF[kind])
    return {
        "title": _TITLES[kind],
        "type": "object",
        "properties": {name: {**_KEYS[name][0], "description": _KEYS[name][1]} for name in keys},
        "required": ["id", key, *(["levels"] if kind is RuleKind.LADDER else [])],
        "additionalProperties": False,
    }
