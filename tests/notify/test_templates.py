"""The operator's own words: what is wrong with them is found beforehand, and one that fails costs no message."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from marginwatch.core.alert import Reason, State
from marginwatch.core.health import RULES
from marginwatch.errors import Place
from marginwatch.notify.body import Role
from marginwatch.notify.draft import Draft
from marginwatch.notify.filters import FILTERS
from marginwatch.notify.forms import Form, shown
from marginwatch.notify.render import BODY_LENGTH, TITLE_LENGTH, render
from marginwatch.notify.samples import samples
from marginwatch.notify.templates import ROOM, Templates
from marginwatch.notify.tryout import try_out
from marginwatch.notify.variables import VARIABLES, variables
from support.notices import ACCOUNT, EVENT, NOW, about, notice, transition

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from marginwatch.core.state import Message

NAMED = Place("config.toml", 3, 13)
LINK = "https://risk.example.com/act/WyJ_a_b-c"


def written(folder: Path, **files: str) -> Path:
    """A folder of templates."""
    for name, text in files.items():
        (folder / f"{name}.j2").write_text(text)
    return folder


def own(folder: Path, **files: str) -> Templates:
    """Those templates, in which nothing is wrong."""
    tried = try_out(written(folder, **files), NAMED)
    assert tried.problems == ()
    assert tried.templates is not None
    return tried.templates


def problems(folder: Path, **files: str) -> list[str]:
    """What is wrong with them, without the folder's name."""
    tried = try_out(written(folder, **files), NAMED)
    assert tried.templates is None
    return [str(problem).replace(f"{folder}/", "") for problem in tried.problems]


def draft(told: Any = None, **changes: Any) -> Draft:  # noqa: ANN401  (a transition, and what About has)
    """A notice with all that is known around it."""
    around = replace(about(), link=LINK, **changes)
    return Draft(notice(told or transition()), around, NOW, UTC)


def worded(templates: Templates, made: Draft) -> Message:
    """The message in the operator's words."""
    return templates.worded(render(made.notice, made.about, NOW), made)


def test_everything_a_template_may_name_has_a_value(snapshot: SnapshotAssertion) -> None:
    """Every documented variable is there, and nothing else but what filters need."""
    made = draft(transition(previous_at=NOW - timedelta(minutes=3)))
    told = variables(render(made.notice, made.about, NOW), made)

    assert set(told) - {"_measured"} == set(VARIABLES)
    assert set(told["part"]) == set(Role)
    assert {name: told[name] for name in VARIABLES if name not in {"body", "part", "fields"}} == snapshot


