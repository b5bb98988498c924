"""Real alerts through the whole daemon to a mail server, to a Slack-shaped webhook, and past receivers that fail."""

from __future__ import annotations

import re
from contextlib import ExitStack
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from apprise.plugins.slack import NotifySlack

from marginwatch.store.types import OutboxStatus
from support.house import in_short, opened
from support.sinks import Hang, HttpSink, Reply, SlackSink, SmtpSink, refusing_port
from support.sites import receiver

if TYPE_CHECKING:
    from pathlib import Path

    from support.house import House
    from support.manual_clock import ManualClock


async def in_and_out(house: House) -> None:
    """A breach of one account and its end."""
    for used in (10_000, 95_000, 95_000, 10_000, 10_000):
        house.change("architect", margin_used=Decimal(used))
        await house.cycle()


async def test_mail(tmp_path: Path, manual: ManualClock) -> None:
    """A mail at the breach and one at its end, which mail programs show as one conversation."""
    with SmtpSink() as server:
        async with opened(tmp_path, manual, "architect", receivers=receiver("mail", server.url())) as house:
            await in_and_out(house)
            mails = server.wait(2)

    fired, resolved = mails
    assert len(server.mails) == 2
    assert "CRITICAL: DESK:acc-1 (futures): Margin usage" in fired["Subject"]
    assert "RESOLVED: DESK:acc-1 (futures): Margin usage" in resolved["Subject"]
    plain, rich = fired.get_body(("plain",)), fired.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert "margin_usage 95%, 5 points above the limit (> 90%)." in plain.get_content()
    assert "Data as of 14:00:20 UTC" in plain.get_content()
    assert "<span" in rich.get_content()
    assert fired["X-Alert-Id"] == resolved["X-Alert-Id"]
    assert fired["References"] == resolved["References"]
    assert fired["Idempotency-Key"] != resolved["Idempotency-Key"]
    assert server.recipients == [["risk@example.com"]] * 2


async def test_slack(tmp_path: Path, manual: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A post at the breach and one at its end, to the webhook and the channel of the URL."""
    with SlackSink() as slack:
        monkeypatch.setattr(NotifySlack, "webhook_url", slack.webhook)
        async with opened(tmp_path, manual, "architect", receivers=receiver("desk", slack.slack_url)) as house:
            await in_and_out(house)

    fired, resolved = slack.posts
    assert fired.path == "/services/" + "/".join(SlackSink.TOKENS)
    assert fired.json["channel"] == "#risk"
    assert "CRITICAL: DESK:acc-1 (futures): Margin usage" in fired.body.decode()
    assert "95%, 5 points above the limit" in fired.body.decode()
    assert "RESOLVED: DESK:acc-1 (futures): Margin usage" in resolved.body.decode()


async def test_one_dead_receiver_delays_no_other(tmp_path: Path, manual: ManualClock) -> None:
    """While one receiver is down the others hear everything, its failure included; back again, it gets what it missed.

    What comes late says how late, and what became of the alert since.
    """
    with ExitStack() as down:
        port = down.enter_context(refusing_port())
        receivers = receiver("dead", f"json://127.0.0.1:{port}/hook")
        async with opened(tmp_path, manual, "architect", receivers=receivers) as house:
            house.change("architect", margin_used=Decimal(95_000))
            await house.cycle()
            assert house.news() == ["futures/acc-1 margin-usage firing critical"]

            told = await told_in_time(house, "receiver-failing firing critical")
            assert told["subject"] == "dead"
            assert "no connection could be made" in told["message"]

            house.change("architect", margin_used=Decimal(10_000))
            await house.cycle(60)
            assert house.news() == ["futures/acc-1 margin-usage resolved critical"]

            down.close()
            with HttpSink(port) as alive:
                await told_in_time(house, "receiver-failing resolved critical")
                fired, resolved = [post.json for post in alive.wait(2)]

    assert [fired["state"], resolved["state"]] == ["firing", "resolved"]
    assert re.match(r"Delayed \d+ min.*; since then resolved at 14:\d\d:10 UTC\.\n", fired["message"])


async def test_a_refused_message_is_given_up_and_told_of(tmp_path: Path, manual: ManualClock) -> None:
    """What a receiver refuses for good is a dead letter, and the other receivers hear that it failed."""
    with HttpSink() as picky:
        picky.always = Reply(400)
        receivers = receiver("picky", picky.url())
        async with opened(tmp_path, manual, "architect", receivers=receivers) as house:
            house.change("architect", margin_used=Decimal(95_000))
            told = await told_in_time(house, "receiver-failing firing critical")

            assert told["subject"] == "picky"
            assert "HTTP 400 (bad request)" in told["message"]
            assert len(picky.posts) == 1
            (dead,) = house.store.outbox.rows(receiver="picky")
            assert (dead.status, dead.attempts) == ("dead", 1)

            picky.always = Reply()
            house.change("architect", "acc-2", margin_used=Decimal(95_000))
            await told_in_time(house, "receiver-failing resolved critical")
            assert [post.json["account"] for post in picky.posts] == ["acc-1", "acc-2"]


async def told_in_time(house: House, wanted: str) -> dict[str, str]:
    """The message of that short form; what else is told meanwhile is passed over."""
    for _ in range(50):
        await house.cycle(60)
        for message in house.heard():
            if in_short(message) == wanted:
                return message
    pytest.fail(f"not told: {wanted}")


async def test_an_answer_that_never_comes_is_no_delivery(tmp_path: Path, manual: ManualClock) -> None:
    """A message whose answer was lost is sent again under the same key, and counted once by whoever looks at it."""
    with HttpSink() as slow:
        slow.script(Hang())
        receivers = receiver("slow", slow.url() + "?rto=0.2")
        async with opened(tmp_path, manual, "architect", receivers=receivers) as house:
            house.change("architect", margin_used=Decimal(95_000))
            for _ in range(50):
                await house.cycle(30)
                (row,) = house.store.outbox.rows(receiver="slow")
                if row.status is OutboxStatus.DELIVERED:
                    break
            attempts = [each.outcome for each in house.store.outbox.attempts(row.id)]

    assert (attempts[0], attempts[-1]) == ("ambiguous", "delivered")
    assert len({post.headers["idempotency-key"] for post in slow.posts}) == 1
