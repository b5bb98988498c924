"""How the daemon words its messages: the operator's own templates, and links to the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marginwatch.app.build import Parts
    from marginwatch.config.load import Loaded
    from marginwatch.config.settings import Settings
    from marginwatch.errors import Problem
    from marginwatch.notify.templates import Templates
    from marginwatch.notify.wording import Wording
    from marginwatch.store.store import Store


def own_words(loaded: Loaded) -> tuple[Templates | None, tuple[Problem, ...]]:
    """The templates that the config names, tried on every kind of message, and what is wrong with them."""
    named = "" if loaded.settings is None else loaded.settings.messages.templates
    if not named:
        return None, ()
    from marginwatch.notify.tryout import try_out  # noqa: PLC0415  (Jinja2 takes long to import, and most need it for nothing)

    assert loaded.places is not None  # the file was read
    place = loaded.places.value(("messages", "templates"))
    tried = try_out(loaded.file.absolute().parent / named, place)
    return tried.templates, tried.problems


def wording_of(parts: Parts, store: Store) -> Wording:
    """As the config has it. Where people reach the page, each message leads its receiver there."""
    from marginwatch.notify.wording import PLAIN, Wording  # noqa: PLC0415  (a check words nothing, and must not wait for what does)
    from marginwatch.ops.links import Links  # noqa: PLC0415  (a check makes no link, and must not wait for what signs them)

    page = page_of(parts.settings)
    if not page:
        return PLAIN if parts.templates is None else Wording(templates=parts.templates)
    return Wording(Links(store.keys.signing(), page).alert, page, parts.templates)


def page_of(settings: Settings) -> str:
    """Where people reach the page; empty where they do not."""
    web = settings.web
    return f"{web.public_url.rstrip('/')}/" if web.listen and web.public_url else ""
