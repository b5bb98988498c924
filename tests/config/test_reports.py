"""`[[reports]]`, and `digest` in `[[receivers]]`: what is written is what counts, and every mistake has its place."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from marginwatch.config.digests import digests_of
from marginwatch.core.digest import Digesting
from support import configs

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.config.load import Loaded

REST = configs.RULES + configs.venue("futures") + configs.receiver("hook") + configs.receiver("desk", "form")


def load(folder: Path, text: str) -> Loaded:
    """What the config says; the text comes last, after a receiver."""
    return configs.load(folder, REST + text)


def report(**changes: object) -> str:
    """A `[[reports]]` with these keys."""
    keys = {"name": '"weekly"', "receivers": '["desk"]', "at": '"Mon 08:00"', **changes}
    return "[[reports]]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items() if value) + "\n"


def wrong(folder: Path, text: str) -> str:
    """What is wrong, in the lines of it alone."""
    return "; ".join(str(problem).split(": ", 1)[1] for problem in load(folder, text).problems)


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        ("", Digesting(10, timedelta(seconds=30))),
        ("digest = { after = 3 }", Digesting(3, timedelta(seconds=30))),
        ('digest = { gather = "2m" }', Digesting(10, timedelta(minutes=2))),
        ("digest = false", Digesting(on=False)),
    ],
)
def test_digests_are_as_written(tmp_path: Path, digest: str, expected: Digesting) -> None:
    """A receiver that a person reads has digests unless it is said otherwise; one that machines read never has."""
    settings = load(tmp_path, digest).settings

    assert settings is not None
    assert digests_of(settings.receivers) == {"desk": expected}


@pytest.mark.parametrize(
    ("digest", "told"),
    [
        ("digest = true", 'must be false or a table like { after = 10, gather = "30s" }'),
        ("digest = { after = 0 }", "must be from 1 to 1000"),
        ('digest = { gather = "5m" }', "must be from 1s to 2m"),
        ("digest = { afer = 3 }", "did you mean after?"),
    ],
)
def test_a_wrong_digest_is_refused(tmp_path: Path, digest: str, told: str) -> None:
    """With what it may be."""
    assert told in wrong(tmp_path, digest)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"at": '"Mondays"'}, 'must be a time like "08:00", or a day and a time like "Mon 08:00"'),
        ({"at": ""}, "at"),
        ({"receivers": '["dsk"]'}, "there is no receiver `dsk`; did you mean desk?"),
        ({"receivers": '["nobody-at-all"]'}, "there is no receiver `nobody-at-all`; there are desk, hook"),
        ({"receivers": "[]"}, "must name at least one receiver"),
        ({"receivers": "3"}, "receivers"),
        ({"zone": '"Europe/Lundon"'}, "must be a time zone, not `Europe/Lundon`; did you mean Europe/London?"),
    ],
)
def test_a_wrong_report_is_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    """With its place and what it may be."""
    assert told in wrong(tmp_path, report(**changes))


def test_reports_need_names_of_their_own(tmp_path: Path) -> None:
    """Two reports of one name would be one to whoever reads them."""
    assert "there are two reports named `weekly`" in wrong(tmp_path, report() + report())


def test_a_report_has_its_schedule(tmp_path: Path) -> None:
    """By the day, the time and the zone that are written."""
    settings = load(tmp_path, report(zone='"America/New_York"')).settings

    assert settings is not None
    schedule = settings.reports[0].schedule
    assert (schedule.weekday, schedule.clock, schedule.zone.key) == (0, timedelta(hours=8), "America/New_York")
