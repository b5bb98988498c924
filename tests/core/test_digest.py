"""Which notices go out at once, which together, and which wait."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.alert import State
from marginwatch.core.digest import LONGEST_GATHER, SOON, Digesting, Gathering, Sorted, hold, presses, release, sort
from marginwatch.core.model import AccountKey, Severity
from marginwatch.core.result import AlertKey
from support.notices import NOW, message, notice, transition

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marginwatch.core.route import Notice

POLICY = Digesting(after=3, gather=timedelta(seconds=30))


def after(seconds: float) -> datetime:
    """So many seconds into the test."""
    return NOW + timedelta(seconds=seconds)


def told(name: str, severity: Severity = Severity.WARNING, state: State = State.FIRING, number: int = 1) -> Notice:
    """Something to tell of an account of that name."""
    key = AlertKey("usage", AccountKey("desk", name))
    return notice(transition(state, alert_id=name, key=key, severity=severity), "desk", number)


def several(number: int, severity: Severity = Severity.WARNING, first: int = 0) -> list[Notice]:
    """The same of so many accounts."""
    return [told(f"a{first + each}", severity) for each in range(number)]


@dataclass
class Receiving:
    """One receiver's gathering over time, and what it hears: at what second, of what, in a digest or not."""

    policy: Digesting | None = POLICY
    state: Gathering = field(default_factory=Gathering)
    heard: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)

    def tick(self, seconds: float, notices: Sequence[Notice] = ()) -> Sorted:
        """What becomes of these."""
        now = after(seconds)
        return self.keep(seconds, sort(self.policy, self.state, notices, now))

    def keep(self, seconds: float, found: Sorted) -> Sorted:
        """Take it over as a tick does once it is committed."""
        for item in found.released:
            self.heard.append((seconds, (named(item.alert_id, item.number),)))
        for each in found.alone:
            self.heard.append((seconds, (named(each.alert.alert_id, each.number),)))
        if found.digest:
            merged = [named(item.alert_id, item.number) for item in found.merged]
            together = [named(each.alert.alert_id, each.number) for each in found.together]
            self.heard.append((seconds, (*merged, *together)))
        if self.policy is not None:
            items = tuple(
                message("desk", alert_id=each.alert.alert_id, number=each.number, topic=str(each.transition.key),
                        held_until=found.until)
                for each in found.held
            )  # fmt: skip
            state = found.of(self.state, self.policy, after(seconds))
            self.state = replace(state, items=state.items + items)
        return found

    @property
    def sizes(self) -> list[tuple[float, int]]:
        """When it heard something, and of how much."""
        return [(seconds, len(names)) for seconds, names in self.heard]


def named(alert_id: str, number: int) -> str:
    """A notice's name."""
    return f"{alert_id}/{number}"


def test_a_few_go_out_one_by_one() -> None:
    """Up to `after` notices are a message each."""
    desk = Receiving()
    desk.tick(0, several(3))

    assert desk.sizes == [(0, 1), (0, 1), (0, 1)]
    assert desk.state.items == ()


def test_a_storm_is_one_message_at_once() -> None:
    """More than `after` in one tick are one digest, what is critical included."""
    desk = Receiving()
    desk.tick(0, [*several(3), told("b", Severity.CRITICAL)])

    assert desk.sizes == [(0, 4)]


def test_what_follows_a_storm_is_gathered() -> None:
    """After a digest what is not critical waits for `gather` to end, counted from the digest, and goes out together."""
    desk = Receiving()
    desk.tick(0, several(4))
    desk.tick(10, several(1, first=10))
    desk.tick(20, several(5, first=20))
    assert desk.sizes == [(0, 4)]
    assert desk.state.due == after(30)
    desk.tick(30)

    assert desk.sizes == [(0, 4), (30, 6)]


