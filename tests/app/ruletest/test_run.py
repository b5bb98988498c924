"""Tests of rules play as the daemon would: answers at their pace, timers, outages, restarts, operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marginwatch.app.ruletest.run import run
from marginwatch.app.ruletest.suites import read_suites
from marginwatch.venues.registry import venue_kinds
from support.rule_tests import RULES, USUAL, played, said

if TYPE_CHECKING:
    from pathlib import Path

FIRES = """
[[test.step]]
set = { margin_usage = "85%" }
[[test.step]]
at = "1m"
expect = { usage = "firing" }
"""


def test_what_comes_and_goes_can_be_expected(tmp_path: Path) -> None:
    """A test says whether an alert is kept open for flapping, and is told when that is not so."""
    rules = '[[rule]]\nid = "call"\nwhen = "in_margin_call"\nflapping = { times = 2, within = "4m" }\n'
    swings = """
[[test.step]]
set = { in_margin_call = true }
expect = { call = { state = "firing", flapping = false } }
[[test.step]]
after = "10s"
set = { in_margin_call = false }
expect = { call = "resolved" }
[[test.step]]
after = "10s"
restart = true
set = { in_margin_call = true }
expect = { call = "firing" }
[[test.step]]
after = "10s"
set = { in_margin_call = false }
expect = { call = { state = "reminder", flapping = true } }
[[test.step]]
after = "2m"
expect = { call = { state = "resolved", flapping = false } }
"""
    assert said(tmp_path, swings, rules=rules) == ""
    wrong = swings.replace('"reminder", flapping = true', '"reminder", flapping = false')
    assert "it does not flap" in said(tmp_path, wrong, rules=rules)


def test_answers_go_on_at_their_pace_between_steps(tmp_path: Path) -> None:
    """What was set stays so, and time that passes counts, until the pace is set to nothing."""
    assert said(tmp_path, FIRES) == ""
    silent = FIRES.replace('"85%" }', '"85%" }\nrepeat = false')
    assert said(tmp_path, silent.replace('"firing"', '{ state = "pending", unknown = true, told = "unknown" }')) == ""


def test_the_time_between_answers_too_far_apart_counts_for_nothing(tmp_path: Path) -> None:
    """With a pace slower than `stale_after` no time is ever seen to pass, as live."""
    steps = """
[[test.step]]
set = { margin_usage = "85%" }
repeat = "2m"
[[test.step]]
at = "1m"
expect = { usage = { state = "pending", unknown = true, told = "unknown" } }
[[test.step]]
at = "2m"
expect = { usage = { state = "pending", unknown = false, told = "reminder" } }
"""
    assert said(tmp_path, steps) == ""


@pytest.mark.parametrize("kind", ["timed out", "unreachable", "refused", "bad_answer"])
def test_an_outage_resolves_nothing(tmp_path: Path, kind: str) -> None:
    """However the venue fails, the alert stays and its data are unknown, which the venue's own alert tells."""
    steps = f"""
[[test.step]]
set = {{ in_margin_call = true, margin_usage = "50%" }}
expect = {{ call = "firing", usage = "inactive" }}
[[test.step]]
after = "10s"
fail = "{kind}"
expect = {{ call = {{ state = "firing", unknown = true, told = [] }}, usage = "unknown" }}
[[test.step]]
after = "5m"
expect = {{ call = {{ state = "firing", unknown = true, told = [] }}, usage = "unknown" }}
[[test.step]]
after = "10s"
set = {{}}
expect = {{ call = {{ state = "firing", unknown = false, told = [] }}, usage = "inactive" }}
"""
    assert said(tmp_path, steps) == ""


def test_positions_are_alerts_of_their_own(tmp_path: Path) -> None:
    """Each position is named behind a slash; without it the worst stands for all of them."""
    steps = """
[[test.step]]
positions = [{ id = "p1", quantity = 150 }, { id = "p2", quantity = -300 }, { id = "p3", quantity = 10 }]
expect.big = { state = "firing", severity = "critical", told = ["firing", "firing"] }
expect."big/p1" = { state = "firing", severity = "warning", value = 150, told = "firing" }
expect."big/p2" = { state = "firing", severity = "critical", value = 300 }
expect."big/p3" = "inactive"
[[test.step]]
after = "10s"
positions = [{ id = "p2", quantity = -300 }]
expect = { "big/p1" = "resolved", "big/p2" = { state = "firing", told = [] } }
[[test.step]]
after = "10s"
unset = "positions"
expect = { big = { state = "firing", unknown = true, told = [] } }
[[test.step]]
after = "10s"
positions = []
expect = { big = "resolved" }
"""
    assert said(tmp_path, steps) == ""


