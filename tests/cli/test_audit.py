"""The trail as a person, a spreadsheet and a program get it."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from marginwatch.core.alert import Silence
from marginwatch.store.store import Store
from support.ledger import NOW

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from support.shell import Shell

LATELY = ("--from", "3h ago")


def test_piped_it_is_a_table(desk: Shell, snapshot: SnapshotAssertion) -> None:
    """What happened, in the order of time."""
    said = desk("audit", *LATELY)

    assert (said.code, said.err) == (0, "")
    assert said.out == snapshot


def test_as_csv_and_as_json_it_is_the_same(desk: Shell) -> None:
    """Every column is there, in both, and of a program's kind: exact digits, times with their zone."""
    table = list(csv.DictReader(io.StringIO(desk("audit", *LATELY, "--csv").out)))
    lines = json.loads(desk("audit", *LATELY, "--json").out)

    assert len(table) == len(lines) > 10
    assert [{name: "" if value is None else str(value) for name, value in line.items()} for line in lines] == table
    assert {line["kind"] for line in lines} == {"step", "message", "attempt", "deed"}
    assert all(line["at"].endswith("+00:00") for line in lines)


def test_it_goes_into_a_file_that_others_cannot_read(desk: Shell) -> None:
    """Positions and balances are nobody else's business."""
    said = desk("audit", *LATELY, "--csv", "--output", "trail.csv")
    made = desk.folder / "trail.csv"

    assert (said.code, said.out, said.err) == (0, "", "")
    assert made.read_text().startswith("at,kind,what,alert_id,")
    assert made.stat().st_mode & 0o777 == 0o600


def test_a_span_may_end_ahead(desk: Shell) -> None:
    """Of a month that is not over there is what has been; it cannot begin ahead."""
    month = desk("audit", "--from", f"{NOW:%Y-%m}-01", "--to", f"{NOW.replace(year=NOW.year + 1):%Y-%m}-01", "--csv")

    assert (month.code, month.err) == (0, "")
    assert month.out == desk("audit", "--from", f"{NOW:%Y-%m}-01", "--csv").out
    assert desk("audit", "--from", f"{NOW.year + 1}-01-01").code == 2


def test_of_one_alert_or_account(desk: Shell) -> None:
    """An alert's own story holds nothing of another."""
    lines = json.loads(desk("audit", *LATELY, "--alert", "p8nd", "--json").out)

    assert len({line["alert_id"] for line in lines}) == 1
    assert "deed" in {line["kind"] for line in lines}
    assert desk("audit", *LATELY, "--rule", "nothing").out == "nothing is on record\n"
    assert json.loads(desk("audit", *LATELY, "--rule", "nothing", "--json").out) == []


def test_words_are_no_formulas(desk: Shell) -> None:
    """A note that begins like a formula is shown, and not reckoned, by whoever opens the file."""
    store = Store.open(f"sqlite:///{desk.folder}/marginwatch.db", create=False)
    store.operators.add_silence(Silence(0, "=cmd()", "-1+1", NOW, NOW.replace(hour=23)))
    store.close()
    (row,) = (
        row for row in csv.DictReader(io.StringIO(desk("audit", "--from", "1h ago", "--csv").out)) if "cmd" in row["by"]
    )

    assert (row["by"], row["text"]) == ("'=cmd()", "'-1+1")


@pytest.mark.parametrize("shape", ["--csv", "--json"])
def test_what_is_handed_on_lets_nobody_act(desk: Shell, shape: str) -> None:
    """A link in a message is a right to act on its alert: the trail says that there was one, and not which."""
    with closing(sqlite3.connect(desk.folder / "marginwatch.db")) as store, store:
        store.execute("UPDATE outbox SET body = 'Open: https://watch.example.com/act/WyJh.b-_c= now'")
    trail = desk("audit", *LATELY, shape).out

    assert "Open: https://watch.example.com/act/… now" in trail.replace("\\u2026", "…")
    assert "WyJh" not in trail


@pytest.mark.parametrize(
    "words",
    [
        ("--output", "x.csv"),
        ("--csv", "--output", "no/such/folder.csv"),
        ("--from", "soon"),
        ("--alert", "zz"),
        ("--csv", "--json"),
    ],
)
def test_a_slip_is_one_sentence(desk: Shell, words: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """What cannot be done is said, and nothing is written."""
    said = desk("audit", *words)

    assert said.code in {1, 2}
    assert said.err == snapshot
