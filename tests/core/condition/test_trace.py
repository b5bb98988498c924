"""What the parts of an expression come to, against what the whole and the parts mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.because import Sight, blame
from marginwatch.core.condition import Scene, check, compile_value, interpret
from marginwatch.core.condition.trace import Ground, Part, trace
from marginwatch.core.fields import DAY_PNL, Unit
from marginwatch.core.model import AccountKey, Observation
from support.expressions import NAMES, SMALL, checked, conditions, numbers, parsed, right, scenes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marginwatch.core.condition import Node, Scope
    from marginwatch.core.model import Value

NOON = datetime(2026, 3, 9, 17, tzinfo=UTC)


def seen(scene: Scene) -> Observation:
    positions = None if scene.positions is None else tuple(scene.positions)
    return Observation(AccountKey("small", "1"), NOON, None, scene.fields, positions)


def traced(text: str, scene: Scene, *, scope: Scope = "account") -> Part:
    """The expression on the scene, its positions called by their numbers."""
    sight = Sight(seen(scene), scene.prior, SMALL)

    def why(node: Node, position: Mapping[str, Value] | None) -> str:
        return blame(node, sight if position is None else sight.on(position)).sentence

    ground = Ground(
        catalogue=SMALL,
        fields=scene.fields,
        known=scene.prior,
        positions=None if scene.positions is None else [(f"#{n}", row) for n, row in enumerate(scene.positions)],
        why=why,
        position=scene.position if scope == "position" else None,
    )
    return trace(parsed(text), right(text, scope), ground)


def walk(part: Part) -> Iterator[Part]:
    yield part
    for below in part.parts:
        yield from walk(below)


@given(conditions() | st.sampled_from([Unit.MONEY, Unit.RATIO]).flatmap(numbers), scenes)
def test_nothing_is_shown_that_is_not_so(text: str, scene: Scene) -> None:
    """The whole comes to what decides, every part to what its text means; what is unknown says why."""
    found = traced(text, scene)

    assert found.value == compile_value(right(text))(scene.fields, scene.prior, scene.positions)
    assert found.unit == checked(text).unit
    for part in walk(found):
        assert explained(part)
        if "position." not in part.text:
            node = check(parsed(part.text), SMALL, NAMES).node
            assert node is not None
            # Below prior a part is what it was before.
            assert part.value in (interpret(node, scene), interpret(node, replace(scene, fields=scene.prior)))


def explained(part: Part) -> bool:
    """Whether an unknown part says why, or else one of its own parts does; a prior value may be missing without."""
    if part.value is not None or part.absent or part.text.startswith("prior("):
        return True
    return bool(part.because) is not any(not each.known and not each.absent for each in part.parts)


@given(conditions(place="position"), scenes)
def test_of_one_position_too(text: str, scene: Scene) -> None:
    """In a rule that looks at each position, a part reads that position and the account's fields."""
    found = traced(text, scene, scope="position")

    assert found.value is compile_value(right(text, "position"))(scene.fields, scene.prior, scene.position)


def shown(part: Part, depth: int = 0) -> list[str]:
    """A line a part."""
    word = "absent" if part.absent else f"{part.value}" + (f" because {part.because}" if part.because else "")
    line = f"{'  ' * depth}{part.subject} {part.joined or part.text} = {word}".replace("   ", "  ")
    return [line, *(each for below in part.parts for each in shown(below, depth + 1))]