def test_receivers_hear_from_their_least_severity_on(tmp_path: Path) -> None:
    """Who heard is compared as a whole, and nobody is somebody, too."""
    steps = """
[[test.step]]
set = { margin_usage = "85%" }
[[test.step]]
at = "1m"
expect = { usage = { state = "firing", receivers = ["desk"] } }
[[test.step]]
at = "1m10s"
set = { margin_usage = "95%" }
[[test.step]]
at = "2m10s"
expect = { usage = { told = "worsened", receivers = ["desk", "pager"] } }
[[test.step]]
at = "3m"
expect = { usage = { receivers = [] } }
"""
    head = USUAL.replace("[[test]]", 'receivers = { desk = "warning", pager = "critical" }\n[[test]]')
    assert said(tmp_path, steps, head) == ""
    wrong = steps.replace('["desk"]', '["desk", "pager"]')
    assert "receivers  desk, pager  desk" in said(tmp_path, wrong, head)


def test_operators_acknowledge_and_silence(tmp_path: Path) -> None:
    """An acknowledgement stops reminders, a silence holds back and loses nothing, and both outlive a restart."""
    steps = """
[[test.step]]
set = { in_margin_call = false, margin_usage = "85%" }
repeat = "30s"
[[test.step]]
at = "1m"
expect = { usage = "firing" }
[[test.step]]
at = "2m"
ack = "usage"
silence = { for = "10m", rule = "ca*" }
[[test.step]]
at = "3m"
set = { in_margin_call = true }
[[test.step]]
at = "5m"
restart = true
expect = { usage = { state = "firing", told = [] }, call = { state = "firing", told = [] } }
[[test.step]]
at = "12m"
expect = { usage = { state = "firing", told = [] }, call = { state = "firing", told = "firing" } }
[[test.step]]
at = "3h"
expect = { usage = { state = "firing", told = [] }, call = { state = "firing", told = [] } }
[[test.step]]
at = "3h1m"
silence = "5m"
set = { in_margin_call = false }
expect = { call = { state = "resolved", told = [] } }
[[test.step]]
at = "4h"
expect = { call = { state = "inactive", told = "resolved" } }
"""
    assert said(tmp_path, steps) == ""


def test_nothing_to_acknowledge_is_a_failure(tmp_path: Path) -> None:
    """An acknowledgement that met no alert shows that the test is not where it believes to be."""
    steps = '[[test.step]]\nset = { margin_usage = "50%" }\nack = "usage"\nexpect = { usage = "inactive" }\n'
    assert "rules.test.toml:6:7: usage at 0s" in said(tmp_path, steps)
    assert "ack        an open alert  none is open" in said(tmp_path, steps)


def test_the_age_of_the_numbers_is_set_like_a_field(tmp_path: Path) -> None:
    """By `age`, by `timestamp`, or not at all; numbers older than `max_age` are unknown."""
    steps = """
[[test.step]]
at = "2026-03-02T14:00Z"
set = { margin_usage = "50%" }
expect = { late = { state = "inactive", unknown = false }, usage = "inactive" }
[[test.step]]
after = "1m"
set = { age = "6m" }
expect = { late = { state = "firing", value = "6m" } }
[[test.step]]
at = "2026-03-02T14:30Z"
set = { timestamp = "2026-03-02T14:20:00+00:00" }
expect = { late = { state = "firing", told = [] } }
[[test.step]]
after = "10m"
expect = { usage = "unknown", late = { state = "firing", unknown = true, told = "unknown" } }
[[test.step]]
after = "10s"
null = ["age", "timestamp"]
expect = { usage = "inactive", late = { unknown = true, told = [] } }
"""
    head = USUAL.replace("[[test]]", 'start = "2026-03-02T14:00Z"\n[[test]]')
    assert said(tmp_path, steps, head) == ""


def test_an_event_is_told_once_and_compared_with_what_was_last_known(tmp_path: Path) -> None:
    """An event needs a baseline, survives a null, and is found under the vendor's own name of the field."""
    steps = """
[[test.step]]
set = { status = "TRADE_STATUS_FULL" }
expect = { status = "inactive" }
[[test.step]]
after = "10s"
null = "trading_status"
expect = { status = "unknown" }
[[test.step]]
after = "10s"
set = { trading_status = "TRADE_STATUS_DISABLED" }
expect = { status = { state = "event", severity = "info", text = ["TRADE_STATUS_FULL -> TRADE_STATUS_DISABLED"] } }
[[test.step]]
after = "10s"
set = { trading_status = "TRADE_STATUS_DISABLED" }
expect = { status = "inactive" }
"""
    assert said(tmp_path, steps) == ""


