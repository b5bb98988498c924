"""What people may do on the page and by links, done as the command line does it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marginwatch.core.alert import Silence
from marginwatch.core.selecting import stranger
from marginwatch.web.refusals import BadFormError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from marginwatch.core.alert import Acknowledgement, Alert
    from marginwatch.core.ruling import Ruling
    from marginwatch.store.deeds import Via
    from marginwatch.store.store import Store
    from marginwatch.web.forms import Form

_GLOB = re.compile(r"([*?[])")


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody asks for."""

    form: Form
    at: datetime
    via: Via
    link: str = ""
    """`Claim.serial` of the link that is used; empty on the page itself."""


def acknowledge(store: Store, alert_id: str, act: Act) -> Acknowledgement:
    """Somebody is on it.

    Raises:
        BadFormError: Who, or for how long, makes no sense.
        StoreError: There is no such alert, or it has ended, or the link did it before.
    """
    by, note, span = act.form.needed("by", "who you are"), act.form.get("note"), act.form.span()
    until = None if span is None else act.at + span
    _, made = store.operators.acknowledge(
        alert_id, by=by, note=note, now=act.at, until=until, via=act.via, link=act.link
    )
    return made


def silence_alert(store: Store, alert: Alert, act: Act) -> Silence:
    """Hold back what the alert's rule says of its account.

    Raises:
        BadFormError: Who, or for how long, makes no sense.
        StoreError: The link did it before.
    """
    key = alert.key
    wanted = _silence(
        act,
        rule=exactly(key.rule),
        venue=exactly(key.account.venue) if key.account.venue else "*",
        account=exactly(key.account.id) if key.account.id else "*",
    )
    return store.operators.add_silence(wanted, act.at, via=act.via, link=act.link)


def add_silence(store: Store, act: Act, ruling: Ruling) -> Silence:
    """Hold back what fits the patterns.

    Raises:
        BadFormError: A field makes no sense, or everything would be held back without it being said.
    """
    rule, venue, account = (act.form.get(name) or "*" for name in ("rule", "venue", "account"))
    wanted = _silence(act, rule=rule, venue=venue, account=account)
    wanted = replace(wanted, groups=tuple(filter(None, [act.form.get("group")])), labels=dict(_label(act.form)))
    unknown = stranger(wanted, ruling.labels, ruling.groups)
    if unknown is not None:
        kind, name, _ = unknown
        what = f"There is no {kind} {name}. Nothing was done."
        raise BadFormError(what)
    everything = (rule, venue, account, wanted.choice) == ("*", "*", "*", "")
    if everything and act.form.get("everything") != "yes":
        what = "This would silence every alert. Say which, or that you mean everything. Nothing was done."
        raise BadFormError(what)
    return store.operators.add_silence(wanted, act.at, via=act.via)


def exactly(name: str) -> str:
    """A pattern that fits this name alone."""
    return _GLOB.sub(r"[\1]", name)


def _label(form: Form) -> Iterator[tuple[str, str]]:
    text = form.get("label")
    key, equals, value = text.partition("=")
    if text and not (key and equals and value):
        what = "Write a label as key=value. Nothing was done."
        raise BadFormError(what)
    if text:
        yield key, value


def _silence(act: Act, *, rule: str, venue: str, account: str) -> Silence:
    by, span = act.form.needed("by", "who you are"), act.form.span()
    if span is None:
        what = "Choose how long. Nothing was done."
        raise BadFormError(what)
    return Silence(0, by, act.form.get("note"), act.at, act.at + span, rule, venue, account)