SCENE = Scene(
    fields={"equity": Decimal(100), "cash": Decimal(0), "margin_used": None, "trading_status": "FULL"},
    prior={"equity": Decimal(120), "cash": Decimal(7)},
    positions=[{"symbol": "ES", "quantity": Decimal(2)}, {"symbol": "CL"}],
)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("fedCallAmount > 0 or equity < 50", ["or = False", "fedCallAmount > 0 = absent", "equity < 50 = False"]),
        ("in_stop_out or equity < 50 or cash > 1", ["or = False", "in_stop_out = absent", "equity < 50 = False"]),
        ("equity / cash > 100%", ["(equity / cash) > 100% = None", "equity / cash = None because its value cannot"]),
        ("margin_used < 5", ["margin_used < 5 = None", "margin_used = None because margin_used is null"]),
        ("leverage > 5%", ["leverage > 5% = None", "leverage = None because leverage is missing from the answer"]),
        ("decreased(equity)", ["decreased(equity) = True", "equity = 100", "prior(equity) = 120"]),
        ("changed(leverage)", ["changed(leverage) = None", "leverage = None because", "prior(leverage) = None"]),
        (
            "prior(equity + cash) > 1",
            ["prior(equity + cash) > 1 = True", "prior(equity + cash) = 127", "equity + cash"],
        ),
        ("prior(cash) == 7", ["prior(cash) == 7 = True", "prior(cash) = 7"]),
        ("any(position.quantity > 1)", ["any(position.quantity > 1) = True", "#0 position.quantity > 1 = True"]),
        ('trading_status in ("FULL",)', ['trading_status in ("FULL") = True', "trading_status = FULL"]),
        ("not (abs(equity) < 5)", ["not (abs(equity) < 5) = True", "abs(equity) < 5 = False", "abs(equity) = 100"]),
        ("-equity < 0", ["-equity < 0 = True", "-equity = -100", "equity = 100"]),
    ],
)
def test_a_tree_by_example(text: str, lines: list[str]) -> None:
    """Parts stand below what they are parts of, plain values are no parts, and a gap is told where it is."""
    found = [line.strip() for line in shown(traced(text, SCENE))]

    assert [line[: len(wanted)] for line, wanted in zip(found, lines, strict=False)] == lines


def test_positions_are_looked_at_one_by_one() -> None:
    """Each position has its own part, and without a list of them there is one reason for all."""
    found = traced("all(position.quantity > 1)", SCENE)
    unlisted = traced("all(position.quantity > 1)", replace(SCENE, positions=None))

    assert [(part.subject, part.value) for part in found.parts] == [("#0", True), ("#1", None)]
    assert found.parts[1].parts[0].because == "position.quantity is missing from the answer"
    assert (unlisted.parts, unlisted.because) == ((), "position.quantity is missing from the answer")


def test_an_absent_field_of_positions_leaves_its_part_out() -> None:
    """What a venue's positions lack is absent as the account's fields are."""
    text = "any(position.liquidation_price > 1) or equity > 1"

    assert [(part.absent, part.value) for part in traced(text, SCENE).parts] == [(True, None), (False, True)]


def test_a_window_reads_its_value_under_its_text() -> None:
    """The value of a window stands among the fields; below it is the present value of what it looks at."""
    scene = replace(SCENE, fields={**SCENE.fields, 'max(equity, "1h")': Decimal(300)}, stale_after=timedelta(minutes=1))
    found = traced('max(equity, "1h") > 1', scene)

    assert shown(found.parts[0]) == [' max(equity, "1h") = 300', "  equity = 100"]


def test_a_value_of_a_wrong_type_breaks_nothing() -> None:
    """What a catalogue does not promise makes the part unknown, not the explanation."""
    found = traced("equity > 5", replace(SCENE, fields={"equity": "much"}))

    assert (found.value, found.parts[0].value) == (None, "much")
    assert found.because.startswith("its value cannot be worked out")


def test_a_part_that_the_check_made_another_is_not_taken_apart() -> None:
    """Where checking put something else in a part's place, its value is told and nothing below it."""
    ground = Ground(SMALL, SCENE.fields, SCENE.prior, None, lambda *_: "it is so")

    assert trace(parsed("equity > 5"), right("equity"), ground) == Part("equity > 5", Unit.MONEY, Decimal(100))


def test_a_name_that_stands_for_a_window_shows_it() -> None:
    """Where the venue has no such field, the name has the window's value, and below it what the window looks at."""
    catalogue = replace(SMALL, defined={"day_pnl": DAY_PNL})
    original = parsed("day_pnl < 5")
    node = check(original, catalogue, {*NAMES, "day_pnl"}, calendar="us-futures").node
    assert node is not None
    window = 'delta(equity, "session of us-futures")'
    ground = Ground(catalogue, {"equity": Decimal(93), window: Decimal(-7)}, {}, None, lambda *_: "it is so")
    found = trace(original, node, ground)

    assert [line.strip() for line in shown(found)] == [
        "day_pnl < 5 = True",
        "day_pnl = -7",
        f"{window} = -7",
        "equity = 93",
    ]