def test_a_storm_ends_when_nothing_more_comes() -> None:
    """Once `gather` has passed without anything, the next notice goes out by itself, at once."""
    desk = Receiving()
    desk.tick(0, several(4))
    desk.tick(31, several(1, first=9))

    assert desk.sizes == [(0, 4), (31, 1)]


def test_a_single_straggler_is_a_plain_message() -> None:
    """One message that was held goes out as it is: a digest of one would say less."""
    desk = Receiving()
    desk.tick(0, several(4))
    found = desk.tick(5, several(1, first=9))
    assert len(found.held) == 1
    found = desk.tick(30)

    assert len(found.released) == 1
    assert not found.digest


def test_a_storm_in_drops_is_gathered_too() -> None:
    """More than `after` within `gather`, however few in each tick, are held from then on."""
    desk = Receiving()
    for second in range(6):
        desk.tick(second, several(1, first=second))
    assert desk.sizes == [(0, 1), (1, 1), (2, 1)]
    desk.tick(33)

    assert desk.sizes[3:] == [(33, 3)]


def test_what_is_critical_does_not_wait() -> None:
    """While a storm lasts a critical notice goes out in its own tick, behind what was held of the same topic."""
    desk = Receiving()
    desk.tick(0, several(4))
    desk.tick(1, [told("x"), told("y")])
    desk.tick(2, [told("x", Severity.CRITICAL, State.WORSENED, 2)])

    assert desk.heard[1:] == [(2, ("x/1",)), (2, ("x/2",))]
    assert [item.alert_id for item in desk.state.items] == ["y"]


def test_many_critical_ones_are_one_message_at_once() -> None:
    """More than `after` critical notices in one tick of a storm are a digest of their own, at once."""
    desk = Receiving()
    desk.tick(0, several(4))
    desk.tick(1, [told("x")])
    desk.tick(2, [*several(4, Severity.CRITICAL, 20), told("x", Severity.CRITICAL, State.WORSENED, 2), told("z")])

    assert desk.heard[1:] == [(2, ("x/1", "a20/1", "a21/1", "a22/1", "a23/1", "x/2"))]
    assert [item.alert_id for item in desk.state.items] == ["z"]


def test_a_flood_of_critical_ones_comes_once_a_second() -> None:
    """Behind `after` messages that have just gone out, critical ones wait for a second at most, and go together."""
    desk = Receiving()
    for tenth in range(20):
        desk.tick(tenth / 10, several(1, Severity.CRITICAL, tenth))

    assert desk.sizes == [(0, 1), (0.1, 1), (0.2, 1), (1.3, 11)]
    assert desk.state.due == after(2.4)


def test_the_end_of_something_critical_can_wait() -> None:
    """That a critical alert is over is good news, and gathered with the rest."""
    assert presses(told("a", Severity.CRITICAL))
    assert not presses(told("a", Severity.CRITICAL, State.RESOLVED))
    assert not presses(told("a", Severity.WARNING))


def test_one_topic_keeps_its_order_within_a_tick() -> None:
    """What comes before and after a critical notice of the same alert in one tick goes with it."""
    desk = Receiving()
    desk.tick(0, several(4))
    desk.tick(1, [told("x"), told("x", Severity.CRITICAL, State.WORSENED, 2), told("y")])

    assert desk.heard[1:] == [(1, ("x/1",)), (1, ("x/2",))]


@pytest.mark.parametrize("policy", [None, Digesting(on=False)], ids=["for machines", "turned off"])
def test_without_digests_each_goes_out_by_itself(policy: Digesting | None) -> None:
    """A receiver without digests hears of everything in a message of its own, at once; what was held is let go."""
    before = Gathering(items=(message("desk", held_until=after(5)),))
    found = sort(policy, before, several(50), after(0))

    assert (len(found.alone), found.released, found.held) == (50, before.items, ())


def test_a_clock_set_back_holds_nothing_for_hours() -> None:
    """What would be due in a distant future by the clock as it is now goes out at once."""
    desk = Receiving()
    desk.tick(0, several(4))
    desk.tick(1, several(2, first=9))
    desk.tick(-3600)

    assert desk.sizes == [(0, 4), (-3600, 2)]


