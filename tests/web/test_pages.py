"""Every page over real HTTP: what it shows, and what can be done on it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

from marginwatch.core.groups import Group, Groups
from marginwatch.core.labels import Labelled, Labels
from marginwatch.store.deeds import Via, deeds
from support.pages import opened
from support.storied import SECRETS

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from support.pages import Opened

ACCOUNT = "/accounts/futures/A-1"


def words(html: str) -> str:
    """What a reader sees, on one line."""
    text = re.sub(r"<svg.*?</svg>|<head>.*?</head>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(text).split())


async def test_the_overview_says_what_is_wrong_and_how_old_it_is(page: Opened) -> None:
    """Verdict, alerts with value, age and acknowledgement, accounts, venues, receivers and silences."""
    shown = words(await page.text("/"))

    assert "alerts firing (1 acknowledged), the worst critical" in shown
    assert re.search(r"critical Margin usage STONEX:000000/JDoe futures 93% since 2026-03-02 12:0\d:\d\d UTC", shown)
    assert "acknowledged by bob until 2026-03-02 13:06:40 UTC : calling them" in shown
    assert (
        "STONEX:000000/JDoe futures critical, 2 alerts 93% 93,000 USD excess 6,510 USD 2026-03-02 12:06:28 UTC" in shown
    )
    assert "Hedge fx critical, 4 alerts data unknown not known 5,000 EUR excess 400 EUR" in shown
    assert "futures failing latest good answer 2026-03-02 12:06:30 UTC , asked every 10 s" in shown
    assert "clearing silent latest good answer never, asked every 10 s no cycle has ended yet" in shown
    assert "desk good took its latest message" in shown
    assert "1 rule margin*, venue *, account * until 2026-03-02 12:50:00 UTC" in shown


async def test_the_worst_account_comes_first(page: Opened) -> None:
    """By the severity of its worst alert, then by how much of its margin is used."""
    page.story.see(425, {"margin_usage": None, "equity": None}, account=page.alert.key.account)
    html = await page.text("/")

    ranks = [int(rank) for rank in re.findall(r'data-rank="(\d+)"', html)]
    assert ranks == sorted(ranks, reverse=True)


async def test_an_account_shows_its_numbers_and_their_course(page: Opened) -> None:
    """Fields with units, positions, open alerts, and a chart with the levels that apply to it."""
    html = await page.text(f"{ACCOUNT}?range=1h")
    shown = words(html)

    assert "margin_usage 93%" in shown
    assert "equity 93,000 USD" in shown
    assert "permissions trade, view" in shown
    assert 'aria-label="margin usage: lowest 79.2%, highest 93%, at the end 93%"' in html
    assert "critical &gt; 90%" in html
    assert re.search(r'<rect class="spell critical"[^>]*><title>Margin usage</title>', html)
    assert "fx" not in shown.partition("Margin usage")[0].partition("Silences")[2]


async def test_an_account_is_drawn_as_asked(page: Opened) -> None:
    """Another field and another time; what makes no sense falls back to what does."""
    html = await page.text(f"{ACCOUNT}?field=equity&range=7d")
    assert "equity: lowest 93,000 USD, highest 100,000 USD" in html
    assert '<a href="/accounts/futures/A-1?field=equity&amp;range=7d" aria-current="true">equity</a>' in html

    strange = await page.text(f"{ACCOUNT}?field=%3Cscript%3E&range=9y")
    assert "<script>" not in strange
    assert "margin usage: lowest" in strange


async def test_positions_are_listed(page: Opened) -> None:
    """With every field they have."""
    shown = words(await page.text("/accounts/fx/77"))

    assert "id unrealized_pnl EURUSD -5,200 EUR GBPUSD 100 EUR XAUUSD not known" in shown


async def test_an_alert_tells_its_whole_story(page: Opened) -> None:
    """Steps with reasons and data, messages with their words and attempts, acknowledgements: in the order of time."""
    shown = words(await page.text(f"/alerts/{page.alert.alert_id}"))
    story = shown.partition(" Story ")[2]

    assert "margin-usage" in shown
    assert "warning > 80%, critical > 90%" in shown
    parts = (
        "pending, told to nobody: the condition became true",
        "Firing: the condition held for as long as the rule asks",
        "value 85%, level > 80%",
        "Message 1 to desk, firing: delivered",
        "Worsened: a higher level was reached",
        "Attempt 1 at",
        "retryable, HTTP 503 (unavailable)",
        "Acknowledged by bob until 2026-03-02 13:06:40 UTC calling them",
    )
    assert [part for part in parts if part.lower() not in story.lower()] == []


async def test_an_alert_is_acknowledged_as_by_the_command(page: Opened) -> None:
    """Who, why and until when are stored, and so is that it was done on the page."""
    path = f"/alerts/{page.alert.alert_id}"
    answer = await page.send(f"{path}/acknowledge", path, {"by": "Ann", "note": "on it", "span": "2h"})

    assert (answer.status_code, answer.headers["location"]) == (303, path)
    given = page.story.store.history.all_acknowledgements(page.alert.alert_id)[-1]
    assert (given.by, given.note) == ("Ann", "on it")
    assert given.until is not None
    assert (given.until - given.at).total_seconds() == 7200
    with page.story.store._database.read() as connection:
        assert connection.execute(deeds.select().order_by(deeds.c.id.desc())).first().via == Via.PAGE  # type: ignore[union-attr]  # a deed was just recorded


async def test_an_alert_is_silenced(page: Opened) -> None:
    """Its rule, for exactly its account."""
    path = f"/alerts/{page.alert.alert_id}"
    answer = await page.send(f"{path}/silence", path, {"by": "Ann", "span": "1h"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/silences")
    made = page.story.store.operators.silences()[-1]
    assert (made.rule, made.venue, made.account, made.by) == ("margin-usage", "futures", "A-1", "Ann")


async def test_silences_are_added_and_ended(page: Opened) -> None:
    """By patterns, with who and why; ending asks who as well."""
    added = await page.send("/silences", "/silences", {"venue": "fx", "by": "Ann", "note": "maintenance", "span": "4h"})
    assert added.status_code == 303
    made = page.story.store.operators.silences()[-1]
    assert (made.rule, made.venue, made.account, made.note) == ("*", "fx", "*", "maintenance")
    assert "by Ann: maintenance" in words(await page.text("/silences"))

    ended = await page.send(f"/silences/{made.id}/end", "/silences", {"by": "Ann"})
    assert ended.status_code == 303
    assert "maintenance" not in words(await page.text("/silences"))


async def test_a_silence_is_of_groups_and_labels(page: Opened) -> None:
    """Where there are any; of what is not there it is refused."""
    assert 'name="group"' not in await page.text("/silences")
    ticker = page.story.ticker
    groups = Groups([Group("rates", (), "USD", timedelta(minutes=1))])
    labels = Labels([Labelled("fx", lambda _: True, {"book": "swaps"})])
    ticker.ruling = replace(ticker.ruling, groups=groups, labels=labels)
    page.show(421)
    fields = {"by": "Ann", "span": "1h"}
    for wrong, why in (
        ({"group": "rate"}, "There is no group rate."),
        ({"label": "book=x"}, "There is no label book=x."),
        ({"label": "book"}, "Write a label as key=value."),
    ):
        answer = await page.send("/silences", "/silences", {**fields, **wrong})
        assert (answer.status_code, why in answer.text) == (422, True), why
    good = {**fields, "group": "rates", "label": "book=swaps"}
    assert (await page.send("/silences", "/silences", good)).status_code == 303
    made = page.story.store.operators.silences()[-1]
    assert (made.groups, made.labels, made.account) == (("rates",), {"book": "swaps"}, "*")
    assert "group rates, label book=swaps until" in words(await page.text("/silences"))


SENSELESS = (
    ({"by": "Ann", "span": "1h"}, "This would silence every alert"),
    ({"rule": "x", "span": "1h"}, "Say who you are"),
    ({"rule": "x", "by": "Ann"}, "Choose how long"),
    ({"rule": "x", "by": "Ann", "span": "9y"}, "Choose how long: one of 30m"),
    ({"rule": "x", "by": "A" * 100, "span": "1h"}, "The field by takes 80 characters"),
    ({"rule": "x", "by": "Ann", "span": "9" * 3_000}, "The field span takes 2,000 characters"),
)


async def test_a_form_that_makes_no_sense_does_nothing(page: Opened) -> None:
    """It says what is missing."""
    before = page.story.store.operators.silences()
    for fields, why in SENSELESS:
        answer = await page.send("/silences", "/silences", fields)
        assert (answer.status_code, why in answer.text) == (422, True), why
    assert page.story.store.operators.silences() == before


async def test_everything_is_silenced_when_that_is_said(page: Opened) -> None:
    """Once more than by leaving fields empty."""
    answer = await page.send("/silences", "/silences", {"by": "Ann", "span": "1h", "everything": "yes"})
    assert answer.status_code == 303


MISSING = {
    "/nothing": "There is no such page",
    "/alerts/zzzzzz": "There is no such alert",
    "/accounts/futures/B-9": "There is no such account",
    "/accounts/nowhere/A-1": "There is no such account",
    "/static/../app.py": "There is no such page",
    "/static/page.py": "There is no such page",
}


async def test_what_is_not_there_says_so(page: Opened) -> None:
    """In a sentence, with the way back; as text for a program."""
    for path, why in MISSING.items():
        answer = await page.client.get(path, headers={"accept": "text/html"})
        assert (answer.status_code, why in answer.text) == (404, True), path
        assert '<a href="/">Overview</a>' in answer.text
        plain = await page.client.get(path)
        assert plain.headers["content-type"].startswith("text/plain")


async def test_a_fault_of_ours_is_one_sentence(page: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback and none of what was being handled is shown."""

    def broken(_: str) -> None:
        msg = "secret words of a venue"
        raise RuntimeError(msg)

    monkeypatch.setattr(page.story.store.history, "alert", broken)
    answer = await page.client.get("/alerts/abcdef")

    assert answer.status_code == 500
    assert "fault of marginwatch" in answer.text
    assert "secret words" not in answer.text
    assert "Traceback" not in answer.text


