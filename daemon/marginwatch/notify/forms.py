"""One message in the form each kind of service shows best, with all that others wrote kept from acting as markup. Pure.

What a venue, an account's name or a rule says is only ever text: it hides no address behind other words, makes no
picture and no emphasis, and calls nobody by `@channel`, `<!here>` or the like.
"""

from __future__ import annotations

import enum
import html
import re
from typing import TYPE_CHECKING, Final

from marginwatch.notify.body import DISPENSABLE, Line, Role, lines_of, text_of
from marginwatch.notify.words import clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from marginwatch.core.state import Message


class Form(enum.StrEnum):
    """How a service wants a body."""

    EXACT = "exact"
    """The text as it was written, to the letter: for machines and for mail that takes no HTML."""
    TEXT = "text"
    """Plain text for people."""
    SHORT = "short"
    """The lines that matter most, for small screens."""
    MARKDOWN = "markdown"
    """CommonMark."""
    SLACK = "slack"
    """CommonMark that comes out right in Slack, which knows no escapes."""
    HTML = "html"
    """A mail's."""
    TAGS = "tags"
    """HTML with the few tags that chats know."""


_WRITTEN: Final = {Form.MARKDOWN: "markdown", Form.SLACK: "markdown", Form.HTML: "html", Form.TAGS: "html"}
"""Which of the operator's own forms stands for it."""
_LEFT_OUT_SHORT: Final = frozenset({Role.NOTE, Role.SEEN, Role.WHY, Role.STANDING, Role.RUNBOOK})
_SPLIT: Final = "\u200b"
"""A space of no width: it is not seen, and no service sees a name behind it."""
_CALLS: Final = re.compile(r"[@!](?=[\w&])|:(?=[a-z_+-][\w+-]*:)")
_MARKUP: Final = re.compile(r"[\\`*\[\]<>~|]|(?<![^\W_])_|_(?![^\W_])|^[#+=-]")
_ORDERED: Final = re.compile(r"^(\d+)([.)])")
_SLACK_MARKUP: Final = re.compile(r"[\[\]<>]|^#")
_EMPHASIS: Final = re.compile(r"[\\`*~]|(?<![^\W_])_|_(?![^\W_])")
_ALIKE: Final[Mapping[str, str]] = {"\\": "\u2216", "`": "\u02cb", "*": "\u2217", "~": "\u223c", "_": "\u02cd"}
"""What stands in Slack for a character that would be markup, since it cannot be escaped there."""
_ESCAPED: Final = re.compile(r"\\([\\`*~_])")


def shown(message: Message, form: Form, room: int, title: str = "") -> str:
    """The body in that form, in at most so many characters; it begins with `title` where one is given."""
    lines = lines_of(message)
    own = message.forms.get(_WRITTEN.get(form, ""))
    if own is not None:
        late = [line for line in lines if line.role is Role.LATE]
        text = _JOINED[form](title, late, _in_slack(own) if form is Form.SLACK else own)
        if len(text) <= room:
            return text
    if form is Form.SHORT:
        lines = [line for line in lines if line.role not in _LEFT_OUT_SHORT] or lines
    return _with_room(lines, room, lambda kept: _JOINED[form](title, kept, ""))


def guarded(text: str) -> str:
    """The text without a word that calls people, or turns into a picture; it reads as before."""
    return _CALLS.sub(lambda found: found[0] + _SPLIT, text)


def markdown(text: str) -> str:
    """The text as CommonMark that shows it as it is."""
    return _ORDERED.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", guarded(text)))


def markup(text: str) -> str:
    """The text as HTML that shows it as it is."""
    return html.escape(guarded(text))


def _with_room(lines: list[Line], room: int, made: Callable[[Sequence[Line]], str]) -> str:
    """What is made of as many lines as there is room for, the dispensable ones left out first, whole."""
    text = made(lines)
    for role in DISPENSABLE:
        if len(text) <= room:
            return text
        kept = [line for line in lines if line.role is not role]
        lines, text = kept or lines, made(kept or lines)
    return text if len(text) <= room else clip(text_of(lines), room)


def _plain(title: str, lines: Iterable[Line], own: str) -> str:
    written = (line if _target(line) else Line(line.role, guarded(line.text)) for line in lines)
    return _stacked("\n", guarded(title), text_of(written), own)


