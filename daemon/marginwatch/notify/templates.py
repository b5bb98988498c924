"""The operator's own words: Jinja2 templates that take the place of the built-in ones, sandboxed and strict.

    title.j2  text.j2  markdown.j2  html.j2      in one folder; what is missing there keeps the built-in words

Whatever is written by `{{ }}` is text: Markdown and HTML in it are escaped, and nobody is called by it.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from marginwatch.notify import forms
from marginwatch.notify.body import Role, lines_of
from marginwatch.notify.filters import FILTERS
from marginwatch.notify.render import BODY_LENGTH, TITLE_LENGTH
from marginwatch.notify.variables import Address, variables
from marginwatch.notify.words import clean, clip

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jinja2 import Template

    from marginwatch.core.state import Message
    from marginwatch.notify.draft import Draft

log = structlog.get_logger(__name__)

FILES: Final = ("title.j2", "text.j2", "markdown.j2", "html.j2")
SUFFIX: Final = ".j2"
ROOM: Final[Mapping[str, int]] = {
    "markdown.j2": 3_000,
    "html.j2": 20_000,
}
"""Characters that these may come to; a title or a text that is too long is cut off."""


class EmptyTextError(ValueError):
    """A template comes to nothing, which no service sends."""

    def __init__(self) -> None:
        super().__init__("it comes to nothing")


class LongTextError(ValueError):
    """A template comes to more than a message has room for."""

    def __init__(self, length: int, room: int) -> None:
        super().__init__(f"it comes to {length:,} characters, where there is room for {room:,}")


@dataclass(frozen=True, slots=True)
class Templates:
    """The operator's templates, read once: an edit is seen at a reload."""

    found: Mapping[str, Template]
    """By file name, those that there are."""

    def worded(self, message: Message, draft: Draft) -> Message:
        """The message in the operator's words; what a template fails to say keeps the built-in ones."""
        told = variables(message, draft)
        said = {name: text for name in self.found if (text := self._tried(name, told, message)) is not None}
        if "title.j2" in said:
            message = replace(message, title=said["title.j2"])
        written = {form: said[name] for form in ("markdown", "html") if (name := f"{form}{SUFFIX}") in said}
        if "text.j2" in said:
            message = replace(message, body=said["text.j2"], roles=tuple(_roles(message, said["text.j2"])))
        return replace(message, forms=written) if written else message

    def said(self, name: str, told: Mapping[str, Any]) -> str:
        """What one template says.

        Raises:
            Exception: Whatever a template can raise; `EmptyTextError` and `LongTextError` among it.
        """
        text = self.found[name].render(told)
        if name == "title.j2":
            text = clip(clean(text), TITLE_LENGTH)
        elif name == "text.j2":
            text = clip("\n".join(clean(line) for line in text.strip().splitlines()), BODY_LENGTH)
        else:
            text = text.strip()
        if not text:
            raise EmptyTextError
        if len(text) > ROOM.get(name, len(text)):
            raise LongTextError(len(text), ROOM[name])
        return text

    def _tried(self, name: str, told: Mapping[str, Any], message: Message) -> str | None:
        try:
            return self.said(name, told)
        except Exception as error:  # noqa: BLE001  (the loop edge: an operator's template must cost nobody a message)
            place = f"{name}:{line}" if (line := line_of(error, self.found[name].filename or "")) else name
            about = {"alert": message.alert_id, "template": place, "error": type(error).__name__}
            log.error("a template failed; the built-in words are sent", **about)  # noqa: TRY400  (its text may hold a venue's words)
            return None


def read(folder: Path, names: tuple[str, ...]) -> dict[str, Template]:
    """These templates of the folder.

    Raises:
        TemplateError: With the line, where one is no template.
        OSError: One cannot be read.
    """
    return {name: _environment(folder, name).get_template(name) for name in names}


def line_of(error: BaseException, file: str) -> int:
    """The line of the template in which it was raised; 0 when it was in none."""
    lines = [frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else 0


def _environment(folder: Path, name: str) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=name == "html.j2",
        finalize=_FINALIZERS.get(name),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    return made


def _finalized(escape: Callable[[str], str], value: object) -> object:
    """The value as it is written; what `safe` marked, and an address, stay as they are."""
    if isinstance(value, Address) or hasattr(value, "__html__"):
        return value
    return escape(str(value))


_FINALIZERS: Final = {
    "markdown.j2": partial(_finalized, forms.markdown),
    "html.j2": partial(_finalized, forms.guarded),
}


def _roles(message: Message, body: str) -> list[str]:
    """What the lines of the operator's text say, where they are the built-in ones."""
    known = {line.text: line.role for line in lines_of(message)}
    return [known.get(line, Role.NOTE).value for line in body.split("\n")]
