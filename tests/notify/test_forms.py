"""A message in every form, and what others wrote in it kept from acting."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from apprise.conversion.format import markdown_to_html
from apprise.plugins.slack import NotifySlack
from hypothesis import given
from hypothesis import strategies as st

from marginwatch.notify.body import DISPENSABLE, Line, Role, fitted, lines_of
from marginwatch.notify.forms import Form, guarded, markdown, markup, shown
from marginwatch.notify.render import BODY_LENGTH, delayed, render
from marginwatch.notify.words import clean
from support.notices import NOW, about, message, notice, transition

if TYPE_CHECKING:
    from datetime import timedelta

    from syrupy.assertion import SnapshotAssertion

ROOM = 4000
NASTY = st.text(
    st.sampled_from("abc 1.)-+#>*_~`[]()<>!@&;:|\\/='\"\u00e9\n") | st.characters(codec="utf-8"), max_size=60
).map(clean)
NAMES = st.sampled_from(
    [
        "@channel",
        "<!here>",
        "@everyone",
        "<@U1>",
        "<@&1>",
        "[a](http://b)",
        "![a](b)",
        "<b>x</b>",
        "&lt;",
        ":fire:",
        "# x",
    ]
)
WORDS = st.lists(NASTY | NAMES, max_size=6).map(" ".join).map(clean)
FULL = message(
    title="CRITICAL: JDoe",
    body="v 1\nOpen or acknowledge: https://x.example/a_b?c=1&d=<2>\nRunbook: https://wiki.example.com/m#x\nWhy: so",
    roles=("value", "link", "runbook", "why"),
)


class Seen(HTMLParser):
    """What HTML says and with which tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Note it."""
        self.text += data


@given(WORDS)
def test_words_of_others_are_text_in_markdown(words: str) -> None:
    """Read as Markdown they make no link, no picture, no emphasis, no heading and no list."""
    seen = Seen(markdown_to_html(markdown(words)))

    assert set(seen.tags) <= {"p"}
    assert "&" in words or seen.text.strip() == guarded(words)  # `&lt;` is text in either reading


@given(WORDS)
def test_words_of_others_are_text_in_html(words: str) -> None:
    """Read as HTML they are what they were."""
    assert Seen(f"<p>{markup(words)}</p>").tags == ["p"]
    assert Seen(markup(words)).text == guarded(words)


@given(WORDS)
def test_words_of_others_are_text_in_slack(words: str) -> None:
    """No link, no mention, no emphasis that Slack would read."""
    written = shown(message(body=f"x {words} x", roles=()), Form.SLACK, ROOM)
    sent = NotifySlack._commonmark_to_slack(written)  # type: ignore[no-untyped-call]  # apprise annotates only parts of it

    assert not re.search(r"<|[@!]channel|@here|[*~`\\]|(?<![^\W_])_|_(?![^\W_])|:fire:", sent)


@given(WORDS, st.sampled_from([form for form in Form if form not in {Form.EXACT, Form.HTML}]))
def test_nobody_is_called(words: str, form: Form) -> None:
    """Whatever the form, no word that addresses a channel or a person is left whole."""
    text = shown(message(title=words, body=f"{words}\n{words}", roles=("value",)), form, ROOM, words)

    assert not re.search(r"[@!](channel|here|everyone|all|U1|&)", text)


@given(st.lists(st.tuples(st.sampled_from(Role), WORDS), max_size=12), st.sampled_from(Form), st.integers(30, 400))
def test_any_form_fits_the_room(lines: list[tuple[Role, str]], form: Form, room: int) -> None:
    """What a service has no room for is left out."""
    made = message(body="\n".join(text for _, text in lines), roles=tuple(role.value for role, _ in lines))

    assert len(shown(made, form, room)) <= room


@pytest.mark.parametrize("form", Form)
def test_links_lead_where_they_say(form: Form, snapshot: SnapshotAssertion) -> None:
    """Addresses survive whole in every form, with their signs escaped as it wants."""
    assert shown(FULL, form, ROOM, FULL.title) == snapshot


def test_the_least_important_lines_go_first() -> None:
    """Down to the value, which stays; each is whole or not there."""
    lines = [f"{role.value} line" for role in Role]
    made = message(body="\n".join(lines), roles=tuple(Role))
    gone: list[Role] = []
    for room in range(len(made.body), 0, -1):
        left = {line.split(" ")[0] for line in shown(made, Form.TEXT, room).split("\n")}
        gone += [role for role in Role if role.value not in left and role not in gone]
        if len(gone) == len(DISPENSABLE):
            assert left == {"late", "value"}
            break

    assert tuple(gone) == DISPENSABLE


def test_no_room_for_anything_leaves_the_beginning() -> None:
    """An ellipsis says that it goes on."""
    assert shown(message(body="v" * 99, roles=("value",)), Form.MARKDOWN, 20) == "v" * 19 + "\u2026"
    assert shown(message(body="w" * 99, roles=("why",)), Form.TEXT, 20) == "w" * 19 + "\u2026"


def test_the_operators_own_words_stand_for_ours() -> None:
    """In the form they were written for; Slack reads them without the escapes it does not know."""
    made = message(forms={"markdown": r"own \*words\* **bold**", "html": "<i>own</i>"})

    assert shown(made, Form.MARKDOWN, ROOM) == r"own \*words\* **bold**"
    assert shown(made, Form.SLACK, ROOM, "T") == "**T**  \nown \u2217words\u2217 **bold**"
    assert shown(made, Form.HTML, ROOM) == "<i>own</i>"
    assert shown(made, Form.TAGS, ROOM, "T") == "<b>T</b><br>\n<i>own</i>"
    assert shown(made, Form.TEXT, ROOM) == made.body
    assert shown(made, Form.MARKDOWN, 20) == "**margin_usage"[:0] + shown(replace(made, forms={}), Form.MARKDOWN, 20)


@pytest.mark.parametrize("form", [Form.MARKDOWN, Form.HTML, Form.TAGS, Form.TEXT])
def test_own_words_that_come_late_say_so_in_front(form: Form, late: timedelta) -> None:
    """The line that is put in front at sending is in front of the operator's own forms, too."""
    made = delayed(message(forms={"markdown": "own", "html": "own"}), NOW, NOW + late)

    assert "Delayed 3 h." in shown(made, form, ROOM).splitlines()[0]


