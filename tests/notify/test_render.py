"""The words of messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.core.alert import Reason, State
from marginwatch.core.fields import Unit
from marginwatch.core.health import OURSELVES, RECEIVER_FAILING, RULES, VENUE_UNREACHABLE
from marginwatch.core.model import Account, AccountKey, Observation, Severity
from marginwatch.core.result import AlertKey, Difference
from marginwatch.core.rule import Flapping, Level, Rule, RuleKind
from marginwatch.notify.phrases import SINCE_THEN, STANDING, TITLE, WHY
from marginwatch.notify.render import BODY_LENGTH, TITLE_LENGTH, Later, LaterOnes, check_template, delayed, render
from support.notices import ACCOUNT, CONDITION, EVENT, FIELDS, LADDER, NOW, about, message, notice, transition

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.state import Message

SUMMARY = replace(LADDER, summary="{account}: {margin_usage:.1%}, {margin_excess:,.0f} {currency} left")
TOLD = NOW - timedelta(minutes=20)
BLIND: dict[str, Any] = {"unknown_since": NOW - timedelta(minutes=5), "because": "no good answer came: timed out"}
EQUITY = replace(
    LADDER,
    id="equity",
    expression="equity",
    unit=Unit.MONEY,
    levels=(Level(Severity.CRITICAL, "<", Decimal(5000), Decimal(6000)),),
)


def shown(made: Message) -> str:
    """As a person sees it."""
    return f"{made.title}\n\n{made.body}"


@pytest.mark.parametrize(
    ("state", "reason", "changes"),
    [
        (State.FIRING, Reason.HELD, {}),
        (State.FIRING, Reason.BECAME_TRUE, {"as_of": None}),
        (State.FIRING, Reason.ALREADY_TRUE, {"already_true": True}),
        (State.FIRING, Reason.SILENCE_ENDED, {"already_true": True}),
        (State.WORSENED, Reason.HIGHER_LEVEL, {"previous_value": Decimal("0.851"), "previous_at": TOLD}),
        (
            State.WORSENED,
            Reason.WORSENED_BY,
            {"value": Decimal("0.95"), "previous_value": Decimal("0.921"), "previous_at": TOLD - timedelta(days=1)},
        ),
        (
            State.EASED,
            Reason.LOWER_LEVEL,
            {
                "severity": Severity.WARNING,
                "value": Decimal("0.85"),
                "limit": Decimal("0.8"),
                "previous_value": Decimal("0.921"),
                "previous_at": TOLD,
            },
        ),
        (
            State.REMINDER,
            Reason.REMIND,
            {"previous_value": Decimal("0.921"), "previous_at": TOLD, "rule_changed": True},
        ),
        (State.REMINDER, Reason.REMIND, BLIND),
        (State.REMINDER, Reason.SILENCE_ENDED, {}),
        (State.WORSENED, Reason.SILENCE_ENDED, {"previous_value": Decimal("0.851")}),
        (State.REMINDER, Reason.DATA_BACK, {}),
        (State.UNKNOWN, Reason.DATA_LOST, BLIND),
        (State.UNKNOWN, Reason.SILENCE_ENDED, {"unknown_since": NOW - timedelta(days=1)}),
        (State.UNKNOWN, Reason.DATA_LOST, {"because": "equity is null"}),
        (State.RESOLVED, Reason.CLEARED, {"value": Decimal("0.84")}),
        (State.RESOLVED, Reason.SUBJECT_GONE, {"key": AlertKey("margin-usage", ACCOUNT.key, "ESZ6")}),
        (State.CLOSED, Reason.RULE_REMOVED, {}),
        (State.CLOSED, Reason.SCOPE_CHANGED, {}),
        (State.CLOSED, Reason.ACCOUNT_REMOVED, {}),
        (State.CLOSED, Reason.FORGOTTEN, BLIND),
        (State.EASED, Reason.SILENCE_ENDED, {"limit": None, "value": Decimal("0.85")}),
    ],
)
def test_ladder_in_every_state(
    state: State, reason: Reason, changes: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    """Each state and reason of a ladder reads well, and says how old its data are."""
    made = render(notice(transition(state, reason, **changes)), about(), NOW)

    assert shown(made) == snapshot
    assert "Data as of" in made.body


@pytest.mark.parametrize(
    ("state", "reason", "changes"),
    [
        (State.REMINDER, Reason.FLAPPING, {"value": Decimal("0.72")}),
        (State.REMINDER, Reason.REMIND, {"value": Decimal("0.72")}),
        (State.REMINDER, Reason.DATA_BACK, {}),
        (State.WORSENED, Reason.HIGHER_LEVEL, {}),
        (State.RESOLVED, Reason.CLEARED, {"value": Decimal("0.72")}),
    ],
)
def test_what_comes_and_goes_says_so(
    state: State, reason: Reason, changes: dict[str, Any], snapshot: SnapshotAssertion
) -> None:
    """How often it fired and since when stands in every message while it flaps, and what it takes to be over."""
    flaps = {"flapping_since": NOW - timedelta(minutes=40), "times_fired": 6}
    told = transition(state, reason, **flaps, **changes)
    made = render(notice(told), about(replace(LADDER, flapping=Flapping())), NOW)

    assert shown(made) == snapshot
    assert made.payload["reason"] == reason.value


def test_what_flaps_reads_well_without_its_rule() -> None:
    """When the rule has become one that keeps nothing open, it is not said what it takes."""
    told = transition(State.REMINDER, Reason.REMIND, flapping_since=NOW - timedelta(minutes=40), times_fired=6)

    assert "\nFlapping: fired 6 times since" in render(notice(told), about(), NOW).body
    assert "it is over once" not in render(notice(told), about(), NOW).body


@pytest.mark.parametrize("limit", ["0", "5000", "-5000"])
@pytest.mark.parametrize("operator", [">", ">=", "<", "<="])
def test_how_far_a_value_is_from_its_limit(operator: str, limit: str, snapshot: SnapshotAssertion) -> None:
    """On either side of it and at it, whichever way it is crossed: crossed when it fires, not when it is over."""
    rule = Rule("cash", "Cash", RuleKind.LADDER, (Level(Severity.WARNING, operator, Decimal(limit)),), "cash")
    rule = replace(rule, unit=Unit.MONEY)
    lines = []
    for away in (Decimal(-1), Decimal(0), Decimal("0.005")):
        value = Decimal(limit) + away
        crossed = {">": away > 0, ">=": away >= 0, "<": away < 0, "<=": away <= 0}[operator]
        state = State.FIRING if crossed else State.RESOLVED
        told = transition(state, value=value, limit=Decimal(limit), operator=operator)
        lines.append(f"{state.value}: {render(notice(told), about(rule), NOW).body.splitlines()[0]}")

    assert lines == snapshot


@pytest.mark.parametrize("state", [State.FIRING, State.RESOLVED, State.UNKNOWN])
def test_condition_shows_what_it_reads(state: State, snapshot: SnapshotAssertion) -> None:
    """A condition has no limit, so the message shows the fields it reads, as last known where they are not current."""
    told = transition(state, value=None, limit=None, operator="", title="Margin call")

    assert shown(render(notice(told), about(CONDITION), NOW)) == snapshot


@pytest.mark.parametrize("state", State)
def test_the_runbook_is_named_until_it_is_over(state: State) -> None:
    """Who is told of trouble is told where to read what to do, in a line and in a key."""
    rule = replace(LADDER, runbook="marginwatch runbook margin-usage")
    made = render(notice(transition(state)), about(rule), NOW)

    over = state in {State.RESOLVED, State.CLOSED}
    assert ("\nRunbook: marginwatch runbook margin-usage\nWhy: " in made.body) is not over
    assert ("runbook" in made.roles) is not over
    assert made.payload["runbook"] == "marginwatch runbook margin-usage"


def test_computed_value_shows_its_parts(snapshot: SnapshotAssertion) -> None:
    """A ladder over an expression shows the value and the fields it was computed from."""
    rule = replace(LADDER, expression="(equity - margin_excess) / equity")

    assert shown(render(notice(transition()), about(rule), NOW)) == snapshot


@pytest.mark.parametrize(
    "changes",
    [
        (Difference("permissions", frozenset({"list", "view", "trade"}), frozenset({"list", "view"})),),
        (Difference("permissions", frozenset({"list"}), frozenset({"list", "view", "set_limits"})),),
        (
            Difference("trading_status", "TRADE_STATUS_FULL", "TRADE_STATUS_CLOSE_ONLY"),
            Difference("trading_enabled", True, False),
            Difference("fedCallAmount", Decimal(0), Decimal("12500.75")),
            Difference("maintCallAmount", None, Decimal(1)),
            Difference("restriction", "", "no\nnew   positions\x07"),
            Difference("permissions", None, frozenset()),
            Difference("due", datetime(2026, 8, 4, tzinfo=UTC), datetime(2026, 8, 3, 20, tzinfo=UTC)),
        ),
    ],
)
def test_event_lists_its_differences(changes: tuple[Difference, ...], snapshot: SnapshotAssertion) -> None:
    """An event says in words what changed, in the venue's own spelling."""
    told = transition(
        State.EVENT,
        Reason.OCCURRED,
        title="Permissions changed",
        severity=Severity.WARNING,
        value=None,
        limit=None,
        active_at=None,
        differences=changes,
    )

    assert shown(render(notice(told), about(EVENT), NOW)) == snapshot


