"""The JSON Schema of the config file, made from the models that read it, for editors."""

from __future__ import annotations

import ast
import inspect
import textwrap
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from marginwatch.config.durations import format_duration
from marginwatch.config.faults import models
from marginwatch.config.ruleschema import DIALECT
from marginwatch.config.settings import Settings, VenueSettings
from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic.fields import FieldInfo

    Schema = dict[str, Any]

_REFS: Final = "#/$defs/{model}"
_REFERENCE: Final = {"$ref": _REFS.format(model="reference")}
_NOT_NEEDED: Final = {
    ("StoreSettings", "url"),
    ("Settings", "store"),
    ("Settings", "rules"),
    ("RulesSettings", "files"),
}
"""What the models need and a file may leave to loading and to the environment."""


def config_schema(kinds: Mapping[str, type[BaseModel]]) -> Schema:
    """The schema of a config file with venues of these kinds, each kind with the model of its own keys.

    It says what form each value has. What only loading can tell, such as a name given twice, `check` says.
    """
    tables = list(_tables(Settings))
    definitions: Schema = {table.__name__: _table(table) for table in tables if table is not Settings}
    definitions["VenueSettings"] = {"oneOf": [_venue(kind, kinds[kind], definitions) for kind in sorted(kinds)]}
    definitions["reference"] = {
        "type": "string",
        "pattern": r"\$\{(?:env|file|credential):",
        "description": "${env:NAME}, ${file:/path} or ${credential:name} stands for a value that is kept elsewhere.",
    }
    top = {"$schema": DIALECT, "$id": "urn:marginwatch:schema:config", "title": "marginwatch config file"}
    return top | _table(Settings) | {"$defs": definitions}


def _tables(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and those of all tables within it."""
    yield model
    for field in model.model_fields.values():
        for inner in models(field.annotation):
            if inner is not BaseModel:
                yield from _tables(inner)


def _table(model: type[BaseModel]) -> Schema:
    """The schema of one table, without the definitions it refers to."""
    made = model.model_json_schema(ref_template=_REFS)
    sentences = _sentences(model)
    needed = [key for key in made.get("required", ()) if (model.__name__, key) not in _NOT_NEEDED]
    found: Schema = {
        "type": "object",
        "description": inspect.cleandoc(model.__doc__ or ""),
        "properties": {
            key: _value(made["properties"][key], field) | _described(sentences.get(key, ""))
            for key, field in model.model_fields.items()
        },
        "additionalProperties": False,
    }
    return found | ({"required": needed} if needed else {})


def _venue(kind: str, model: type[BaseModel], definitions: Schema) -> Schema:
    """The schema of a venue of one kind: the keys all share, and its own."""
    for table in _tables(model):
        if table is not model:
            definitions[table.__name__] = _table(table)
    shared, own = _table(VenueSettings), _table(model)
    keys = {key: value for key, value in shared["properties"].items() if key != "options"}
    keys["kind"] = keys["kind"] | {"const": kind}
    needed = ["name", "kind", *own.get("required", ())]
    if getattr(model, "accounts_required", False):
        keys["accounts"] = keys["accounts"] | {"minItems": 1}
        needed.append("accounts")
    return own | {"title": kind, "properties": keys | own["properties"], "required": needed}


def _value(made: Schema, field: FieldInfo) -> Schema:
    """The schema of one value, as a file writes it."""
    left_out = {"title", "default", "format", "writeOnly"}
    choices = [choice for choice in made.get("anyOf", ()) if choice != {"type": "null"}]
    value = {key: item for key, item in made.items() if key not in {*left_out, "anyOf"}}
    for choice in choices[:1]:
        value |= {key: item for key, item in choice.items() if key not in left_out}
    if value.get("type") in {"boolean", "integer", "number"} or value.keys() & {"enum", "pattern"}:
        value = {"anyOf": [value, _REFERENCE]}
    default = _written(field.default)
    return value if default is None else value | {"default": default}


def _written(default: object) -> object:
    """A default as a file would write it; None where there is none."""
    if default is PydanticUndefined or isinstance(default, BaseModel):
        return None
    if isinstance(default, timedelta):
        return format_duration(default)
    if isinstance(default, Severity):
        return default.label
    return list(default) or None if isinstance(default, tuple) else default


def _described(sentence: str) -> Schema:
    return {"description": sentence} if sentence else {}


def _sentences(model: type[BaseModel]) -> dict[str, str]:
    """The sentence below each key of a model in its source, by key; none where there is no source."""
    found = {}
    for base in reversed(model.__mro__):
        if base in BaseModel.__mro__:
            continue
        try:
            (source,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        except (OSError, SyntaxError, ValueError):
            continue
        assert isinstance(source, ast.ClassDef)
        for key, below in pairwise(source.body):
            if isinstance(key, ast.AnnAssign) and isinstance(key.target, ast.Name) and isinstance(below, ast.Expr):
                text = ast.literal_eval(below.value)
                found[key.target.id] = " ".join(str(text).split())
    return found
