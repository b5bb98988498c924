"""Windows of time that look back farther than every observation is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.config.durations import format_duration
from marginwatch.core import condition
from marginwatch.core.condition.nodes import Windowed, walk
from marginwatch.core.condition.window import length
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from marginwatch.core.rule import Rule


def beyond_the_store(rules: Iterable[Rule], kept: timedelta) -> Iterator[Problem]:
    """A note for each rule that a restart makes look back at thinned observations; `kept` is how long all are kept."""
    for rule in rules:
        node = condition.parse(rule.expression)
        assert not isinstance(node, condition.Fault), "a rule that was loaded can be read"
        spans = (length(part) for part in walk(node) if isinstance(part, Windowed))
        longest = max((span for span in spans if span is not None), default=kept)
        if longest > kept:
            what = f"`{rule.id}` looks back {format_duration(longest)}, and every observation is kept for less"
            hint = f"after a restart it sees one a minute of what is older than {format_duration(kept)}"
            yield Problem(rule.place, what, hint)