def test_after_an_absence_what_is_critical_goes_out_and_the_rest_waits() -> None:
    """While it is to be seen what happened, only what is critical is told: one by one, or together when it is much."""
    until = after(120)
    found = hold(POLICY, Gathering(), [told("x"), told("y", Severity.CRITICAL)], until)
    assert ([each.alert.alert_id for each in found.alone], found.until) == (["y"], until)
    assert [each.alert.alert_id for each in found.held] == ["x"]

    found = hold(POLICY, Gathering(), several(4, Severity.CRITICAL), until)
    assert (len(found.together), found.alone) == (4, ())


@pytest.mark.parametrize(("number", "digest"), [(2, False), (3, True)])
def test_at_the_end_of_that_much_goes_out_together(number: int, *, digest: bool) -> None:
    """What was held goes out one by one, or together when it is more than `after`."""
    before = Gathering(items=(message("desk", held_until=after(60)),))
    found = release(POLICY, before, several(number))

    assert found.digest is digest
    assert (found.merged if digest else found.released) == before.items


NOTICES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(Severity), st.sampled_from([State.FIRING, State.RESOLVED])),
    max_size=8,
)
TICKS = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 1, 5, 29, 31]), NOTICES), max_size=15)


@given(TICKS)
def test_nothing_is_lost_doubled_or_overtaken(ticks: list[tuple[float, list[tuple[int, Severity, State]]]]) -> None:
    """Whatever comes when: all of it is heard once, of each alert in its order, and in time."""
    desk, seconds = Receiving(), 0.0
    given_at: dict[str, float] = {}
    pressing: set[str] = set()
    for gap, news in ticks:
        seconds = _due_meanwhile(desk, seconds, seconds + gap)
        notices = []
        for name, severity, state in news:
            one = told(f"a{name}", severity, state, len(given_at) + 1)
            given_at[named(one.alert.alert_id, one.number)] = seconds
            pressing |= {named(one.alert.alert_id, one.number)} if presses(one) else set()
            notices.append(one)
        desk.tick(seconds, notices)
    _due_meanwhile(desk, seconds, seconds + 120)

    heard = [(at, name) for at, names in desk.heard for name in names]
    assert sorted(name for _, name in heard) == sorted(given_at)
    for alert in {name.split("/")[0] for name in given_at}:
        numbers = [int(name.split("/")[1]) for _, name in heard if name.split("/")[0] == alert]
        assert numbers == sorted(numbers)
    for at, told_of in heard:
        longest = SOON if told_of in pressing else POLICY.gather
        assert at - given_at[told_of] <= longest.total_seconds() + 1e-6


def _due_meanwhile(desk: Receiving, since: float, until: float) -> float:
    """Tick whenever something is due, as the timer does."""
    while (due := desk.state.due) is not None and (due - NOW).total_seconds() <= until:
        since = max(since, (due - NOW).total_seconds())
        desk.tick(since)
    return until


@given(TICKS)
def test_a_storm_is_few_messages(ticks: list[tuple[float, list[tuple[int, Severity, State]]]]) -> None:
    """In any time of `gather`, what is not critical makes at most `after` single messages and a few digests."""
    desk, seconds = Receiving(), 0.0
    for gap, news in ticks:
        seconds = _due_meanwhile(desk, seconds, seconds + gap)
        desk.tick(seconds, [told(f"a{name}", Severity.WARNING, state) for name, _, state in news])
    for start, _ in desk.heard:
        within = [at for at, _ in desk.heard if start <= at < start + POLICY.gather.total_seconds()]
        assert len(within) <= POLICY.after + 1


def test_the_longest_wait_is_short_enough_to_be_no_trouble() -> None:
    """Held messages are never so old that delivery would look stuck."""
    assert timedelta(minutes=5) > LONGEST_GATHER