@pytest.mark.parametrize(
    ("key", "state", "detail"),
    [
        (AlertKey(VENUE_UNREACHABLE, AccountKey("futures", "")), State.FIRING, "no connection to the venue."),
        (AlertKey(VENUE_UNREACHABLE, AccountKey("futures", "")), State.RESOLVED, "the venue answers"),
        (AlertKey(RECEIVER_FAILING, OURSELVES, "ops-mail"), State.FIRING, "attempts failed in a row: 3; HTTP 503"),
    ],
)
def test_data_health(key: AlertKey, state: State, detail: str, snapshot: SnapshotAssertion) -> None:
    """Trouble with a venue or with marginwatch itself is told in the words of whoever found it."""
    rule = RULES[key.rule]
    told = transition(state, key=key, title=rule.title, value=None, limit=None, as_of=None, detail=detail)

    made = render(notice(told), about(rule, {}, Account(key.account, "")), NOW)

    assert shown(made) == snapshot


def test_money_has_its_currency_and_a_floor_reads_as_one(snapshot: SnapshotAssertion) -> None:
    """Money below a limit says by how much, in the account's currency."""
    told = transition(value=Decimal("4600.50"), limit=Decimal(5000), operator="<", title="Equity")

    assert shown(render(notice(told), about(EQUITY), NOW)) == snapshot