def test_built_in_alerts_may_be_expected(tmp_path: Path) -> None:
    """What marginwatch tells of its own data is looked at when a test asks, and passes when none does."""
    steps = """
[[test.step]]
set = { margin_usage = "50%" }
[[test.step]]
after = "10s"
fail = "refused"
[[test.step]]
after = "5m"
expect = { venue-unreachable = "inactive", login-refused = "firing", usage = "unknown" }
"""
    assert said(tmp_path, steps) == ""
    assert said(tmp_path, steps.replace('venue-unreachable = "inactive", login-refused = "firing", ', "")) == ""


def test_rules_whose_fields_are_never_mentioned_are_left_out(tmp_path: Path) -> None:
    """A test of one rule is not disturbed by the others; one it expects something of is in it all the same."""
    (outcome,) = played(tmp_path, FIRES)
    assert outcome.bound.left_out == ("call", "status")
    assert set(outcome.bound.rules) == {"usage", "late", "big"}
    (outcome,) = played(tmp_path, FIRES.replace('"firing" }', '"firing", call = "unknown" }'))
    assert outcome.bound.left_out == ("status",)


def test_rules_that_choose_venues_and_accounts_by_name(tmp_path: Path) -> None:
    """A test may stand at a venue of the config, or name one, and say which account it is about."""
    step = "[[test.step]]\nset = { in_margin_call = true }\nexpect = { call = 'firing', fx-only = 'STATE' }\n"
    for venue, account, state in [
        ('"fx"', "A1", "firing"),
        ('"fx"', "B1", "inactive"),
        ('{ name = "fx", kind = "helio" }', "A1", "firing"),
        ('"helio"', "A1", "inactive"),
    ]:
        head = f'venue = {venue}\naccount = "{account}"\n[[test]]\nname = "it"\n'
        assert said(tmp_path, step.replace("STATE", state), head) == ""


def test_a_test_runs_at_each_of_its_venues(tmp_path: Path) -> None:
    """One test, several venues: each with its own catalogue, and shown with its name."""
    head = USUAL.replace('"helio"', '["helio", "stonex", "architect"]')
    assert [outcome.case.site.name for outcome in played(tmp_path, FIRES, head)] == ["helio", "stonex", "architect"]


def test_a_permission_has_its_flag(tmp_path: Path) -> None:
    """Setting the permissions sets the flag of each, unless the test sets that one itself."""
    rules = '[[rule]]\nid = "no-trade"\nwhen = "not permissions.trade"\n'
    step = "[[test.step]]\nset = { permissions = ['view'] EXTRA }\nexpect = { no-trade = 'STATE' }\n"
    head = USUAL.replace("helio", "architect")
    for extra, state in [("", "firing"), (', "permissions.trade" = true', "inactive")]:
        assert said(tmp_path, step.replace("EXTRA", extra).replace("STATE", state), head, rules) == ""
    unquoted = step.replace("permissions = ['view'] EXTRA", "permissions.trade = true").replace("STATE", "inactive")
    assert said(tmp_path, unquoted, head, rules) == ""


STRICT = """
[[test.step]]
set = { in_margin_call = true, margin_usage = "85%" }
expect = { call = "firing" }
[[test.step]]
after = "1m"
expect = { call = "firing" }
"""


def test_a_message_nobody_expects_fails_the_test(tmp_path: Path) -> None:
    """At a step that expects something else, after the last step, and not when the test is lenient."""
    assert "told       nothing of this rule  firing" in said(tmp_path, STRICT)
    end = STRICT.replace('after = "1m"\nexpect = { call = "firing" }', 'after = "1m"')
    assert "told       nothing of this rule  firing" in said(tmp_path, end)
    lenient = USUAL.replace("[[test]]", "strict = false\n[[test]]")
    assert said(tmp_path, STRICT, lenient) == ""
    assert said(tmp_path, STRICT.replace('"1m"\nexpect = { call', '"1m"\nexpect = { usage'), lenient) == ""
    flaps = STRICT + '[[test.step]]\nafter = "10s"\nset = { in_margin_call = false }\nexpect = { call = "inactive" }\n'
    assert said(tmp_path, flaps, lenient) == ""
    assert "state      inactive" in said(tmp_path, flaps.replace(', margin_usage = "85%"', ""))


