"""What pydantic found wrong, as problems in our words at the place where it was written."""

from __future__ import annotations

import typing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretBytes, SecretStr

from marginwatch.config.document import Foreign
from marginwatch.config.suggest import did_you_mean
from marginwatch.errors import Problem
from marginwatch.ops.redact import MASK, REDACTOR, is_sensitive

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from marginwatch.config.places import Loc, Places

_OURS = "marginwatch"
"""The type of errors whose sentence follows the name of their key."""

_OF_KEY = "[key]"
"""pydantic's mark at the end of a way to a key that is wrong itself."""

_NOT_CALLED = "default_factory_not_called"
"""pydantic's remark that a default depends on a value that is wrong itself, and is reported as such."""

_LONGEST = 60
"""Letters of a value that still fits a sentence."""

_TYPES = {
    "string": "text",
    "bool": "true or false",
    "tuple": "a list",
    "list": "a list",
    "model": "a table",
    "dict": "a table",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
}
"""By the first word of pydantic's error types (`string_type`, `int_parsing`), what the value must be."""

_KINDS: tuple[tuple[type, str], ...] = ((list, "a list"), (dict, "a table"))
"""What stands in place of what is wanted, where it is too much to be shown."""

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
"""By pydantic's error type, how a number is bounded, and which fact of the error says by what."""


def faults(
    error: ValidationError,
    model: type[BaseModel],
    places: Places,
    *,
    base: Loc = (),
    also: Iterable[str] = (),
    hidden: Container[Loc] = (),
) -> list[tuple[Loc, Problem]]:
    """One problem for each thing `error` names, with the way to it.

    Args:
        error: From validating what stands at `base`.
        model: What it was validated against.
        places: Where things are written.
        base: Where the validated value stands in the config.
        also: Keys that may stand there besides the model's.
        hidden: Values never to be shown, besides those that are secrets by type or name.
    """
    found = []
    for detail in error.errors(include_url=False):
        fault = _Fault(detail, model, base, also)
        fault.secret = fault.secret or fault.loc in hidden
        if fault.kind != _NOT_CALLED:
            found.append((fault.loc, _problem(fault, places)))
    return found


def holds_secret(model: type[BaseModel], loc: Loc) -> bool:
    """True when the value there is a secret by its type or its name, and when that cannot be told."""
    annotation: Any = model
    for step in loc:
        if isinstance(step, str):
            free = typing.get_origin(annotation) is dict
            annotation = typing.get_args(annotation)[1] if free else _annotation(annotation, step)
            if annotation is None or is_sensitive(step):
                return True
    return _mentions_secret(annotation)


def harmless_keys(tables: Iterable[type[BaseModel]]) -> frozenset[str]:
    """The keys that hold one value and no secret, in whichever table of these models they stand."""
    known: dict[str, bool] = {}
    all_tables = list(tables)
    for table in all_tables:
        for key, field in table.model_fields.items():
            inner = models(field.annotation)
            all_tables += inner
            known[key] = known.get(key, True) and not inner and not holds_secret(table, (key,))
    return frozenset(key for key, harmless in known.items() if harmless)


class _Fault:
    """One thing that is wrong, taken apart."""

    def __init__(self, detail: ErrorDetails, model: type[BaseModel], base: Loc, also: Iterable[str]) -> None:
        self.kind = detail["type"]
        self.inner = tuple(step for step in detail["loc"] if step != _OF_KEY)
        self.loc: Loc = (*base, *self.inner)
        self.input = detail["input"]
        self.facts = detail.get("ctx", {})
        self.of_key = _OF_KEY in detail["loc"]
        self.words = str(self.facts.get("expected", ""))
        cause = self.facts.get("error")
        self.message = detail["msg"] if cause is None else str(cause)
        self.secret = holds_secret(model, self.inner)
        self.keys = sorted({name for found in models(_at(model, self.inner)) for name in found.model_fields})
        """Those of the table that is to stand here, if one is."""
        self.known = set(also) if len(self.inner) <= 1 else set()
        table = _at(model, self.inner[:-1])
        self.known |= {name for found in models(table) for name in found.model_fields}

    @property
    def key(self) -> str:
        """The nearest key: an item of a list has its place to tell it from the others."""
        return next((step for step in reversed(self.loc) if isinstance(step, str)), "")


def _problem(fault: _Fault, places: Places) -> Problem:
    if fault.kind == "missing":
        return Problem(places.value(fault.loc[:-1]), f"{places.label(fault.loc[:-1])} needs `{fault.key}`")
    if fault.kind == "extra_forbidden":
        hint = did_you_mean(fault.key, fault.known) or f"the keys are {', '.join(sorted(fault.known))}"
        return Problem(places.key(fault.loc), f"{places.label(fault.loc[:-1])} has no key `{fault.key}`", hint)
    what, hint = _sentence(fault)
    return Problem(places.value(fault.loc), f"{_subject(fault, what)}{what}", hint)