def test_own_summary(snapshot: SnapshotAssertion) -> None:
    """A rule's own summary is added to the built-in words, so that the limit and the age are never lost."""
    assert shown(render(notice(transition()), about(SUMMARY), NOW)) == snapshot


def test_summary_speaks_of_current_values_only() -> None:
    """While data are unknown the rule's own summary is left out."""
    made = render(notice(transition(State.UNKNOWN, Reason.DATA_LOST, **BLIND)), about(SUMMARY), NOW)

    assert "left" not in made.body


def test_summary_may_name_what_belongs_to_the_alert() -> None:
    """All the names that are no fields have a value."""
    names = "{account}|{venue}|{subject}|{rule}|{title}|{severity}|{value}|{limit}|{since:%H:%M}|{as_of:%H:%M %Z}"
    told = transition(key=AlertKey("margin-usage", ACCOUNT.key, "ESZ6"))

    made = render(notice(told), about(replace(LADDER, summary=names)), NOW, ZoneInfo("America/New_York"))

    expected = "STONEX:000000/JDoe|futures|ESZ6|margin-usage|Margin usage|critical|0.921|0.9|10:02|10:03 EDT"
    assert expected in made.body


def test_broken_summary_never_costs_the_message() -> None:
    """A summary that cannot be read leaves the built-in words and says so."""
    made = render(notice(transition()), about(replace(LADDER, summary="{margin_usage")), NOW)

    assert "2.1 points above the limit (> 90%)" in made.body
    assert "The rule's summary cannot be shown" in made.body


def test_removed_rule_and_unnamed_account() -> None:
    """Without its rule and without a name at the venue, an alert is still told with figures."""
    made = render(notice(transition()), about(None, {}, Account(ACCOUNT.key, "")), NOW)

    assert made.title == "CRITICAL: a1b2 (futures): Margin usage, since 14:02 UTC"
    assert made.body.startswith("value 0.921, 0.021 above the limit (> 0.9).")


