"""Words of one's own in a running daemon: in force from the start, read anew by a reload, and never in the way."""

from __future__ import annotations

import signal
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from support.process import run, started
from support.sinks import HttpSink
from support.sites import Sites, receiver, table, write_config

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.acceptance

USAGE = """\
[[rule]]
id = "margin-usage"
title = "Margin usage"
value = "margin_usage"
levels = { critical = "> 90%" }
"""
TITLE = "{{ severity }} at {{ venue }}: {{ account }}"


async def test_a_reload_takes_edited_templates(tmp_path: Path) -> None:
    """A wrong edit is rejected and told with its file and line, and the words of before go on; a good one counts."""
    words = tmp_path / "words"
    words.mkdir()
    title = words / "title.j2"
    title.write_text(TITLE)
    with HttpSink() as sink:
        async with Sites("helio") as sites:
            tables = (table("messages", {"templates": "words"}), sites.tables(), receiver("hook", sink.url()))
            config = write_config(tmp_path, *tables, rules=USAGE)
            async with started("run", "--config", config) as process:
                sites.world.change("helio", "acc-1", margin_used=Decimal(95_000))
                await sink.arrived(1)

                title.write_text("{{ severity }}\n{{ acount }}")
                process.signal(signal.SIGHUP)
                rejected = await process.logged("reload rejected")
                await sink.arrived(2)
                code, checked = await run("check", "--config", config)

                title.write_text("2: " + TITLE)
                process.signal(signal.SIGHUP)
                await process.logged("reloaded")
                await sink.arrived(3)
                process.signal(signal.SIGTERM)
                assert await process.ended() == 0

    fired, told, resolved = sink.posts
    assert fired.json["title"] == "critical at fx: acc-1"
    assert rejected["problem"].startswith(f"{title}:2: there is no variable `acount`")
    assert "did you mean account?" in rejected["problem"]
    assert told.json["rule"] == "reload-rejected"
    assert told.json["title"].startswith("critical at ")
    assert code == 1
    assert any(f"{title}:2:" in line for line in checked.errors)
    assert resolved.json["title"].startswith("2: critical at ")