def _subject(fault: _Fault, what: str) -> str:
    if not fault.key:
        return ""
    if fault.of_key:
        return f"a key of `{fault.loc[-2]}` "
    if what == "is empty" and isinstance(fault.loc[-1], int):
        return f"an entry of `{fault.key}` "
    return f"`{fault.key}` " if fault.kind == _OURS or what.startswith(("must", "is ")) else f"`{fault.key}`: "


def _sentence(fault: _Fault) -> tuple[str, str]:
    """What is wrong, to follow the key's name, and a hint; shows the value only where it can be no secret."""
    what, hint = _said(fault)
    if isinstance(fault.input, str) and not fault.input.strip():
        wanted = f"it {what}" if what.startswith("must") else what if what != "is empty" else ""
        return "is empty", hint if hint.startswith("write") else wanted
    if _is_date(fault.input) and (fault.kind == "string_type" or hint.startswith("write it like")):
        return what, "put it in quotes"
    if fault.secret:
        return _without(what, fault.input), _without(hint, fault.input)
    if fault.kind == "value_error":
        what, hint = REDACTOR.text(what), REDACTOR.text(hint)
    wants = what.startswith("must") or (fault.kind == "value_error" and isinstance(fault.input, str))
    return what + (_instead(fault.input) if wants else ""), hint


def _said(fault: _Fault) -> tuple[str, str]:
    """The sentence alone, and what to do."""
    wanted = _TYPES.get(fault.kind.partition("_")[0])
    if fault.kind == "literal_error":
        what, hint = f"must be {fault.words}".replace("'", '"'), _no_such_word(fault)
    elif wanted is not None and fault.kind.endswith(("_type", "_parsing", "_from_float")):
        kind = next((word for kind, word in _KINDS if isinstance(fault.input, kind)), "")
        what, hint = f"must be {wanted}{f', not {kind}' if kind else ''}", _remedy(fault, wanted)
    elif fault.kind in _BOUNDS:
        words, fact = _BOUNDS[fault.kind]
        what, hint = f"must be {words} {fault.facts[fact]:g}", ""
    elif fault.kind.endswith("too_short"):
        what, hint = "is empty", ""
    else:
        message = fault.message.replace("Input should be", "must be").removeprefix("Value error, ")
        what, _, hint = f"{message[:1].lower()}{message[1:]}".partition("; ")
    return what, hint


def _remedy(fault: _Fault, wanted: str) -> str:
    """What to do where the value is of another type."""
    if wanted == "text":
        return "put it in quotes" if isinstance(fault.input, (bool, int, float, Decimal)) else ""
    if wanted == "a list" and len(fault.loc) == 1:
        return f"write [[{fault.key}]]"
    if wanted == "a list":
        shown = isinstance(fault.input, str) and not (fault.secret or fault.keys) and _may_be_shown(fault.input)
        if isinstance(fault.input, str) and not fault.input.strip():
            return ""
        return f'write ["{fault.input}"]' if shown else "put it in [ ]"
    if wanted == "a table" and len(fault.loc) == 1:
        return f"write [{fault.key}]"
    return f"its keys are {', '.join(fault.keys)}" if wanted == "a table" and fault.keys else ""


def _is_date(value: object) -> bool:
    return isinstance(value, Foreign) and value.kind == "a date or time"


def _instead(value: object) -> str:
    """What stands there, to end a sentence that says what must; nothing of what does not fit one."""
    if isinstance(value, bool):
        return f", not {str(value).lower()}"
    if isinstance(value, str):
        return f", not `{value}`" if _may_be_shown(value) else ""
    if isinstance(value, (int, float, Decimal)):
        return f", not {value}" if _may_be_shown(str(value)) else ""
    return f", not {value.kind}" if isinstance(value, Foreign) else ""


def _may_be_shown(value: str) -> bool:
    """Whether a value fits a sentence and holds nothing to hide, such as a URL's password in a place without one."""
    fits = value.isprintable() and len(value) <= _LONGEST
    return fits and REDACTOR.text(value) == value


def _no_such_word(fault: _Fault) -> str:
    if fault.secret or not isinstance(fault.input, str):
        return ""
    return did_you_mean(fault.input, fault.words.replace("'", "").replace(" or ", ", ").split(", "))


def _without(what: str, value: object) -> str:
    """The sentence without the value it is about, should a validator have quoted it."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, str) and text:
        what = what.replace(text, MASK)
    return REDACTOR.text(what)


def _at(annotation: Any, loc: Loc) -> Any:  # noqa: ANN401  (an annotation may be anything)
    """Of what stands there in a table, a list or a table of free keys."""
    for step in loc:
        if isinstance(step, str):
            annotation = _annotation(annotation, step)
    return annotation


def _annotation(annotation: Any, key: str) -> Any:  # noqa: ANN401  (an annotation may be anything)
    """Of the key in the models an annotation mentions; None when none has it."""
    found = (model.model_fields[key].annotation for model in models(annotation) if key in model.model_fields)
    return next(found, None)


def models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401  (an annotation may be anything)
    """The models an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in models(inner)]


def _mentions_secret(annotation: Any) -> bool:  # noqa: ANN401  (an annotation may be anything)
    if annotation in {SecretStr, SecretBytes}:
        return True
    return any(_mentions_secret(inner) for inner in typing.get_args(annotation))
