"""The shipped rules with minutes cut to seconds and larger steps, so that a short demo shows what they do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from marginwatch.config.durations import format_duration, parse_duration
from marginwatch.config.rulepacks import pack_files, packs_folder
from marginwatch.config.runbooks import PAGE
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

PACKS = ("margin", "calls", "permissions")
SHORTER = 60
"""How much shorter a duration is in the demo at normal speed."""
LARGER = 5
"""How much larger a step for the worse is: a fall of hours takes seconds here, and would be told at every step."""

_DURATION = re.compile(r'^(for|clear_for|remind_every) = "([0-9dhms]+)"$', re.MULTILINE)
_DECIDES = re.compile(r"^(?=levels = |when = )", re.MULTILINE)
_STEP = re.compile(r'^worsens_by = "([0-9]+)%"$', re.MULTILINE)


def write_rules(folder: Path, speed: float) -> list[Path]:
    """Write the packs into the folder, every duration `SHORTER` times `speed` times shorter, relative steps `LARGER`.

    What comes and goes is told each time: the demo plays the same trouble over and over. Gives the files.
    """
    written = []
    for pack in PACKS:
        files = pack_files(f"builtin:{pack}", packs_folder())
        assert not isinstance(files, Problem)  # they are shipped
        for file in files:
            target = folder / file.name
            text = _DURATION.sub(lambda match: _shorter(match, speed), file.read_text())
            text = _DECIDES.sub("flapping = false\n", text)
            target.write_text(_STEP.sub(lambda match: f'worsens_by = "{int(match[1]) * LARGER}%"', text))
            written.append(target)
    pages = [packs_folder() / pack / PAGE for pack in PACKS]
    (folder / PAGE).write_text("\n".join(page.read_text() for page in pages))
    return written


def _shorter(match: re.Match[str], speed: float) -> str:
    span: timedelta = parse_duration(match[2]) / (SHORTER * speed)
    whole = span - span % type(span)(seconds=1)
    return f'{match[1]} = "{format_duration(whole)}"' if whole else ""