def test_a_body_repeats_the_title_only_where_that_was_cut() -> None:
    """A phone shows the title and the body's first line: the second is the figures, unless the title lost a name."""
    short = render(notice(transition()), about(), NOW)
    long = render(notice(transition()), about(account=Account(ACCOUNT.key, "a desk of a very long name" * 3)), NOW)

    assert short.body.startswith("margin_usage 92.1%, ")
    assert long.title.endswith("…")
    assert long.body.split("\n")[:2] == [
        f"{'a desk of a very long name' * 3} (futures): Margin usage.",
        short.body.split("\n")[0],
    ]


def test_the_title_says_since_when_where_it_has_room() -> None:
    """A long name takes its place; how bad, who and what come first, and the body has the time in any case."""
    named = [Account(ACCOUNT.key, "d" * length) for length in (20, 41)]

    short, long = (render(notice(transition()), about(account=each), NOW) for each in named)

    assert short.title.endswith("Margin usage, since 14:02 UTC")
    assert long.title.endswith("Margin usage")
    assert "Critical since 14:02:10 UTC (1 min 12 s)." in long.body


def test_the_link_is_a_line_and_a_key() -> None:
    """Who is told can go where it is acknowledged; one too long to be sent whole is no line at all."""
    link = "https://risk.example.com/act/" + "x" * 100
    made = render(notice(transition()), replace(about(), link=link), NOW)
    endless = render(notice(transition()), replace(about(), link=link * 5), NOW)

    assert f"\nOpen or acknowledge: {link}\n" in made.body
    assert made.payload["link"] == link
    assert "Open or acknowledge" not in endless.body


@pytest.mark.parametrize("state", State)
def test_what_is_over_is_not_to_be_acknowledged(state: State) -> None:
    """The link of a resolve leads to the same page."""
    made = render(notice(transition(state)), replace(about(), link="https://risk.example.com/act/x"), NOW)

    over = state in {State.RESOLVED, State.CLOSED, State.EVENT}
    assert ("\nOpen: https://risk" if over else "\nOpen or acknowledge: https://risk") in made.body


def test_every_line_has_its_role() -> None:
    """What each line says is kept beside it, so that every service can be given its own form of it."""
    told = transition(previous_value=Decimal("0.9"), rule_changed=True)
    made = render(notice(told), replace(about(SUMMARY), link="https://risk.example.com/act/x"), NOW)

    assert made.roles == ("value", "distance", "moved", "summary", "note", "standing", "data", "link", "why")
    assert len(made.roles) == len(made.body.split("\n"))


def test_an_unknown_flag_says_what_it_was() -> None:
    """While data are unknown, the values last known of what a condition reads are told as that."""
    told = transition(State.UNKNOWN, Reason.DATA_LOST, value=None, limit=None, unknown_since=NOW)

    assert "Last known: in_margin_call true, in_stop_out false." in render(notice(told), about(CONDITION), NOW).body


def test_old_times_carry_their_date() -> None:
    """A time that is not today's says which day it was, in the reader's zone."""
    told = transition(active_at=datetime(2026, 8, 2, 23, 30, tzinfo=UTC))

    assert "since 2026-08-02 23:30:00 UTC" in render(notice(told), about(), NOW).body
    assert "since 01:30:00 CEST" in render(notice(told), about(), NOW, ZoneInfo("Europe/Berlin")).body


def test_data_are_never_from_the_future() -> None:
    """A venue whose clock is ahead of ours does not make data younger than their arrival."""
    told = transition(as_of=NOW + timedelta(hours=1))

    assert "Data as of 14:03:20 UTC (2 s old)." in render(notice(told), about(), NOW).body


def test_payload_is_exactly_the_documented_keys() -> None:
    """Machines get these keys, all text, whatever the alert."""
    made = render(notice(transition()), about(), NOW)

    assert made.payload == {
        "alert_id": "k3f9",
        "rule": "margin-usage",
        "state": "firing",
        "severity": "critical",
        "venue": "futures",
        "account": "a1b2",
        "subject": "",
        "value": "0.921",
        "limit": "0.9",
        "as_of": "2026-08-03T14:03:10Z",
        "fetched_at": "2026-08-03T14:03:20Z",
        "reason": "held",
        "runbook": "",
        "link": "",
    }


def test_payload_leaves_empty_what_does_not_apply() -> None:
    """No value, no limit and no time of the venue's own are empty texts."""
    made = render(notice(transition(value=None, limit=None, as_of=None)), about(CONDITION), NOW)

    assert [made.payload[key] for key in ("value", "limit", "as_of")] == ["", "", ""]