def test_a_step_that_expects_nothing_hides_nothing(tmp_path: Path) -> None:
    """Messages of steps without `expect` are looked at by the next one that has it."""
    steps = """
[[test.step]]
set = { in_margin_call = true }
[[test.step]]
after = "10s"
set = { in_margin_call = false }
[[test.step]]
after = "10s"
expect = { call = { state = "resolved", told = ["firing", "resolved"] } }
"""
    assert said(tmp_path, steps) == ""


def test_tests_in_yaml_are_the_same(tmp_path: Path) -> None:
    """The same keys, words and values."""
    (tmp_path / "rules.yaml").write_text("rule:\n- {id: usage, value: margin_usage, levels: {warning: '> 80%'}}\n")
    (tmp_path / "rules.test.yml").write_text(
        "venue: helio\n"
        "test:\n"
        "- name: it\n"
        "  step:\n"
        "  - set: {margin_usage: 85%}\n"
        "    expect: {usage: {state: firing, told: firing, severity: warning, value: 85%}}\n"
        "  - null: [margin_usage]\n"
        "    restart: true\n"
        "    expect: {usage: {unknown: true, told: []}}\n"
    )
    suites = read_suites([tmp_path / "rules.test.yml"], venue_kinds())

    assert suites.problems == []
    assert all(run(bound).passed for bound in suites.tests)


WINDOWS = """
[[rule]]
id = "peak"
value = "drawdown(equity, '1h') / max(equity, '1h')"
levels = { warning = "> 10%" }
[[rule]]
id = "session"
value = "drawdown(equity, 'session')"
levels = { warning = "> 50_000" }
calendar = "us-futures"
"""


@pytest.mark.parametrize("restart", [False, True])
def test_rules_that_look_back(tmp_path: Path, *, restart: bool) -> None:
    """Windows fill as time passes, a restart finds them again, and sessions are those of the calendar."""
    steps = """
[[test.step]]
at = "2026-01-05T21:00Z"
set = { equity = 1_000_000 }
expect = { session = "inactive" }
[[test.step]]
at = "2026-01-05T21:30Z"
set = { equity = 940_000 }
RESTART
expect = { peak = "inactive", session = "firing" }
[[test.step]]
after = "10s"
set = { equity = 890_000 }
RESTART
expect = { peak = { state = "firing", value = "11%" }, session = "firing" }
[[test.step]]
# An hour later the peak is out of the window; at five in Chicago another session began.
at = "2026-01-05T23:10Z"
RESTART
expect = { peak = "resolved", session = "resolved" }
""".replace("RESTART", "restart = true" if restart else "")
    head = USUAL.replace("[[test]]", 'every = "30s"\nstart = "2026-01-05T21:00Z"\n[[test]]')
    assert said(tmp_path, steps, head, WINDOWS) == ""


def test_a_message_says_what_was_known_when_it_was_sent(tmp_path: Path) -> None:
    """A reminder that fell between two answers has the numbers of the first, however late a step looks at it."""
    rules = '[[rule]]\nid = "low"\nvalue = "equity"\nlevels = { warning = "< 0" }\nremind_every = "15s"\n'
    rules += 'summary = "equity {equity:.0f}"\n'
    steps = """
[[test.step]]
set = { equity = -5 }
expect = { low = "firing" }
[[test.step]]
after = "20s"
set = { equity = -7 }
[[test.step]]
after = "5s"
expect = { low = { told = "reminder", text = "equity -5" } }
"""
    assert said(tmp_path, steps, USUAL, rules) == ""


def test_a_worsening_voids_an_acknowledgement_for_good(tmp_path: Path) -> None:
    """Reminders come again after it, restarts or not."""
    steps = """
[[test.step]]
set = { margin_usage = "85%" }
repeat = "30s"
[[test.step]]
at = "1m"
ack = "usage"
expect = { usage = "firing" }
[[test.step]]
at = "2m"
set = { margin_usage = "95%" }
[[test.step]]
at = "3m"
expect = { usage = "worsened" }
[[test.step]]
at = "4m"
restart = true
[[test.step]]
at = "1h3m"
expect = { usage = "reminder" }
"""
    assert said(tmp_path, steps) == ""


def test_the_account_has_the_labels_and_groups_that_a_rule_asks_for(tmp_path: Path) -> None:
    """No config says otherwise, and a rule that looked at nobody could not be tried."""
    rules = RULES.replace('id = "usage"', 'id = "usage"\nlabels = { desk = "rates" }\ngroups = ["family"]', 1)

    assert rules != RULES
    assert said(tmp_path, FIRES, rules=rules) == ""
