"""The base of every error a person may read; each failure is its own class, whose constructor writes the sentence."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file the user wrote. Lines and columns count from 1; 0 means not known."""

    file: str
    line: int = 0
    col: int = 0
    end: int = field(default=0, compare=False)
    """The column behind its last character in that line."""

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.col) if part)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file the user wrote: a value, never raised by itself, so that all are reported at once."""

    place: Place
    what: str
    """One clear sentence without a final full stop."""
    hint: str = ""
    """What to do, for example `did you mean margin_usage?`; empty when there is nothing useful to say."""
    line: str = field(default="", compare=False)
    """The line it is about, as the user wrote it; empty when there is none or it may hold a secret."""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" + (f"; {self.hint}" if self.hint else "")


class MarginwatchError(Exception):
    """Base of all our errors; `str()` is one sentence for a person and `exit_code` what a command ends with.

    1: the user's input is wrong. 3: something outside failed and may work again by itself.
    """

    exit_code = 1


class InvalidInputError(MarginwatchError):
    """The user's files are wrong; carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
