"""Who is told of what, as the config says it: one text that can be kept, compared and read again. Without secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from marginwatch.config.calendars import CalendarSettings
from marginwatch.config.groups import GroupSettings, venues_of
from marginwatch.config.labels import AccountSettings
from marginwatch.config.routes import RouteSettings
from marginwatch.config.settings import ReceiverSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLES = {"routes", "accounts", "groups", "calendars"}
_OF_RECEIVERS = {"name", "min_severity", "fallback"}
_NOWHERE = {"url": "json://"}
"""Stands for the address of a receiver, which is not kept."""


def hearers_written(settings: Settings) -> str:
    """Routes with all they choose by, and receivers without their addresses; equal texts for equal ones."""
    tables = settings.model_dump(mode="json", include=_TABLES, exclude_defaults=True)
    receivers = [
        each.model_dump(mode="json", include=_OF_RECEIVERS, exclude_defaults=True) for each in settings.receivers
    ]
    return json.dumps({**tables, "receivers": receivers}, sort_keys=True)


def hearers_read(text: str, settings: Settings) -> Settings | None:
    """These settings with what the text says in place of their own; None for a text of another version.

    Groups of venues that are not there any more are left out.
    """
    written = json.loads(text)
    try:
        return settings.model_copy(update=_read(written, [venue.name for venue in settings.venues]))
    except ValidationError:
        return None


def _read(written: Mapping[str, Any], venues: list[str]) -> dict[str, Any]:
    groups = (group for group in written.get("groups", ()) if venues_of(group, venues))
    return {
        "routes": tuple(map(RouteSettings.model_validate, written.get("routes", ()))),
        "accounts": tuple(map(AccountSettings.model_validate, written.get("accounts", ()))),
        "calendars": tuple(map(CalendarSettings.model_validate, written.get("calendars", ()))),
        "groups": tuple(map(GroupSettings.model_validate, groups)),
        "receivers": tuple(ReceiverSettings.model_validate(_NOWHERE | each) for each in written["receivers"]),
    }
