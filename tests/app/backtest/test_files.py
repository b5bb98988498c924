"""Observations in files: what they say, and how a wrong one is reported."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from marginwatch.app.backtest.filed import Filed
from marginwatch.core.model import AccountKey
from marginwatch.errors import InvalidInputError
from marginwatch.venues.registry import venue_kinds

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.model import Observation

KINDS: Final = {"futures": "architect", "fx": "helio"}
HEAD: Final = "time,venue,account,equity,margin_usage,in_margin_call\n"
TWO: Final = datetime(2026, 11, 2, 14, tzinfo=UTC)


def filed(*files: Path, venues: tuple[str, ...] = ("futures", "fx")) -> Filed:
    kinds = venue_kinds()
    return Filed(files, {name: kinds[KINDS[name]].catalogue for name in venues})


def read(*files: Path, venues: tuple[str, ...] = ("futures", "fx")) -> list[Observation]:
    return [each for turn in filed(*files, venues=venues) for each in turn.observations()]


def test_a_csv_file_has_a_column_a_field(tmp_path: Path) -> None:
    """Empty is missing, null is null, percent signs and fractions are ratios, and times come as UTC."""
    file = tmp_path / "a.csv"
    file.write_text(
        f"{HEAD}2026-11-02T14:00:00Z,futures,A-1,100000.50,81.5%,false\n"
        "\n2026-11-02T15:00:00+01:00,fx,77,,0.815,TRUE\n2026-11-02T14:00:00Z,fx,78,null,,\n"
    )
    first, second, third = read(file)

    assert first.fields == {"equity": Decimal("100000.50"), "margin_usage": Decimal("0.815"), "in_margin_call": False}
    assert (second.account, second.fetched_at) == (AccountKey("fx", "77"), TWO)
    assert second.fields == {"margin_usage": Decimal("0.815"), "in_margin_call": True}
    assert (third.fields, third.as_of, third.positions) == ({"equity": None}, None, None)


def test_json_lines_may_have_positions(tmp_path: Path) -> None:
    """Numbers keep their digits; sets are lists or words, durations seconds or text."""
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"time": "2026-11-02T14:00:00Z", "as_of": "2026-11-02T13:59:58Z", "venue": "futures", "account": "A-1",'
        ' "fields": {"equity": 1.10, "permissions": ["view", "trade"], "trader": null, "in_margin_call": true},'
        ' "positions": [{"symbol": "ES", "quantity": 2}]}\n\n'
    )
    (found,) = read(file)

    assert str(found.fields["equity"]) == "1.10"
    assert found.fields["permissions"] == frozenset({"view", "trade"})
    assert (found.fields["trader"], found.fields["in_margin_call"]) == (None, True)
    assert found.positions == ({"symbol": "ES", "quantity": Decimal(2)},)
    assert found.as_of == TWO.replace(hour=13, minute=59, second=58)


def test_several_files_are_one_past(tmp_path: Path) -> None:
    """They are merged by time; what is of one moment is one turn."""
    for name, account, minutes in (("a", "1", (0, 2)), ("b", "2", (0, 1))):
        rows = [f"2026-11-02T14:{minute:02}:00Z,{account},1\n" for minute in minutes]
        (tmp_path / f"{name}.csv").write_text("".join(["time,account,equity\n", *rows]))
    past = filed(tmp_path / "a.csv", tmp_path / "b.csv", venues=("fx",))

    assert [(turn.at.minute, len(turn.news)) for turn in past] == [(0, 2), (1, 1), (2, 1)]
    assert past.bytes == past.size
    assert past.columns == frozenset({"time", "account", "equity"})


WRONG: Final[dict[str, str | bytes]] = {
    "nothing.csv": "",
    "no-account.csv": "time,venue,equity\n",
    "no-venue.csv": "time,account,equity\n",
    "twice.csv": "time,venue,account,equity,equity\n",
    "no-such-field.csv": "time,venue,account,margin_usge\n",
    "short.csv": f"{HEAD}2026-11-02T14:00:00Z,fx,77\n",
    "quotes.csv": f'{HEAD}2026-11-02T14:00:00Z,"fx"x,77,1,1,true\n',
    "time.csv": f"{HEAD}2026-11-02 14:00,fx,77,1,1,true\n",
    "order.csv": f"{HEAD}2026-11-02T14:00:00Z,fx,77,1,1,true\n2026-11-02T13:00:00Z,fx,77,1,1,true\n",
    "venue.csv": f"{HEAD}2026-11-02T14:00:00Z,fxx,77,1,1,true\n",
    "account.csv": f"{HEAD}2026-11-02T14:00:00Z,fx,,1,1,true\n",
    "money.csv": f"{HEAD}2026-11-02T14:00:00Z,fx,77,much,1,true\n",
    "infinite.csv": f"{HEAD}2026-11-02T14:00:00Z,fx,77,inf,1,true\n",
    "ratio.csv": f"{HEAD}2026-11-02T14:00:00Z,fx,77,1,high,true\n",
    "flag.csv": f"{HEAD}2026-11-02T14:00:00Z,fx,77,1,1,maybe\n",
    "elsewhere.csv": "time,venue,account,trader\n2026-11-02T14:00:00Z,fx,77,Ann\n",
    "latin.csv": b"time,venue,account\n2026-11-02T14:00:00Z,fx,\xe9\n",
    "text.jsonl": "equity = 1\n",
    "list.jsonl": "[1]\n",
    "key.jsonl": '{"equity": 1}\n',
    "venue.jsonl": '{"time": "2026-11-02T14:00:00Z", "venue": ["fx"], "account": "77", "fields": {}}\n',
    "account.jsonl": '{"time": "2026-11-02T14:00:00Z", "venue": "fx", "account": 77, "fields": {}}\n',
    "misspelt.jsonl": '{"tme": 1}\n',
    "fields.jsonl": '{"time": "2026-11-02T14:00:00Z", "venue": "fx", "account": "77"}\n',
    "field.jsonl": '{"time": "2026-11-02T14:00:00Z", "venue": "fx", "account": "77", "fields": {"trader": "Ann"}}\n',
    "as-of.jsonl": '{"time": "2026-11-02T14:00:00Z", "as_of": 1, "venue": "fx", "account": "77", "fields": {}}\n',
    "positions.jsonl": (
        '{"time": "2026-11-02T14:00:00Z", "venue": "fx", "account": "77", "fields": {}, "positions": {}}\n'
    ),
    "words.jsonl": (
        '{"time": "2026-11-02T14:00:00Z", "venue": "futures", "account": "1", "fields": {"permissions": [1]}}\n'
    ),
    "duration.jsonl": '{"time": "2026-11-02T14:00:00Z", "venue": "fx", "account": "77", "fields": {"age": "old"}}\n',
    "number.jsonl": '{"time": "2026-11-02T14:00:00Z", "venue": "fx", "account": "77", "fields": {"status": 1}}\n',
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, snapshot: SnapshotAssertion, name: str) -> None:
    """One problem, with file, line, and what to do where that is known."""
    text = WRONG[name]
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInputError) as caught:
        read(tmp_path / name)

    assert str(caught.value).replace(f"{tmp_path}/", "") == snapshot


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    """One that is not there, or is a folder."""
    with pytest.raises(InvalidInputError, match=r"a\.csv: the file cannot be read: no such file"):
        read(tmp_path / "a.csv")
    with pytest.raises(InvalidInputError, match="the file cannot be read: is a directory"):
        read(tmp_path)


def test_durations_may_be_written_with_their_unit(tmp_path: Path) -> None:
    """As in rules."""
    file = tmp_path / "a.jsonl"
    fields = '{"age": "1m30s", "timestamp": "2026-11-02T14:00Z"}'
    file.write_text(f'{{"time": "2026-11-02T14:00:00Z", "account": "77", "fields": {fields}}}')
    (found,) = read(file, venues=("fx",))

    assert found.fields == {"age": Decimal(90), "timestamp": TWO}
