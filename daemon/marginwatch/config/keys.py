"""What the tables of the config have in common: no unknown keys, names, and sentences of our own for what is wrong."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

_NAME = re.compile(r"[^\W_][\w.-]{0,39}")


def wrong(what: str) -> PydanticCustomError:
    """An error whose sentence is ours; behind a semicolon in it stands what to do."""
    return PydanticCustomError("marginwatch", "{what}", {"what": what})


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        what = "a name has up to 40 letters, figures, dots, dashes and underscores, and begins with a letter or figure"
        raise wrong(what)
    return name


Name = Annotated[str, AfterValidator(_checked_name), Field(json_schema_extra={"pattern": r"^[^\s._-]\S{0,39}$"})]


class Table(BaseModel):
    """Any table: unknown keys are errors, values do not change after loading, and no error shows a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
