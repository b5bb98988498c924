"""Tries an operator's templates on every kind of message, and says what is wrong with them and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError, UndefinedError

from marginwatch.config.suggest import did_you_mean
from marginwatch.errors import Place, Problem
from marginwatch.notify.body import Role
from marginwatch.notify.filters import FILTERS
from marginwatch.notify.render import render
from marginwatch.notify.samples import samples
from marginwatch.notify.templates import FILES, SUFFIX, EmptyTextError, LongTextError, Templates, line_of, read
from marginwatch.notify.variables import VARIABLES, variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_UNDEFINED: Final = re.compile(r"'(\w+)' is undefined")
_NO_ATTRIBUTE: Final = re.compile(r"'[^']*' has no attribute '(\w+)'")
_NO_FILTER: Final = re.compile(r"No filter named '(\w+)'")


@dataclass(frozen=True, slots=True)
class Tried:
    """What a folder of templates holds."""

    templates: Templates | None
    """None when something is wrong, or there is none."""
    problems: tuple[Problem, ...] = ()


def try_out(folder: Path, named: Place) -> Tried:
    """Read the templates of a folder and render each for every kind of message.

    `named` is where the config names the folder.
    """
    try:
        names = sorted(each.name for each in folder.iterdir() if each.name.endswith(SUFFIX))
    except OSError as error:
        what = f"the folder of templates cannot be read: {error.strerror or type(error).__name__}"
        return Tried(None, (Problem(named, what, "it holds files such as text.j2"),))
    strange = [name for name in names if name not in FILES and not name.startswith("_")]
    problems = [_strange(folder, name) for name in strange]
    wanted = tuple(name for name in names if name in FILES)
    if not wanted and not problems:
        hint = f"they are called {', '.join(FILES)}"
        return Tried(None, (Problem(named, "there is no template in this folder", hint),))
    for name in wanted:
        problems += _problems(folder, name)
    found = None if problems else Templates(read(folder, wanted))
    return Tried(found, tuple(problems))


def _strange(folder: Path, name: str) -> Problem:
    hint = did_you_mean(name, FILES) or f"they are {', '.join(FILES)}; a file to be included begins with _"
    return Problem(Place(str(folder / name)), "there is no template of this name", hint)


def _problems(folder: Path, name: str) -> list[Problem]:
    """What is wrong with one of them, each thing once."""
    try:
        made = Templates(read(folder, (name,)))
    except (TemplateError, OSError, UnicodeDecodeError) as error:
        return [_problem(folder, name, error, "")]
    found: dict[tuple[Place, str], Problem] = {}
    for problem in _failures(folder, name, made):
        found.setdefault((problem.place, problem.what.partition(", in a message")[0]), problem)
    return list(found.values())


def _failures(folder: Path, name: str, made: Templates) -> Iterator[Problem]:
    for draft in samples():
        message = render(draft.notice, draft.about, draft.now, draft.tz)
        try:
            made.said(name, variables(message, draft))
        except Exception as error:  # noqa: BLE001  (whatever an operator's template does is a problem at its place)
            told = draft.told
            rule = "a rule that was removed" if draft.about.rule is None else draft.about.rule.id
            yield _problem(folder, name, error, f", in a message of {message.state} ({told.reason}) about {rule}")


def _problem(folder: Path, name: str, error: Exception, where: str) -> Problem:
    file, line = folder / name, 0
    if isinstance(error, TemplateSyntaxError):
        file, line = folder / (error.name or name), error.lineno
    elif not isinstance(error, (EmptyTextError, LongTextError)):
        line = line_of(error, str(file))
    what, hint = _sentence(error)
    return Problem(Place(str(file), line), f"{what}{where}", hint)


def _sentence(error: Exception) -> tuple[str, str]:
    said = " ".join(str(error).split()).rstrip(".")
    for pattern, known, kind in (
        (_UNDEFINED, VARIABLES, "variable"),
        (_NO_FILTER, FILTERS, "filter"),
    ):
        if found := pattern.search(said):
            return f"there is no {kind} `{found[1]}`", did_you_mean(found[1], known) or _names(known)
    if isinstance(error, UndefinedError) and (found := _NO_ATTRIBUTE.search(said)):
        close = did_you_mean(found[1], Role)
        return f"there is no `{found[1]}` here", close or f"ask before: {{% if fields.{found[1]} is defined %}}"
    if isinstance(error, TemplateNotFound):
        return f"there is no file {error.name} in this folder", ""
    if isinstance(error, TemplateSyntaxError):
        return f"this is not Jinja: {said}", ""
    return f"{said or type(error).__name__}", ""


def _names(known: Iterable[str]) -> str:
    return f"they are {', '.join(known)}"