@pytest.fixture
def late() -> timedelta:
    """So late a message comes."""
    return NOW.replace(hour=3) - NOW.replace(hour=0)


def test_a_message_without_roles_is_all_notes() -> None:
    """One of an older version, or one with roles of a newer, is shown as it is."""
    assert [line.role for line in lines_of(message(roles=()))] == [Role.NOTE, Role.NOTE]
    assert lines_of(message(body="a\nb", roles=("of tomorrow",))) == [Line(Role.NOTE, "a"), Line(Role.NOTE, "b")]


def test_what_is_too_long_is_cut_in_the_middle() -> None:
    """The front and the tail of a body stay whole, even where they leave no room at all."""
    front, tail = [Line(Role.NAME, "front")], [Line(Role.WHY, "t" * 30)]
    middle = [Line(Role.VALUE, "v" * 20), Line(Role.SUMMARY, "s" * 20)]

    assert fitted(front, middle, tail, 60) == [*front, middle[0], Line(Role.SUMMARY, "s\u2026"), *tail]
    assert fitted(front, middle, tail, 30) == [*front, *tail]
    assert fitted(front, [], tail, 60) == [*front, *tail]


def test_the_longest_message_fits_every_service() -> None:
    """What is fixed at commit fits the services of most people in any form, a link and a runbook included."""
    told = transition(because="b" * 400, title="t" * 200, unknown_since=NOW)
    made = render(notice(told), replace(about(), link="https://x.example/" + "l" * 300), NOW)

    assert len(made.body) <= BODY_LENGTH
    for form in Form:
        assert len(shown(made, form, 2000, made.title)) <= 2000
