"""Builds the Apprise plugin of a URL: of the services most used by itself, of any other through Apprise's registry.

The registry imports every one of its two hundred services at the first look, which costs half a second and 40 MB.
"""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

from apprise import Apprise, NotificationManager

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apprise import AppriseAsset, NotifyBase

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}):/")

ALONE: Final[Mapping[str, tuple[str, str]]] = {
    "discord": ("discord", "NotifyDiscord"),
    "form": ("custom_form", "NotifyForm"),
    "forms": ("custom_form", "NotifyForm"),
    "gchat": ("google_chat", "NotifyGoogleChat"),
    "gotify": ("gotify", "NotifyGotify"),
    "gotifys": ("gotify", "NotifyGotify"),
    "json": ("custom_json", "NotifyJSON"),
    "jsons": ("custom_json", "NotifyJSON"),
    "mailto": ("email", "NotifyEmail"),
    "mailtos": ("email", "NotifyEmail"),
    "mmost": ("mattermost", "NotifyMattermost"),
    "mmosts": ("mattermost", "NotifyMattermost"),
    "ntfy": ("ntfy", "NotifyNtfy"),
    "ntfys": ("ntfy", "NotifyNtfy"),
    "opsgenie": ("opsgenie", "NotifyOpsgenie"),
    "pagerduty": ("pagerduty", "NotifyPagerDuty"),
    "pover": ("pushover", "NotifyPushover"),
    "slack": ("slack", "NotifySlack"),
    "tgram": ("telegram", "NotifyTelegram"),
    "workflow": ("workflows", "NotifyWorkflows"),
    "workflows": ("workflows", "NotifyWorkflows"),
    "xml": ("custom_xml", "NotifyXML"),
    "xmls": ("custom_xml", "NotifyXML"),
}
"""Schemes whose module and class are known, so that nothing else needs to be imported."""


def scheme_of(url: str) -> str:
    """The service the URL names, in lower case; empty when it names none."""
    found = _SCHEME.match(url)
    return "" if found is None else found[1].lower()


def schemes() -> list[str]:
    """Every service Apprise knows."""
    return list(NotificationManager().schemas())  # type: ignore[no-untyped-call]  # apprise annotates only parts of it


def build_plugin(url: str, asset: AppriseAsset) -> NotifyBase | None:
    """A fresh plugin, or None when Apprise does not understand the URL."""
    return _alone(url, asset) or Apprise.instantiate(url, asset=asset)


def _alone(url: str, asset: AppriseAsset) -> NotifyBase | None:
    """As `Apprise.instantiate` makes it; None leaves it to that."""
    place = ALONE.get(scheme_of(url))
    if place is None:
        return None
    kind: type[NotifyBase] = getattr(import_module(f"apprise.plugins.{place[0]}"), place[1])
    # What a constructor raises for a URL it does not understand is TypeError by Apprise's custom, and not always.
    with suppress(TypeError, ValueError, LookupError, AttributeError):
        told = kind.parse_url(url.replace("/#", "/%23"))
        if told:
            return kind(**{**told, "asset": asset, "tag": set()})
    return None