def _exact(title: str, lines: Iterable[Line], own: str) -> str:
    return _stacked("\n", title, text_of(lines), own)


def _commonmark(title: str, lines: Iterable[Line], own: str) -> str:
    return _marked(title, lines, own, markdown)


def _mrkdwn(title: str, lines: Iterable[Line], own: str) -> str:
    return _marked(title, lines, own, _slack)


def _marked(title: str, lines: Iterable[Line], own: str, escape: Callable[[str], str]) -> str:
    """Two spaces at a line's end break it everywhere."""
    parts = [f"**{escape(title)}**"] if title else []
    for line in lines:
        label, target = _label(line)
        if target.startswith(_WEB):
            parts.append(f"[{escape(label)}](<{_address(target)}>)")
        elif target:
            parts.append(f"{escape(label)}: `{target.replace('`', chr(39))}`")
        elif line.role in {Role.VALUE, Role.LATE}:
            parts.append(f"**{escape(line.text)}**")
        else:
            parts.append(escape(line.text))
    return _stacked("  \n", *parts, own)


def _slack(text: str) -> str:
    alike = _EMPHASIS.sub(lambda found: _ALIKE[found[0]], guarded(text))
    return _SLACK_MARKUP.sub(r"\\\g<0>", alike)


def _in_slack(own: str) -> str:
    """CommonMark with its escapes in the way Slack can show."""
    return _ESCAPED.sub(lambda found: _ALIKE[found[1]], own)


def _mail(_: str, lines: Iterable[Line], own: str) -> str:
    """The title is the subject. A link's address shows, for whoever reads the mail as text."""
    parts = []
    for line in lines:
        label, target = _label(line)
        words, address = html.escape(label or line.text), html.escape(target)
        style = _STYLES.get(line.role)
        if target.startswith(_WEB):
            parts.append(f'<a href="{address}">{words}</a><br><span style="{_SMALL}">{address}</span>')
        elif target:
            parts.append(f'{words}: <span style="font-family:monospace">{address}</span>')
        else:
            parts.append(f'<span style="{style}">{words}</span>' if style else words)
    ours = f'<div style="{_PAGE}">{"<br>".join(parts)}</div>' if parts else ""
    return _stacked("\n", ours, own)


_WEB: Final = ("https://", "http://")
_PAGE: Final = "font:15px/1.5 sans-serif;color:#1b1f24"
_SMALL: Final = "color:#59636e;font-size:13px"
_STYLES: Final[Mapping[Role, str]] = {
    Role.LATE: "font-weight:bold",
    Role.VALUE: "font-weight:bold;font-size:18px",
    Role.WHY: _SMALL,
}


def _tags(title: str, lines: Iterable[Line], own: str) -> str:
    parts = [f"<b>{markup(title)}</b>"] if title else []
    for line in lines:
        label, target = _label(line)
        if target.startswith(_WEB):
            parts.append(f'<a href="{html.escape(target)}">{markup(label)}</a>')
        elif target:
            parts.append(f"{markup(label)}: <code>{html.escape(target)}</code>")
        elif line.role in {Role.VALUE, Role.LATE}:
            parts.append(f"<b>{markup(line.text)}</b>")
        else:
            parts.append(markup(line.text))
    return _stacked("<br>\n", *parts, own)


_JOINED: Final[Mapping[Form, Callable[[str, Iterable[Line], str], str]]] = {
    Form.EXACT: _exact,
    Form.TEXT: _plain,
    Form.SHORT: _plain,
    Form.MARKDOWN: _commonmark,
    Form.SLACK: _mrkdwn,
    Form.HTML: _mail,
    Form.TAGS: _tags,
}
"""Title, our lines and the operator's own words, put together in a form."""


def _stacked(between: str, *parts: str) -> str:
    return between.join(part for part in parts if part)


def _label(line: Line) -> tuple[str, str]:
    """A link's or runbook's words and where it leads; no second part in any other line."""
    label, _, target = line.text.partition(": ") if line.role in {Role.LINK, Role.RUNBOOK} else ("", "", "")
    return label, target


def _target(line: Line) -> str:
    return _label(line)[1]


def _address(target: str) -> str:
    """The address as it may stand between angle brackets."""
    return target.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E")