async def test_no_page_shows_a_secret(page: Opened) -> None:
    """Of the config, of the login, or the token itself."""
    paths = ("/", "/silences", "/login", ACCOUNT, "/accounts/fx/77", f"/alerts/{page.alert.alert_id}", "/readyz")
    for path in paths:
        text = (await page.client.get(path)).text
        assert [secret for secret in (*SECRETS, "the-token-of-the-page") if secret in text] == []


async def test_before_the_first_tick_it_says_that_it_starts(tmp_path: Path) -> None:
    """And looks again by itself."""
    async with opened(tmp_path) as page:
        page.page.live._snapshot = None
        assert "Nothing was decided yet" in await page.text("/")
        assert (await page.client.get(f"/alerts/{page.alert.alert_id}")).status_code == 404


async def test_the_probes_ask_for_no_login(tmp_path: Path) -> None:
    """What watches marginwatch has no browser."""
    async with opened(tmp_path, log_in=False) as page:
        assert (await page.client.get("/healthz")).json() == {"status": "alive"}
        assert (await page.client.get("/readyz")).status_code == 200


async def test_files_are_kept_by_browsers_and_pages_are_not(page: Opened) -> None:
    """The address of a file changes with its content."""
    html = await page.text("/")
    for name in re.findall(r'(?:href|src)="(/static/[^"]+)"', html):
        answer = await page.client.get(name)
        assert answer.headers["cache-control"].endswith("immutable")
    assert (await page.client.get("/")).headers["cache-control"] == "no-store"
