"""The words of digests, summaries and reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.alert import Alert, State, Status
from marginwatch.core.model import Account, AccountKey, Severity
from marginwatch.core.result import AlertKey
from marginwatch.core.state import Absence, AccountState
from marginwatch.notify.body import Role, lines_of
from marginwatch.notify.digest import LINE_LENGTH, Entry, about, by_rule, counted, digest, entry_standing, line, summary
from marginwatch.notify.render import BODY_LENGTH, TITLE_LENGTH
from marginwatch.notify.report import ReceiverStands, Report, VenueStands, report_message, text_of
from support.notices import ACCOUNT, CONDITION, FIELDS, LADDER, NOW, notice, transition
from support.notices import about as known

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

STATE = AccountState(ACCOUNT, first_seen=NOW, known=FIELDS)


def entry(
    number: int, severity: Severity = Severity.WARNING, state: State = State.FIRING, rule: str = "usage"
) -> Entry:
    """One of many."""
    return Entry(f"a{number}", rule, severity, state, f"{severity.label.upper()}: account {number} {'x' * 60}")


def alert(**changes: object) -> Alert:
    """One that fires."""
    given = notice(transition()).alert
    return replace(given, **{"status": Status.FIRING, "value": Decimal("0.921"), "fired_at": NOW, **changes})  # type: ignore[arg-type]  # changes are its own fields


@pytest.mark.parametrize("state", State)
def test_a_line_says_it_in_short(state: State, snapshot: SnapshotAssertion) -> None:
    """How bad, which account, what, the value against its limit, since when."""
    assert line(notice(transition(state)), known(), NOW) == snapshot


def test_a_line_without_a_number_or_a_rule(snapshot: SnapshotAssertion) -> None:
    """A condition has no value, a number may have no limit, and a rule may be gone."""
    assert [
        line(notice(transition(value=None, limit=None)), known(CONDITION), NOW),
        line(notice(transition(limit=None)), known(LADDER), NOW),
        line(notice(transition()), known(None), NOW),
    ] == snapshot


def test_a_line_says_that_it_comes_and_goes() -> None:
    """While it does; once it is over that no longer matters."""
    flaps = transition(State.REMINDER, flapping_since=NOW, times_fired=4)

    assert line(notice(flaps), known(), NOW).endswith(", flapping")
    assert "flapping" not in line(notice(replace(flaps, state=State.RESOLVED)), known(), NOW)


def test_a_line_has_an_end() -> None:
    """However long names are, a line is short."""
    long = Account(ACCOUNT.key, "x" * 400)

    assert len(line(notice(transition()), known(account=long), NOW)) <= LINE_LENGTH


def test_a_storm_fits_into_one_message(snapshot: SnapshotAssertion) -> None:
    """The worst first, the ends last, one line an alert, as many as there is room for."""
    entries = [entry(each) for each in range(1_990)]
    entries += [entry(3000 + each, Severity.CRITICAL, rule="call") for each in range(2)]
    entries += [entry(each, state=State.RESOLVED) for each in range(5)]
    made = digest("desk", entries, NOW)

    assert len(made.body) <= BODY_LENGTH
    assert len(made.title) <= TITLE_LENGTH
    assert (made.severity, made.state) == (Severity.CRITICAL, State.FIRING)
    assert f"{made.title}\n{made.body}" == snapshot


def test_the_end_of_a_storm(snapshot: SnapshotAssertion) -> None:
    """A digest of ends alone is good news."""
    made = digest("desk", [entry(each, Severity.CRITICAL, State.RESOLVED) for each in range(4)], NOW)

    assert made.state is State.RESOLVED
    assert f"{made.title}\n{made.body}" == snapshot


def test_only_the_most_frequent_rules_are_named() -> None:
    """Of many rules the most frequent are named, and how many more there are."""
    entries = [entry(10 * rule + each, rule=f"rule-{rule}") for rule in range(8) for each in range(9 - rule)]

    assert by_rule(entries) == "By rule: rule-0 9, rule-1 8, rule-2 7, rule-3 6, rule-4 5 and 3 more."
    assert counted([]) == ""


def test_an_alert_as_it_stands() -> None:
    """Open, unknown, resolved and closed alerts are told as what they are, with the limit of their level."""
    around = about(alert().key, STATE, LADDER)
    told = [
        entry_standing(each, around, NOW)
        for each in (
            alert(),
            alert(unknown_told=True),
            alert(status=Status.RESOLVED),
            alert(status=Status.CLOSED),
            alert(severity=Severity.INFO),
        )
    ]

    assert [each.state for each in told] == [
        State.FIRING,
        State.UNKNOWN,
        State.RESOLVED,
        State.CLOSED,
        State.FIRING,
    ]
    assert "Margin usage 92.1% (> 90%)" in told[0].line
    assert [each.over for each in told] == [False, False, True, True, False]


def test_what_is_known_of_an_account_that_is_not() -> None:
    """An alert about a venue, or about marginwatch itself, has no account to name."""
    key = AlertKey("venue-unreachable", AccountKey("fx", ""))

    assert about(key, None, None).account.name == "fx"
    assert about(key, replace(STATE, known={}), None).currency == ""


@pytest.mark.parametrize(("running", "ended"), [(3, 2), (0, 2), (40, 0)])
def test_a_summary_says_how_things_stand(running: int, ended: int, snapshot: SnapshotAssertion) -> None:
    """From when to when nobody watched, what is open, and what ended."""
    absence = Absence(NOW - timedelta(hours=26), NOW - timedelta(seconds=20))
    over = [entry(100 + each, state=State.RESOLVED) for each in range(ended)]
    made = summary("desk", absence, [entry(each) for each in range(running)], over, NOW)

    assert len(made.body) <= BODY_LENGTH
    assert f"{made.title}\n{made.body}" == snapshot


def test_messages_about_many_lead_to_the_page(snapshot: SnapshotAssertion) -> None:
    """Where there is one; however long they are, by a line that every service shows as a link."""
    page = "https://risk.example.com/"
    absence = Absence(NOW - timedelta(hours=26), NOW - timedelta(seconds=20))
    made = [
        digest("desk", [entry(each) for each in range(40)], NOW, page),
        summary("desk", absence, [entry(1)], [], NOW, page=page),
        report_message(report(), "desk", page),
    ]

    assert [each.body.splitlines()[-2:] for each in made] == snapshot
    for each in made:
        assert len(each.body) <= BODY_LENGTH
        assert [line.text for line in lines_of(each) if line.role is Role.LINK] == [f"Open: {page}"]
    assert made[2].payload["link"] == page


def report(**changes: object) -> Report:
    """A report in a bad week."""
    made = Report(
        name="weekly",
        at=NOW,
        since=NOW - timedelta(days=7),
        venues=[VenueStands("futures", 12, NOW - timedelta(seconds=4)), VenueStands("fx", 1, None)],
        alerts=[entry(1), entry(2, Severity.CRITICAL)],
        acknowledged=1,
        silences=2,
        receivers=[
            ReceiverStands("desk", NOW - timedelta(minutes=3), None, 0, 0),
            ReceiverStands("phone", None, NOW - timedelta(hours=2), 1200, 3),
            ReceiverStands("spare", None, None, 0, 0),
        ],
        delivered=12_345,
        dead=3,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # changes are its own fields


def test_a_report_says_that_all_is_alive(snapshot: SnapshotAssertion) -> None:
    """Venues, alerts, receivers and what was sent, in one message."""
    made = report_message(report(), "desk")

    assert f"{made.title}\n{made.body}" == snapshot
    assert made.payload == snapshot
    assert set(map(type, made.payload.values())) == {str}


def test_a_report_of_a_good_week(snapshot: SnapshotAssertion) -> None:
    """Nothing open, nothing silenced."""
    assert text_of(report(alerts=[], acknowledged=0, silences=0, dead=0), tail="") == snapshot
    assert report_message(report(alerts=[]), "desk").title == "Report weekly: marginwatch is alive, nothing open"
