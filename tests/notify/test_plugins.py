"""A plugin built by itself is the one Apprise's registry would have built."""

from __future__ import annotations

import subprocess
import sys

import pytest
from apprise import Apprise, AppriseAsset, NotificationManager

from marginwatch.notify.plugins import ALONE, build_plugin

URLS = (
    "json://user:pass@127.0.0.1:8080/path?+X-A=1&rto=3",
    "jsons://127.0.0.1/#fragment",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7/#risk",
    "mailto://user:pass@example.com?to=risk@example.com",
    "ntfy://topic",
    "pagerduty://A1BRTD4JDTIiajkdnlazkcOXrIdevi7F@node01",
    "SLACK://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7/#risk",
)


@pytest.mark.parametrize("scheme", ALONE)
def test_the_table_agrees_with_the_registry(scheme: str) -> None:
    """Every scheme in our table leads to the class that Apprise itself uses for it."""
    kind = NotificationManager()[scheme]  # type: ignore[no-untyped-call]  # Apprise leaves it untyped

    assert ALONE[scheme][1] == kind.__name__
    assert kind.__module__.startswith(f"apprise.plugins.{ALONE[scheme][0]}")


@pytest.mark.parametrize("url", URLS)
def test_the_plugin_is_the_same(url: str) -> None:
    """Built by itself or through the registry, a URL becomes the same plugin."""
    asset = AppriseAsset()
    ours, theirs = build_plugin(url, asset), Apprise.instantiate(url, asset=asset)

    assert ours is not None
    assert theirs is not None
    assert type(ours) is type(theirs)
    assert ours.url() == theirs.url()  # type: ignore[no-untyped-call]  # Apprise leaves it untyped
    assert len(ours) == len(theirs)


@pytest.mark.parametrize("url", ["slack://", "mailto://", "json://", "pagerduty://short", "nothing", "zzz://host"])
def test_what_apprise_does_not_understand_is_none(url: str) -> None:
    """A URL that the registry refuses is refused here too."""
    assert build_plugin(url, AppriseAsset()) is None


def test_a_service_of_the_registry_alone_is_found() -> None:
    """A service that is not in our table comes through the registry."""
    plugin = build_plugin("zulip://bot@org/a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4", AppriseAsset())

    assert plugin is not None
    assert type(plugin).__name__ == "NotifyZulip"


def test_a_common_service_loads_no_other() -> None:
    """Building a plugin of the table imports none of the other services."""
    code = (
        "import sys; from apprise import AppriseAsset; from marginwatch.notify.plugins import build_plugin;"
        "build_plugin('slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7/#risk', AppriseAsset());"
        "sys.exit('apprise.plugins.zulip' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
