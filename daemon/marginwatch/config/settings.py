"""The tables of the config file as types: every key, its default and its limits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, InstanceOf, SecretStr
from pydantic import field_validator as validates

from marginwatch.config.addresses import web_address, with_scheme
from marginwatch.config.calendars import CalendarSettings  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.digests import DigestKey, DigestSettings
from marginwatch.config.durations import Duration, format_duration
from marginwatch.config.groups import GroupSettings  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.keys import Flag, Glob, Name, Outside, Table, wrong
from marginwatch.config.labels import AccountSettings  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.maintenance import MaintenanceSettings  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.messages import MessagesSettings
from marginwatch.config.quiet import QuietSettings  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.reports import ReportSettings  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.routes import FallbackSettings, RouteSettings  # noqa: TC001  (because pydantic reads it)
from marginwatch.config.severities import SeverityName  # noqa: TC001  (because pydantic reads the annotation)
from marginwatch.config.web import WebSettings
from marginwatch.core.model import Severity

if TYPE_CHECKING:
    from pydantic_core.core_schema import ValidationInfo

_SECOND = timedelta(seconds=1)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def _listed(files: object) -> object:
    """In an environment variable, commas make the list."""
    return [file.strip() for file in files.split(",") if file.strip()] if isinstance(files, Outside) else files


def _every(data: dict[str, Any]) -> timedelta:
    every: timedelta = data.get("every", _MINUTE)
    return every


def _stale_after(data: dict[str, Any]) -> timedelta:
    slowest: timedelta = data.get("slowest", _MINUTE)
    return max(3 * slowest, _MINUTE)


class LogSettings(Table):
    """`[log]`."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged; `--log-level` wins."""


class StoreSettings(Table):
    """`[store]`: the database and how long it remembers."""

    url: SecretStr
    """An SQLAlchemy URL. Loading fills in an SQLite file in the state folder."""
    keep: Duration = timedelta(days=400)
    """Alerts, transitions and deliveries."""
    keep_observations: Duration = timedelta(days=14)
    """Every observation; afterwards one a minute where it changed, for `keep`."""

    @validates("keep")
    @classmethod
    def _long_enough(cls, keep: timedelta) -> timedelta:
        return _at_least(keep, _DAY)

    @validates("keep_observations")
    @classmethod
    def _within_keep(cls, keep_observations: timedelta, info: ValidationInfo) -> timedelta:
        return _at_least(_at_most(keep_observations, info.data.get("keep"), "keep"), _HOUR)

    @validates("url")
    @classmethod
    def _is_url(cls, url: SecretStr) -> SecretStr:
        return with_scheme(url, "sqlite:////var/lib/marginwatch/marginwatch.db")


class HeartbeatSettings(Table):
    """`[heartbeat]`: the dead man's switch outside."""

    url: SecretStr | None = None
    """Asked for with GET while every venue was tried and every healthy receiver has its messages."""

    @validates("url")
    @classmethod
    def _is_url(cls, url: SecretStr | None) -> SecretStr | None:
        return url and web_address(url, "https://example.com/ping")


class RulesSettings(Table):
    """`[rules]`."""

    files: Annotated[tuple[Glob, ...], BeforeValidator(_listed)]
    """Files, globs and `builtin:PACK`; loading makes relative ones absolute, from the config file's folder."""
    runbook_base: str = ""
    """The web address below which your copy of the runbooks is published; empty names a command in messages."""

    @validates("runbook_base")
    @classmethod
    def _is_web_address(cls, runbook_base: str) -> str:
        if runbook_base:
            web_address(SecretStr(runbook_base), "https://wiki.example.com/marginwatch")
        return runbook_base


