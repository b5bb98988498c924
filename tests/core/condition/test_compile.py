"""The compiled code of an expression against its plain meaning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.condition import Past, Scene, compile_screen, compile_value, interpret
from marginwatch.core.fields import Unit
from marginwatch.core.windows import AccountWindows, Answers, Plan, sampled
from support.expressions import conditions, histories, numbers, right, scenes
from support.zones import CALENDARS, sessions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marginwatch.core.condition import Node
    from marginwatch.core.model import Value

NOON = datetime(2026, 3, 9, 17, tzinfo=UTC)
EVERY = timedelta(seconds=50)
STALE_AFTER = timedelta(seconds=60)


@given(conditions(), scenes)
def test_a_compiled_condition_means_what_it_says(text: str, scene: Scene) -> None:
    """True, false and unknown come out the same compiled and interpreted, whatever is null, missing or extreme."""
    node = right(text)
    found = compile_value(node)(scene.fields, scene.prior, scene.positions)
    assert found is interpret(node, scene)


@given(st.sampled_from([Unit.MONEY, Unit.RATIO]).flatmap(numbers), scenes)
def test_a_compiled_number_means_what_it_says(text: str, scene: Scene) -> None:
    """A number, or that it is unknown, comes out the same compiled and interpreted."""
    node = right(text)
    assert compile_value(node)(scene.fields, scene.prior, scene.positions) == interpret(node, scene)


@given(conditions(place="position"), scenes)
def test_a_condition_of_one_position_means_what_it_says(text: str, scene: Scene) -> None:
    """An expression asked of each position reads that position and the account's fields."""
    node = right(text, "position")
    assert compile_value(node)(scene.fields, scene.prior, scene.position) is interpret(node, scene)


@given(st.lists(conditions(), max_size=5), scenes)
def test_a_screen_finds_what_is_not_known_to_be_false(texts: list[str], scene: Scene) -> None:
    """Looking at many conditions at once finds exactly those that are true or unknown."""
    nodes = [right(text) for text in texts]
    found = compile_screen(nodes)(scene.fields, scene.prior, scene.positions)
    assert found == [number for number, node in enumerate(nodes) if interpret(node, scene) is not False]


@given(conditions(place="watched"), histories, scenes)
def test_a_condition_over_time_means_what_it_says(text: str, history: list[Mapping[str, Value]], scene: Scene) -> None:
    """With its windows kept observation by observation, a condition is as by brute force over all of them."""
    node = right(text)
    past = [Past(NOON + number * EVERY, fields) for number, fields in enumerate(history)]
    session = CALENDARS["us-futures"].at(past[-1].at)
    assert session is not None
    opened = {"us-futures": session.opens}
    scene = replace(scene, fields=history[-1], past=past, stale_after=STALE_AFTER, opened=opened)

    fields = {**history[-1], **_windows(node, past)}

    assert compile_value(node)(fields, scene.prior, scene.positions) is interpret(node, scene)


def test_a_window_of_nothing_is_unknown() -> None:
    """Where no observation is at hand, nothing is said of a window."""
    node = right('max(equity, "1d") > 5')
    assert interpret(node, Scene({"equity": Decimal(9)})) is None
    assert compile_value(node)({"equity": Decimal(9)}, {}, ()) is None


def _windows(node: Node, past: Sequence[Past]) -> Mapping[str, Value]:
    plan, kept = Plan([node], sessions()), AccountWindows(STALE_AFTER)
    samples = [sampled(plan, seen.fields, seen.at, None) for seen in past]
    for sample in samples[:-1]:
        kept.keep(plan, sample)
    return Answers(plan, kept, samples[-1:]).values()
