"""How the daemon words messages: templates and links from the config, and what a wrong template does."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from marginwatch.app.build import assemble, configure
from marginwatch.app.phrasing import wording_of
from marginwatch.app.reload import reread
from marginwatch.errors import InvalidInputError
from marginwatch.notify.wording import PLAIN
from marginwatch.ops.links import Claim, Links
from support.desk import Desk, after, ruling, usage_rule
from support.stores import owned
from support.storied import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marginwatch.store.store import Store


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config that names a folder of templates beside it."""
    made = write(tmp_path)
    made.write_text('[messages]\ntemplates = "words"\n' + made.read_text())
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "title.j2").write_text("{{ severity }}: {{ account }}")
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An owned store."""
    with owned(tmp_path) as opened:
        yield opened


def with_page(config: Path, url: str) -> Path:
    """The config with a page that people reach there."""
    page = f'[web]\nlisten = "127.0.0.1:0"\npublic_url = "{url}"\ntoken = "{"t" * 32}"\n'
    config.write_text(re.sub(r"\[web\]\n(?:\w.*\n)*", "", config.read_text()) + page)
    return config


def test_the_operators_templates_word_messages(config: Path, store: Store) -> None:
    """Those of the folder the config names, from its own folder on."""
    desk = Desk(ruling(usage_rule()))
    desk.ticker.wording = wording_of(assemble(configure(config, {})), store)
    desk.see(0, "0.95")

    message, _ = desk.messages
    assert message.title == "critical: One"
    assert message.body.startswith("margin_usage 95%")


def test_without_a_page_there_are_no_links(tmp_path: Path, store: Store) -> None:
    """And no words of one's own without a folder."""
    parts = assemble(configure(write(tmp_path), {}))

    assert wording_of(parts, store) is PLAIN


def test_each_message_has_a_link_of_its_own(config: Path, store: Store) -> None:
    """It names its alert and its receiver, and is signed with the store's key."""
    url = "https://risk.example.com"
    desk = Desk(ruling(usage_rule()))
    desk.ticker.wording = wording_of(assemble(configure(with_page(config, url), {})), store)
    desk.see(0, "0.95")

    message, other = desk.messages
    link = message.payload["link"]
    assert f"\nOpen or acknowledge: {link}\n" in message.body
    token = link.removeprefix(f"{url}/act/")
    claim = Links(store.keys.signing(), url).read(token, after(5))
    assert claim == Claim(message.alert_id, message.receiver, after(0))
    assert other.payload["link"] != link


def test_a_wrong_template_cannot_start(config: Path) -> None:
    """Its problem stands among those of the config, with its own file and line."""
    (config.parent / "words" / "text.j2").write_text("{{ body }}\n{{ valu }}")

    with pytest.raises(InvalidInputError) as caught:
        configure(config, {})

    [problem] = caught.value.problems
    assert (problem.place.file, problem.place.line) == (str(config.parent / "words" / "text.j2"), 2)
    assert "did you mean value?" in str(problem)


def test_a_reload_reads_templates_anew(config: Path, store: Store) -> None:
    """Edited ones are in force after it; a folder may come, change and go."""
    running = configure(config, {})
    (config.parent / "words" / "title.j2").write_text("new {{ severity }}")

    parts = assemble(reread(running, {}))

    desk = Desk(ruling(usage_rule()))
    desk.ticker.wording = wording_of(parts, store)
    desk.see(0, "0.95")
    assert desk.messages[0].title == "new critical"
    config.write_text(config.read_text().replace('templates = "words"', ""))
    assert assemble(reread(running, {})).templates is None


def test_a_reload_with_a_wrong_template_is_rejected(config: Path) -> None:
    """As one with a wrong rule is."""
    running = configure(config, {})
    (config.parent / "words" / "title.j2").write_text("{{ severity")

    with pytest.raises(InvalidInputError):
        reread(running, {})


def test_a_receiver_is_as_its_key_says(config: Path) -> None:
    """`chart` reaches what sends."""
    config.write_text(config.read_text().replace('name = "desk"', 'name = "desk"\nchart = true'))
    parts = assemble(configure(config, {}))

    charted = {each.name: each._channel.pictures.name for each in parts.receivers}
    assert charted == {"desk": "WITHIN", "phone": "NEVER"}


def test_words_of_before_go_on_after_a_fault(config: Path, store: Store) -> None:
    """A link that cannot be made leaves the plainest words rather than none."""

    def fail(*_: object) -> str:
        raise RuntimeError

    desk = Desk(ruling(usage_rule()))
    desk.ticker.wording = replace(wording_of(assemble(configure(config, {})), store), link_of=fail)
    desk.see(0, "0.95")

    assert "by a fault of marginwatch" in desk.messages[0].body
