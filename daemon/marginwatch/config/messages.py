"""`[messages]`: the words of messages."""

from __future__ import annotations

from marginwatch.config.keys import Table


class MessagesSettings(Table):
    """`[messages]`: your own words."""

    templates: str = ""
    """A folder of Jinja2 templates in place of the built-in words; a relative name begins in this file's folder."""
