"""What an edit of rules would change, as it reads before it is in force."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from marginwatch import clock
from marginwatch.app.build import configure, ruling_of
from marginwatch.config.rulebook import rulebook
from marginwatch.store.store import Store
from support.desk import ONE, TWO, VENUE, Desk, after, answer, cycle_end, fields, seen
from support.sites import receiver, table, write_config

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.engine import Answer
    from marginwatch.core.model import Value
    from support.shell import Shell

USAGE = """\
[[rule]]
id = "usage"
title = "Margin usage"
value = "margin_usage"
levels = { warning = "> 80%", critical = "> 90%" }
clear_by = "3%"
"""
THIN = """
[[rule]]
id = "thin"
title = "Little left"
when = "margin_excess < 100"
"""
CALL = """
[[rule]]
id = "call"
when = "in_margin_call"
severity = "critical"
"""
RULES = USAGE + THIN + CALL
LEVELS = 'warning = "> 80%", critical = "> 90%" }'
EDITS = {
    "nothing": RULES,
    "words": RULES.replace('"Margin usage"', '"Usage of margin"'),
    "a lower limit": RULES.replace("> 80%", "> 75%"),
    "lower limits that must hold": RULES.replace(LEVELS, 'warning = "> 75%", critical = "> 83%" }\nfor = "5m"'),
    "lower limits": RULES.replace(LEVELS, 'warning = "> 75%", critical = "> 83%" }'),
    "higher limits": RULES.replace(LEVELS, 'warning = "> 90%", critical = "> 95%" }'),
    "higher limits and patience": RULES.replace(LEVELS, 'warning = "> 90%", critical = "> 95%" }\nclear_for = "2m"'),
    "levels a step milder": RULES.replace(LEVELS, 'info = "> 80%", warning = "> 90%" }'),
    "levels a step milder, later": RULES.replace(LEVELS, 'info = "> 80%", warning = "> 90%" }\nclear_for = "2m"'),
    "a removed rule": USAGE + CALL,
    "a new rule": RULES + '\n[[rule]]\nid = "loss"\nwhen = "day_pnl < -50"\nfor = "1h"\n',
    "what cannot be decided": RULES + '\n[[rule]]\nid = "due"\nvalue = "call_amount"\nlevels = { warning = "> 10" }\n',
    "another condition": RULES.replace("margin_excess < 100", "margin_excess < 10"),
    "keys come and go": RULES.replace('clear_by = "3%"', 'remind_every = "1h"'),
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on which a daemon went by the rules for a while: one account at 85 %, the other at 78 %."""
    folder = tmp_path_factory.mktemp("lived")
    configured = configure(write(folder), {})
    store = Store.open(f"sqlite:///{folder}/marginwatch.db")
    store.own()
    desk = Desk(ruling_of(configured.settings, configured.rules, configured.kinds), store)
    store.rulebooks.record(rulebook(configured.rules, configured.settings), after(0))
    for second in (0, 10, 20):
        desk.tick(second, *_answers(second), cycle_end(second))
    store.close()
    return folder


def _answers(second: float) -> list[Answer]:
    first = values("0.85", margin_excess=Decimal(50))
    second_one = values("0.78", day_pnl=Decimal(-80), call_amount=None)
    return [answer(seen(second, first, ONE), seen(second, second_one, TWO), listing=[ONE, TWO])]


def values(usage: str, **others: Value) -> dict[str, Value]:
    """An account's numbers."""
    return fields(usage, currency="USD", **others)


def write(folder: Path, *tables: str) -> Path:
    """The config; nobody listens at the address it names."""
    tables = tables or (receiver("desk", "json://127.0.0.1:1/"),)
    login = {"api_key": "A" * 24, "api_secret": "B" * 43 + "="}
    venue = table("[venues]", {"name": VENUE, "kind": "architect", "endpoint": "http://127.0.0.1:1", **login})
    return write_config(folder, venue, *tables, rules=RULES)


