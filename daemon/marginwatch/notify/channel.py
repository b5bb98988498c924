"""How one kind of service is told: the form it shows best, and whether and how it takes a picture."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from apprise import NotifyFormat
from apprise.plugins.custom_form import NotifyForm
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.custom_xml import NotifyXML

from marginwatch.notify.forms import Form, guarded, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apprise import NotifyBase

    from marginwatch.core.state import Message

MACHINES: Final = (NotifyJSON, NotifyForm, NotifyXML)
"""Programs of the operator's own: they get the exact words, and a picture only where it is asked for."""
_SMALL: Final = 500
"""Characters of a body below which a service is one of short texts."""
_FORMATS: Final[Mapping[Form, NotifyFormat]] = {
    Form.EXACT: NotifyFormat.TEXT,
    Form.TEXT: NotifyFormat.TEXT,
    Form.SHORT: NotifyFormat.TEXT,
    Form.MARKDOWN: NotifyFormat.MARKDOWN,
    Form.SLACK: NotifyFormat.MARKDOWN,
    Form.HTML: NotifyFormat.HTML,
    Form.TAGS: NotifyFormat.HTML,
}
_OF_TEXT: Final[Mapping[str, Form]] = {"NotifyPushover": Form.SHORT, "NotifyEmail": Form.EXACT}
_OF_MARKDOWN: Final[Mapping[str, Form]] = {"NotifySlack": Form.SLACK}
_OF_HTML: Final[Mapping[str, Form]] = {"NotifyEmail": Form.HTML}
_UNGUARDED: Final = frozenset({Form.EXACT, Form.HTML})
_UNTITLED: Final = "NotifyDiscord"
"""It says that it takes titles and plain text; but it shows both as one text, which is Markdown."""
_CAPTIONS: Final = "NotifyTelegram"
_LONGEST_CAPTION: Final = 1024
_BLIND: Final = frozenset({"hook", "gov-hook"})
"""Modes of Slack's plugin in which it drops pictures."""
_WITHIN: Final = frozenset({"NotifyEmail", "NotifyNtfy", "NotifyPushover", _CAPTIONS})
_AFTER: Final = frozenset({_UNTITLED, "NotifyMattermost", "NotifySlack"})


class Picture(enum.Enum):
    """How a service takes a picture."""

    NEVER = enum.auto()
    WITHIN = enum.auto()
    """In the message."""
    AFTER = enum.auto()
    """Behind it, once it was taken: so that a picture that is refused does not have the message sent twice."""


class Words(NamedTuple):
    """What a service is given."""

    title: str
    body: str
    format: NotifyFormat


@dataclass(frozen=True, slots=True)
class Channel:
    """What is known of a service."""

    form: Form
    """The one it shows best, unless its URL asks for another by `?format=`."""
    titled: bool
    """It shows a title of its own; elsewhere the body begins with it."""
    room: int
    """Characters of a body, and of the title as well where the service counts both."""
    pictures: Picture
    captions: bool = False
    """A picture within the message has no more than a caption's room for it."""

    @classmethod
    def of(cls, plugin: NotifyBase, *, chart: bool | None) -> Channel:
        """As the plugin says; `chart` None leaves pictures to what is known to work."""
        form, name = _form(plugin), type(plugin).__name__
        titled = form is Form.EXACT or (plugin.title_maxlen > 0 and name != _UNTITLED)
        return cls(form, titled, plugin.body_maxlen, _pictures(plugin, chart=chart), captions=name == _CAPTIONS)

    def words(self, message: Message, form: Form) -> Words:
        """The message in that form."""
        if not self.titled:
            return Words("", shown(message, form, self.room, message.title), _FORMATS[form])
        title = message.title if form in _UNGUARDED else guarded(message.title)
        return Words(title, shown(message, form, max(1, self.room - len(title) - 2)), _FORMATS[form])

    def picture(self, words: Words) -> Picture:
        """How it takes a picture beside these words."""
        return Picture.AFTER if self.captions and len(words.body) >= _LONGEST_CAPTION else self.pictures


def _form(plugin: NotifyBase) -> Form:
    name = type(plugin).__name__
    if isinstance(plugin, MACHINES):
        chosen = plugin.resolve_format(NotifyFormat.TEXT)
        return {NotifyFormat.MARKDOWN: Form.MARKDOWN, NotifyFormat.HTML: Form.TAGS}.get(chosen, Form.EXACT)
    if plugin.body_maxlen < _SMALL:
        return Form.SHORT
    if name == _UNTITLED:
        return Form.MARKDOWN
    chosen = plugin.resolve_format(None)
    if chosen is NotifyFormat.MARKDOWN:
        return _OF_MARKDOWN.get(name, Form.MARKDOWN)
    if chosen is NotifyFormat.HTML:
        return _OF_HTML.get(name, Form.TAGS)
    return _OF_TEXT.get(name, Form.TEXT)


def _pictures(plugin: NotifyBase, *, chart: bool | None) -> Picture:
    name = type(plugin).__name__
    if chart is False or not plugin.attachment_support or getattr(plugin, "mode", "") in _BLIND:
        return Picture.NEVER
    if name in _WITHIN:
        return Picture.WITHIN
    if name in _AFTER:
        return Picture.AFTER
    return Picture.WITHIN if chart else Picture.NEVER