def test_payload_numbers_have_all_their_digits() -> None:
    """A tiny or huge number is written out, without exponent."""
    made = render(notice(transition(value=Decimal("1E-9"), limit=Decimal("1.50E+6"))), about(), NOW)

    assert (made.payload["value"], made.payload["limit"]) == ("0.000000001", "1500000")


def test_message_carries_identity() -> None:
    """A message keeps its receiver, number, state and severity; no state reads as firing."""
    made = render(notice(transition(None), "desk", 7), about(), NOW)

    assert (made.alert_id, made.receiver, made.number) == ("k3f9", "desk", 7)
    assert (made.state, made.severity) == (State.FIRING, Severity.CRITICAL)


@given(
    title=st.text(max_size=400),
    name=st.text(max_size=400),
    because=st.text(max_size=2000),
    state=st.sampled_from(State),
    reason=st.sampled_from(Reason),
    changes=st.lists(
        st.builds(Difference, st.text(max_size=60), st.text(max_size=200), st.text(max_size=200)), max_size=9
    ),
)
def test_any_words_fit(
    *, title: str, name: str, because: str, state: State, reason: Reason, changes: list[Difference]
) -> None:
    """Whatever a venue or a rule writes, the message keeps its size, its last lines and its shape."""
    told = transition(state, reason, title=title, because=because, unknown_since=NOW, differences=tuple(changes))

    made = render(notice(told), about(SUMMARY, FIELDS, Account(ACCOUNT.key, name)), NOW)

    assert len(made.title) <= TITLE_LENGTH
    assert len(made.body) <= BODY_LENGTH
    assert made.title.isprintable()
    assert all(line.isprintable() for line in made.body.split("\n"))
    assert made.body.split("\n")[-2].startswith("Data as of")
    assert made.body.endswith("Alert k3f9, message 1.")


def test_every_state_and_reason_has_its_words() -> None:
    """No state and no reason is ever without a phrase."""
    assert set(WHY) == set(Reason)
    assert set(TITLE) == set(STANDING) == set(SINCE_THEN) == set(State)


def test_message_in_time_is_sent_as_it_was_written() -> None:
    """Up to a minute nothing is added."""
    written = message()

    assert delayed(written, NOW, NOW + timedelta(minutes=1), Later(State.RESOLVED, NOW)) is written


@pytest.mark.parametrize(
    ("late", "later", "line"),
    [
        (timedelta(hours=3), Later(State.RESOLVED, NOW + timedelta(minutes=16, seconds=38)), None),
        (timedelta(seconds=61), None, "Delayed 1 min 1 s."),
        (timedelta(days=2), Later(State.WORSENED, NOW), None),
        (timedelta(hours=3), LaterOnes(1990, 8, 2), None),
        (timedelta(hours=3), LaterOnes(0, 0, 3), None),
        (timedelta(hours=3), LaterOnes(12), None),
        (timedelta(hours=3), LaterOnes(), "Delayed 3 h."),
        (timedelta(hours=1), Later(State.REMINDER, NOW), "Delayed 1 h; since then still open at 14:03:22 UTC."),
    ],
)
def test_late_message_says_so_in_front(
    late: timedelta, later: Later | LaterOnes | None, line: str | None, snapshot: SnapshotAssertion
) -> None:
    """A late message begins with how late it is and what happened since; the rest stays as it was written."""
    written = message()

    sent = delayed(written, NOW, NOW + late, later)

    first, rest = sent.body.split("\n", 1)
    assert first == (line or snapshot)
    assert rest == written.body
    assert replace(sent, body=written.body, roles=sent.roles[1:]) == written
    assert sent.roles[0] == "late"


SAMPLE = Observation(ACCOUNT.key, NOW, NOW, FIELDS)


@pytest.mark.parametrize(
    ("summary", "wrong"),
    [
        ("", None),
        ("{account}: {margin_usage:.1%}", None),
        ("{margin_usage", "this `{` has no partner"),
        ("x" * 401, "the summary comes to 401 characters, where a message has room for 400"),
    ],
)
def test_summary_is_tried_at_load(summary: str, wrong: str | None) -> None:
    """A summary that would not make it into a message is found before any alert needs it."""
    assert check_template(replace(LADDER, summary=summary), SAMPLE) == wrong
