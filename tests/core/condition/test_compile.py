"""The compiled code of an expression against its plain meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.condition import compile_screen, compile_value, interpret
from marginwatch.core.fields import Unit
from support.expressions import conditions, numbers, right, scenes

if TYPE_CHECKING:
    from marginwatch.core.condition import Scene


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