@pytest.fixture
def edited(shell: Shell, lived: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands typed ten seconds after the latest answers, beside a config that is about to be edited."""
    write(shell.folder)
    (shell.folder / "marginwatch.db").write_bytes((lived / "marginwatch.db").read_bytes())
    book = (lived / "rules.toml", shell.folder / "rules.toml")
    _move(shell.folder, *book)
    monkeypatch.setattr(clock, "now", lambda: after(30))
    return shell


def _move(folder: Path, old: Path, new: Path) -> None:
    """The rules on record came from this folder's file."""
    store = Store.open(f"sqlite:///{folder}/marginwatch.db")
    store.own()
    configured = configure(folder / "config.toml", {})
    assert old.read_text() == new.read_text()
    store.rulebooks.record(rulebook(configured.rules, configured.settings), after(0))
    store.close()


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_and_what_comes_of_it(edited: Shell, edit: str, snapshot: SnapshotAssertion) -> None:
    """Each rule that differs with its keys, and each alert that would."""
    (edited.folder / "rules.toml").write_text(EDITS[edit])
    before = (edited.folder / "marginwatch.db").read_bytes()
    said = edited("plan")

    assert (said.code, said.err) == (0, "")
    assert edited.shown(said.out) == snapshot
    assert (edited.folder / "marginwatch.db").read_bytes() == before


DESK, NIGHT, BOSS = (receiver(name, "json://127.0.0.1:1/") for name in ("desk", "night", "boss"))
ROUTES = {
    "another receiver": (DESK, NIGHT, table("[routes]", {"name": "all", "receivers": ["night"]})),
    "a milder desk": (receiver("desk", "json://127.0.0.1:1/", min_severity="critical"),),
    "hours": (
        *(DESK, NIGHT),
        table("[routes]", {"name": "d", "receivers": ["desk", "night"], "hours": "15:00-16:00", "zone": "UTC"}),
    ),
    "a ladder": (
        *(DESK, BOSS),
        '[[routes]]\nname = "all"\nreceivers = ["desk"]\nescalate = [{ after = "10m", receivers = ["boss"] }]\n',
    ),
    "by labels": (
        *(DESK, NIGHT),
        '[[accounts]]\nmatch = ["desk/one"]\nlabels = { desk = "night" }\n',
        '[[routes]]\nname = "n"\nreceivers = ["night"]\nlabels = { desk = "night" }\n',
        '[[routes]]\nname = "d"\nreceivers = ["desk"]\nrules = ["thin"]\n',
    ),
    "an address": (receiver("desk", "json://127.0.0.1:2/"),),
    "a route that changes nothing": (DESK, table("[routes]", {"name": "all", "receivers": ["desk"]})),
}


@pytest.mark.parametrize("edit", ROUTES)
def test_an_edit_of_routes_and_who_would_hear(edited: Shell, edit: str, snapshot: SnapshotAssertion) -> None:
    """Of each open alert of which others would hear: who does now, and who would, and whom its ladder calls."""
    write(edited.folder, *ROUTES[edit])
    before = (edited.folder / "marginwatch.db").read_bytes()
    said = edited("plan")

    assert (said.code, said.err) == (0, "")
    assert edited.shown(said.out) == snapshot
    assert (edited.folder / "marginwatch.db").read_bytes() == before


def test_an_edit_of_routes_and_rules_as_json(edited: Shell, snapshot: SnapshotAssertion) -> None:
    """Beside what becomes of the alerts."""
    write(edited.folder, *ROUTES["hours"])
    (edited.folder / "rules.toml").write_text(EDITS["a removed rule"])
    said = edited("plan", "--json")

    assert said.code == 0
    found = json.loads(edited.shown(said.out))
    assert {key: found[key] for key in ("rerouted", "hearings")} == snapshot


def test_back_to_no_routes(edited: Shell) -> None:
    """What is on record is read with all it may hold, and a store of before this was kept says so."""
    write(edited.folder, *ROUTES["by labels"], '[[calendars]]\nname = "fx"\nholidays = ["2026-12-25"]\n')
    store = Store.open(f"sqlite:///{edited.folder}/marginwatch.db")
    store.own()
    configured = configure(edited.folder / "config.toml", {})
    store.rulebooks.record(rulebook(configured.rules, configured.settings), after(1))
    assert "nothing would change" in edited("plan").out
    write(edited.folder)
    assert "usage on desk/one (One) (warning): desk, night -> desk" in edited("plan").out
    store.rulebooks.record(rulebook(configured.rules), after(2))
    store.close()
    assert edited("plan").out.endswith("so who hears is not compared; a reload records them\n")


@pytest.mark.parametrize("edit", ["a lower limit", "a removed rule"])
def test_an_edit_as_json(edited: Shell, edit: str, snapshot: SnapshotAssertion) -> None:
    """A program gets stable keys."""
    (edited.folder / "rules.toml").write_text(EDITS[edit])
    said = edited("plan", "--json")

    assert said.code == 0
    assert json.loads(edited.shown(said.out)) == snapshot


def test_other_files_than_the_configs(edited: Shell, snapshot: SnapshotAssertion) -> None:
    """A draft is tried where it lies; rules that only moved are no more than that."""
    (edited.folder / "draft.toml").write_text(RULES.replace("> 80%", "> 75%"))
    said = edited("plan", "--rules", "draft.toml")

    assert (said.code, said.err) == (0, "")
    assert edited.shown(said.out) == snapshot


def test_wrong_rules_are_reported_as_by_check(edited: Shell) -> None:
    """The same sentences, and the same exit code; a program gets them as JSON."""
    (edited.folder / "rules.toml").write_text(RULES.replace("> 80%", "> 80 USD"))
    said, checked = edited("plan"), edited("check")
    program = edited("plan", "--json")

    assert (said.code, said.err) == (checked.code, checked.err) == (1, said.err)
    assert "rules.toml:5:25: " in said.err
    assert program.code == 1
    assert json.loads(program.out)["problems"][0]["line"] == 5


def test_data_that_are_missing_now_are_waited_for(edited: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is foreseen from old numbers says so: nothing fires or resolves before data are back."""
    monkeypatch.setattr(clock, "now", lambda: after(600))
    (edited.folder / "rules.toml").write_text(EDITS["higher limits"])

    assert "(once data are back; the latest are of 14:00:20 UTC)" in edited("plan").out


def test_a_store_on_which_nothing_ran(edited: Shell) -> None:
    """All rules are new, and no alert can be foreseen."""
    (edited.folder / "marginwatch.db").unlink()
    Store.open(f"sqlite:///{edited.folder}/marginwatch.db").close()
    said = edited("plan")

    assert said.out.splitlines()[0] == "3 rules added; no rules were ever in force on this store, so all are new"
    assert "no alert would change\n" in said.out


def test_on_a_terminal_it_has_colours(edited: Shell) -> None:
    """What is added, removed or fires stands out."""
    (edited.folder / "rules.toml").write_text(EDITS["a lower limit"])

    assert "\x1b[" in edited("plan", terminal=100).out