class VenueSettings(Table):
    """One `[[venues]]`: the keys every kind shares, and the kind's own in `options`."""

    name: Name
    """Yours, unique. It appears in messages, and rules select by it."""
    kind: str
    """What kind of venue it is; the rest of its keys depends on that."""
    accounts: tuple[Glob, ...] = ()
    """Globs on account id or name; empty means every account the venue lists."""
    every: Duration = timedelta(seconds=10)
    """How often to ask; at least 1s."""
    fastest: Duration = Field(default_factory=_every)
    """How often near a level, from 1s to `every`."""
    slowest: Duration = Field(default_factory=_every)
    """How often while nothing can happen, from `every` to half of `stale_after`."""
    confirm: Flag = True
    """Whether to ask again at once when a rule begins to hold."""
    stale_after: Duration = Field(default_factory=_stale_after)
    """No good answer for this long is told."""
    max_age: Duration = timedelta(minutes=15)
    """An answer whose own time stamp is older than this is unknown."""
    calendar: str = ""
    """The calendar that sessions are of; empty means the kind's own."""
    options: InstanceOf[BaseModel]
    """The kind's own keys, checked by the kind's own model."""

    @validates("every", "max_age")
    @classmethod
    def _not_too_short(cls, every: timedelta) -> timedelta:
        return _at_least(every, _SECOND)

    @validates("fastest")
    @classmethod
    def _not_slower(cls, fastest: timedelta, info: ValidationInfo) -> timedelta:
        return _at_least(_at_most(fastest, info.data.get("every"), "every"), _SECOND)

    @validates("slowest")
    @classmethod
    def _not_faster(cls, slowest: timedelta, info: ValidationInfo) -> timedelta:
        return _at_least(slowest, info.data.get("every"), "every")

    @validates("stale_after")
    @classmethod
    def _not_before_the_next(cls, stale_after: timedelta, info: ValidationInfo) -> timedelta:
        every, slowest = info.data.get("every"), info.data.get("slowest")
        _at_least(stale_after, every, "every")
        if slowest is not None and slowest != every and stale_after < 2 * slowest:
            what = f"must be at least twice `slowest` ({format_duration(slowest)}); a slow pace looks like an outage"
            raise wrong(what)
        return stale_after


class ReceiverSettings(Table):
    """One `[[receivers]]`: somebody who is told."""

    name: Name
    """Yours, unique. One receiver a person or channel, so that each is retried by itself."""
    url: SecretStr
    """An Apprise URL: slack://, mailto://, ntfy://, pagerduty://, … json:// gets every fact as a key of its own."""
    min_severity: SeverityName = Severity.INFO
    """Nothing milder reaches it, but for the end of what it was told."""
    chart: Flag | None = None
    """Whether charts are sent to it; left out: where it is known to show them."""
    fallback: FallbackSettings | None = None
    """Who hears in its place while it fails."""
    quiet: QuietSettings | None = None
    """Hours in which it is told of nothing that can wait."""
    digest: DigestKey = DigestSettings()
    """When many messages become one; false: never. Of no use to json:// and jsons://, which get each by itself."""

    @validates("url")
    @classmethod
    def _is_url(cls, url: SecretStr) -> SecretStr:
        return with_scheme(url, "slack:// or mailto:// with its tokens behind")


class Settings(Table):
    """The whole config."""

    log: LogSettings = LogSettings()
    store: StoreSettings
    web: WebSettings = WebSettings()
    heartbeat: HeartbeatSettings = HeartbeatSettings()
    rules: RulesSettings
    messages: MessagesSettings = MessagesSettings()
    venues: tuple[VenueSettings, ...]
    """At least one."""
    calendars: tuple[CalendarSettings, ...] = ()
    """Besides the built-in ones, or more of those."""
    groups: tuple[GroupSettings, ...] = ()
    """Accounts that rules look at as one."""
    accounts: tuple[AccountSettings, ...] = ()
    """Labels of accounts."""
    routes: tuple[RouteSettings, ...] = ()
    """Who is told of what; without any, every receiver of everything."""
    maintenance: tuple[MaintenanceSettings, ...] = ()
    """Planned times in which nobody is told."""
    receivers: tuple[ReceiverSettings, ...]
    """At least one."""
    reports: tuple[ReportSettings, ...] = ()
    """Who is told when that marginwatch is alive."""


def _at_least(span: timedelta, least: timedelta | None, key: str = "") -> timedelta:
    """The span; `least` is what another key says, where one is named, and None where that is wrong itself."""
    if least is not None and span < least:
        what = f"must be at least {_limit(least, key)}"
        raise wrong(what)
    return span


def _at_most(span: timedelta, most: timedelta | None, key: str) -> timedelta:
    """The same the other way round."""
    if most is not None and span > most:
        what = f"must be at most {_limit(most, key)}"
        raise wrong(what)
    return span


def _limit(span: timedelta, key: str) -> str:
    return f"`{key}` ({format_duration(span)})" if key else format_duration(span)