def test_filters_write_as_the_built_in_words_do(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """Numbers in the rule's unit, money in the account's currency, absolute times; nothing for none."""
    text = """{{ value | amount }} {{ number | money }} {{ value | percent }} {{ number | number }}
{{ at | clock }} {{ (since or at) | ago }}
[{{ none | amount }}{{ none | money }}{{ none | percent }}{{ none | number }}{{ none | clock }}{{ none | ago }}]
"""
    assert worded(own(tmp_path, text=text), draft()).body == snapshot
    assert set(FILTERS) == {"amount", "money", "percent", "number", "clock", "ago"}


@pytest.mark.parametrize(
    "files",
    [
        {"title": "{{ valu }}"},
        {"title": "{{ xyzzy }}"},
        {"text": "a\n{% if title %}"},
        {"text": "a\n\n{{ title | upcase_it }}"},
        {"text": "a\n{{ value | mony }}"},
        {"text": "a\nb {{ fields.equity | money }}"},
        {"text": "{{ part.valeu }}"},
        {"text": "{{ 1 / 0 }}"},
        {"text": "{{ title | money }}\n{{ severity | clock }}"},
        {"text": "a\n{{ severity | clock }}"},
        {"text": "{% if value is not none %}{{ value | amount }}{% endif %}"},
        {"html": "<p>{{ 'x' * 30000 }}</p>"},
        {"markdown": "{% include '_missing.j2' %}"},
        {"markdown": "x\n{{ title.__class__.__mro__ }}"},
        {"mrkdown": "{{ title }}", "text": "{{ body }}"},
        {"strange": "x"},
    ],
    ids=lambda files: " ".join(f"{name}: {text[:24]!r}" for name, text in files.items()),
)
def test_what_is_wrong_is_found_beforehand(tmp_path: Path, files: dict[str, str], snapshot: SnapshotAssertion) -> None:
    """With its file and line, in a sentence, and what was probably meant; each thing once."""
    assert problems(tmp_path, **files) == snapshot


def test_a_fault_in_a_file_that_is_included_is_told_there(tmp_path: Path) -> None:
    """With that file's own line."""
    (tmp_path / "_foot.j2").write_text("x\n{% for %}")

    [said] = problems(tmp_path, text="{% include '_foot.j2' %}")

    assert said.startswith("_foot.j2:2: this is not Jinja")


def test_a_folder_that_is_not_there_or_is_empty_is_told_at_its_key(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """At the place where the config names it."""
    (tmp_path / "notes.txt").write_text("nothing")
    missing, empty = try_out(tmp_path / "gone", NAMED), try_out(tmp_path, NAMED)

    assert [str(problem) for each in (missing, empty) for problem in each.problems] == snapshot


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    """A file of another kind by that name."""
    (tmp_path / "text.j2").write_bytes(b"\xff\xfe\x00")

    assert len(try_out(tmp_path, NAMED).problems) == 1


def test_a_title_and_a_text_of_ones_own_fit(tmp_path: Path) -> None:
    """They are cut as the built-in ones are, and one line is one line."""
    made = worded(own(tmp_path, title="{{ title }}\n" * 9, text="{{ body }}\n\n" * 30), draft())

    assert len(made.title) <= TITLE_LENGTH
    assert made.title.isprintable()
    assert len(made.body) <= BODY_LENGTH


def test_lines_of_the_built_in_text_keep_their_part(tmp_path: Path) -> None:
    """So that a link is a link in every form, also in a text of one's own."""
    text = "Call the desk.\n{{ part.value or why }}\n{% if part.link %}{{ part.link }}{% endif %}"
    made = worded(own(tmp_path, text=text), draft())

    assert made.roles == ("note", "value", "link")
    assert f"(<{LINK}>)" in shown(made, Form.MARKDOWN, 4000)


def test_what_others_wrote_is_text_in_a_form_of_ones_own(tmp_path: Path) -> None:
    """Markdown and HTML in it are escaped, and nobody is called; addresses stay whole."""
    evil = "*x* <b>@channel</b> [a](http://b)"
    files = {
        "markdown": "**{{ account }}** [open]({{ link }})",
        "html": '<i>{{ account }}</i> <a href="{{ link }}">o</a>',
    }
    made = worded(own(tmp_path, **files), draft(account=replace(ACCOUNT, name=evil)))

    assert made.forms == {
        "markdown": rf"**\*x\* \<b\>@{chr(0x200B)}channel\</b\> \[a\](http://b)** [open]({LINK})",
        "html": f'<i>*x* &lt;b&gt;@\u200bchannel&lt;/b&gt; [a](http://b)</i> <a href="{LINK}">o</a>',
    }


def test_what_is_marked_safe_is_markup(tmp_path: Path) -> None:
    """The operator's own word for it."""
    made = worded(own(tmp_path, markdown="{{ '**bold**' | safe }} {{ '*x*' }}", html="{{ '<hr>' | safe }}"), draft())

    assert made.forms == {"markdown": r"**bold** \*x\*", "html": "<hr>"}


def test_a_template_that_fails_costs_nobody_a_message(tmp_path: Path) -> None:
    """The built-in words are sent, and the log says which template and line, without a word of the venue's."""
    text = "ok\n{% if subject == 'CLZ6' %}{{ fields.gone }}{% endif %}"
    templates = own(tmp_path, title="{{ severity }}!", text=text)
    told = transition(key=replace(transition().key, subject="CLZ6"))  # the samples' position is another
    usual = render(notice(told), draft(told).about, NOW)

    with capture_logs() as lines:
        made = worded(templates, draft(told))

    assert (made.title, made.body, made.roles) == ("critical!", usual.body, usual.roles)
    [line] = lines
    assert (line["template"], line["error"]) == ("text.j2:2", "UndefinedError")
    assert worded(templates, draft()).body == "ok"


def test_a_form_that_comes_to_too_much_is_not_sent(tmp_path: Path) -> None:
    """At run time as beforehand; and neither is one that comes to nothing."""
    long = f"{{{{ 'x' * {ROOM['markdown.j2'] + 1} if subject == 'CLZ6' else 'short' }}}}"
    empty = "{{ '' if subject == 'CLZ6' else 'short' }}"
    templates = own(tmp_path, markdown=long, html=empty)
    told = transition(key=replace(transition().key, subject="CLZ6"))

    with capture_logs() as lines:
        assert worded(templates, draft(told)).forms == {}

    assert [line["error"] for line in lines] == ["EmptyTextError", "LongTextError"]
    assert worded(templates, draft()).forms == {"markdown": "short", "html": "short"}


def test_templates_cannot_reach_out(tmp_path: Path) -> None:
    """No file but the folder's, no attribute of Python's, no endless range."""
    for text in ("{% include '/etc/passwd' %}", "{{ title.format.__globals__ }}", "{{ range(10**9) | list }}"):
        assert problems(tmp_path, text=text)


def test_samples_are_of_every_kind() -> None:
    """Each state and reason, each built-in alert, an event, a position, and a rule that was removed."""
    drafts = list(samples())

    assert {(made.state, made.told.reason) for made in drafts} >= {(s, r) for s in State for r in Reason}
    assert {made.about.rule.id for made in drafts if made.about.rule} >= set(RULES)
    assert any(made.about.rule is None for made in drafts)
    assert any(made.told.differences for made in drafts)
    assert any(made.told.key.subject for made in drafts)


def test_what_comes_and_goes_says_how_often() -> None:
    """And since when; else there is nothing to say."""
    found = {
        (told["times_fired"], told["flapping_since"])
        for draft in samples()
        for told in (variables(render(draft.notice, draft.about, draft.now, draft.tz), draft),)
    }
    assert found == {(0, None), (6, NOW - timedelta(minutes=40))}


def test_an_event_names_its_differences(tmp_path: Path) -> None:
    """Each as a text."""
    text = "{% for each in differences %}- {{ each }}\n{% else %}none{% endfor %}"
    told = next(made.told for made in samples() if made.told.differences)
    made = worded(own(tmp_path, text=text), draft(told, rule=EVENT))

    assert made.body == "- permissions: trade removed\n- trading_status: OPEN -> CLOSE_ONLY"
