"""What the tables of the config have in common: no unknown keys, names, and sentences of our own for what is wrong."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

_NAME = re.compile(r"[^\W_][\w.-]{0,39}")
_FLAGS = ("true", "false")


class Outside(str):
    """A text from outside of the file, of the environment or behind a reference: there flags and numbers are text."""

    __slots__ = ()


def wrong(what: str) -> PydanticCustomError:
    """An error whose sentence is ours, to follow the name of its key; behind a semicolon in it stands what to do.

    One that begins with `must` says what is wanted, so that what is there instead can be put behind it.
    """
    return PydanticCustomError("marginwatch", "{what}", {"what": what})


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        what = "must have up to 40 letters, figures, dots, dashes and underscores, and begin with a letter or figure"
        raise wrong(what)
    return name


def _flag(value: object) -> object:
    if isinstance(value, (bool, Outside)):  # there people write 1, True or yes as well
        return value
    what = "must be true or false"
    raise wrong(f"{what}; write it without quotes" if isinstance(value, str) and value in _FLAGS else what)


def _figures(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and not isinstance(value, Outside)):
        what = "must be a number"
        raise wrong(f"{what}; write it without quotes" if isinstance(value, str) and value.isdecimal() else what)
    return value


def _glob(text: str) -> str:
    if not text.strip():
        what = "is empty"
        raise wrong(what)
    return text


def _some(globs: object) -> object:
    if globs == []:
        what = "is an empty list; leave it out for all"
        raise wrong(what)
    return globs


Flag = Annotated[bool, BeforeValidator(_flag)]
"""True or false, and in the file not a word for it."""
Count = Annotated[int, BeforeValidator(_figures)]
"""A whole number, and not a text of figures."""
Number = Annotated[float, BeforeValidator(_figures)]
"""A number, and not a text of figures."""
Glob = Annotated[str, AfterValidator(_glob)]
"""A name, or a pattern of names."""
Globs = Annotated[tuple[Glob, ...], BeforeValidator(_some), Field(json_schema_extra={"minItems": 1})]
"""What is chosen by name."""
Name = Annotated[str, AfterValidator(_checked_name), Field(json_schema_extra={"pattern": r"^[^\s._-]\S{0,39}$"})]


class Table(BaseModel):
    """Any table: unknown keys are errors, values do not change after loading, and no error shows a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
