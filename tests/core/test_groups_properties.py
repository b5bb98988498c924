"""What holds of groups whatever their accounts say: unknown is never smaller, and restarts and replays agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from marginwatch.app.replay import Replay
from marginwatch.core.condition import Scene, interpret, parse
from marginwatch.core.condition.nodes import Fault
from marginwatch.core.joining import Leg, combined, joined_of
from marginwatch.core.rule import RuleKind
from marginwatch.core.seen import left_by
from support.desk import after
from support.family import (
    HEDGE,
    LISTS,
    OTHER,
    SPOT,
    Family,
    cycle_end,
    failed,
    fields,
    group,
    listed,
    member,
    rule_of,
    ruling,
    seen,
    usage_rule,
)
from support.stores import owned

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from marginwatch.core.alert import Transition
    from marginwatch.core.engine import Answer
    from marginwatch.core.model import AccountKey, Value, VenueFailure
    from marginwatch.store.store import Store

NUMBERS = st.decimals(min_value=-1_000, max_value=1_000, places=2)
FLAGS = st.booleans()
ASKED = {
    "sum": "sum(equity - margin_used)",
    "min": "min(equity)",
    "max": "max(margin_used * 2)",
    "mean": "mean(equity)",
    "count": "count(equity < margin_used)",
    "any": "any(in_margin_call or equity < 0)",
    "all": "all(equity > margin_used)",
}


@given(st.sampled_from(["sum", "min", "max", "mean"]), st.lists(NUMBERS | st.none(), max_size=5), st.randoms())
def test_numbers_are_unknown_with_any_account_and_do_not_depend_on_the_order(
    function: str, values: list[Decimal | None], chance: object
) -> None:
    """With one account unknown so is the group; with none it is the plain sum, least, most or mean."""
    found = combined(function, values)
    shuffled = list(values)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a `random.Random`

    assert combined(function, shuffled) == found
    assert (found is None) == (None in values or not values)
    if found is not None:
        known = [value for value in values if value is not None]
        total = sum(known, Decimal(0))
        plain = {"sum": total, "min": min(known), "max": max(known), "mean": total / len(known)}[function]
        assert isinstance(found, Decimal)
        assert abs(found - plain) < Decimal("1e-20")


@given(st.lists(FLAGS | st.none(), max_size=5))
def test_conditions_follow_three_valued_logic(values: list[bool | None]) -> None:
    """`any` and `all` are what some assignment of the unknown ones cannot change; a count needs every account."""
    worlds: list[list[bool]] = [[]]
    for value in values:
        worlds = [[*world, each] for world in worlds for each in ((True, False) if value is None else (value,))]

    for function, plain in (("any", any), ("all", all), ("count", sum)):
        possible = {plain(world) for world in worlds}
        expected = possible.pop() if len(possible) == 1 and values else None
        found = combined(function, values)
        assert found == expected
        assert isinstance(found, bool) == (expected is not None and function != "count")


ANSWERS = st.fixed_dictionaries(
    {"currency": st.sampled_from(["USD", "USD", "EUR", "GBP"])},
    optional={"equity": NUMBERS | st.none(), "margin_used": NUMBERS | st.none(), "in_margin_call": FLAGS | st.none()},
)
RATES = {"USD": Decimal(1), "EUR": Decimal("1.1")}


@given(st.sampled_from(sorted(ASKED)), st.lists(ANSWERS | st.none(), min_size=1, max_size=4))
def test_a_group_says_what_its_accounts_mean_together(function: str, said: list[dict[str, Value] | None]) -> None:
    """Every account's expression interpreted by itself, in the group's currency, and the answers combined."""
    text = ASKED[function]
    found = ruling(rule_of(f"{text} > 5" if function not in {"any", "all"} else text), groups=[_GROUP]).groups
    (question,) = found.questions["family"]
    legs = [_leg(number, answer) for number, answer in enumerate(said)]

    joined = joined_of(_GROUP, [question], legs)

    node = parse(text.partition("(")[2].removesuffix(")"))
    assert not isinstance(node, Fault)
    values = [None if answer is None else interpret(node, Scene(_in_dollars(answer))) for answer in said]
    assert joined is not None
    assert joined.observation.fields[question.text] == combined(function, values)
    assert (question.text in joined.observation.reasons) == (joined.observation.fields[question.text] is None)


_GROUP = group(rates={"EUR": RATES["EUR"]})


def _leg(number: int, answer: dict[str, Value] | None) -> Leg:
    if answer is None:
        return Leg(f"fx/{number}", "fx", {}, {}, "no good answer", observed_at=after(5), fetched_at=after(5))
    known = {name: value for name, value in answer.items() if value is not None}
    return Leg(f"fx/{number}", "fx", known, {}, observed_at=after(number), fetched_at=after(number))


def _in_dollars(answer: dict[str, Value]) -> dict[str, Value]:
    rate = RATES.get(str(answer["currency"]))
    money = {name: answer.get(name) for name in ("equity", "margin_used")}
    priced = {
        name: value * rate if isinstance(value, Decimal) and rate is not None else None for name, value in money.items()
    }
    return {**answer, **priced}


@dataclass(frozen=True)
class Turn:
    """Something that happens after a pause."""

    pause: float
    account: AccountKey
    equity: str | None
    used: str
    call: bool
    fails: str
    restarts: bool


TURNS = st.lists(
    st.builds(
        Turn,
        pause=st.sampled_from([0.5, 1, 5, 10, 10, 30, 70]),
        account=st.sampled_from([HEDGE, SPOT, SPOT, OTHER]),
        equity=st.sampled_from(["1000", "1000", "900", "800", None]),
        used=st.sampled_from(["500", "850", "950"]),
        call=st.booleans(),
        fails=st.sampled_from(["", "", "", "", "account", "venue", "old", "unlisted"]),
        restarts=st.booleans(),
    ),
    min_size=1,
    max_size=20,
)
RULES = ruling(
    usage_rule(hold=timedelta(seconds=15), clear_for=timedelta(seconds=15), remind_every=timedelta(seconds=45)),
    rule_of("any(in_margin_call)", id="call"),
    rule_of("changed(count(in_margin_call))", RuleKind.EVENT, id="calls"),
    rule_of('drawdown(sum(equity), "2m") >= 150', id="drawdown"),
    groups=[group(members=[member("futures", "*"), member("fx", "*")])],
)


@settings(max_examples=25)  # fewer than the profile's: each plays a store twice
@given(TURNS)
def test_restarts_and_replays_change_nothing(tmp_path_factory: pytest.TempPathFactory, turns: list[Turn]) -> None:
    """With restarts or without, and decided again from the record: the same transitions."""
    folder = tmp_path_factory.mktemp("groups")
    with owned(folder, "without.db") as store:
        without = _played(store, turns, restarts=False)
        assert _replayed(store) == without
    with owned(folder, "with.db") as store:
        assert _played(store, turns, restarts=True) == without
        assert _replayed(store) == without


def _played(store: Store, turns: Sequence[Turn], *, restarts: bool) -> list[Transition]:
    family = Family(RULES, store)
    family.tick(1, *LISTS, seen(1, HEDGE, fields()), seen(1, SPOT, fields()), cycle_end(1), cycle_end(1, "futures"))
    second = 1.0
    for turn in turns:
        second += turn.pause
        while (due := family.ticker.next_timer()) is not None and due < after(second):
            family.ticker.tick([], due)
        family.tick(second, *_news(turn, second), cycle_end(second, turn.account.venue))
        if restarts and turn.restarts:
            store._owner.release() if store._owner else None
            store.own()
            family.start(second)
    return family.transitions


def _news(turn: Turn, second: float) -> Sequence[Answer | VenueFailure]:
    venue = turn.account.venue
    if turn.fails == "account":
        return [failed(second, turn.account, venue)]
    if turn.fails == "venue":
        return [failed(second, None, venue)]
    if turn.fails == "unlisted":
        others = {HEDGE, SPOT, OTHER} - {turn.account}
        return [listed(*sorted(key for key in others if key.venue == venue), venue=venue)]
    as_of = second - 1_000 if turn.fails == "old" else second - 0.5
    values = fields(turn.equity, turn.used, in_margin_call=turn.call)
    return [listed(*{HEDGE} if venue == "futures" else (SPOT, turn.account)), seen(second, turn.account, values, as_of)]


def _replayed(store: Store) -> list[Transition]:
    """What is on record, decided again."""
    replay = Replay(RULES)
    found: list[Transition] = []
    for tick in store.history.ticks(after(0), after(10**6)):
        if tick.seen.began_at is not None:
            moment = replay.start(tick.seen.began_at, left_by(replay.memory))
            if tick.seen.resumed:
                found += moment.transitions
                continue
        for silent in tick.seen.silent:
            replay.feed((), silent)
        found += replay.feed(tick.news, tick.at, tick.seen.wishes, crowded=tick.seen.crowded).transitions
    return found
