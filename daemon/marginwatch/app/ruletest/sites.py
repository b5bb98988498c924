"""Where a test is played: venues by kind, by their name in the config, or by a name of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marginwatch.app.ruletest.entry import Entry
from marginwatch.app.ruletest.model import Site
from marginwatch.config.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marginwatch.config.document import Node
    from marginwatch.core.calendar import Calendar
    from marginwatch.core.fields import Catalogue


@dataclass(frozen=True, slots=True)
class Known:
    """What the names in a test are held against."""

    catalogues: Mapping[str, Catalogue]
    """Of every installed kind of venue, by kind."""
    sessions: Mapping[str, str]
    """The calendar of every kind of venue, by kind."""
    calendars: Mapping[str, Calendar]
    """By name, those of the config included."""
    venues: Mapping[str, ConfiguredVenue] = field(default_factory=dict)
    """The venues of the config, by name; a kind also stands for a venue of its own name."""


@dataclass(frozen=True, slots=True)
class ConfiguredVenue:
    """A venue of the config."""

    kind: str
    calendar: str = ""
    """Empty for that of its kind."""


class SiteReader:
    """Reads the `venue` and the `calendar` of one test."""

    def __init__(self, test: Entry, file: Entry, known: Known) -> None:
        """`file` is asked for what the test itself does not say."""
        self._test = test
        self._file = file
        self._known = known

    def sites(self) -> list[Site]:
        """Every venue the test is played at."""
        owner = self._owner("venue")
        item = owner.item("venue")
        if item is None:
            first, *others = sorted(self._known.catalogues)
            hint = f'write venue = "{first}", or {", ".join(others)}'
            self._test.problem(self._test.node.place, "the test does not say at which venue", hint)
            return []
        nodes = item.value if isinstance(item.value, tuple) else (item,)
        if not nodes:
            self._test.problem(item.place, "`venue` is an empty list")
        return [site for node in nodes if (site := self._site(node)) is not None]

    def _site(self, node: Node) -> Site | None:
        if isinstance(node.value, dict):
            return self._named_site(Entry(node, self._test.problems))
        if not isinstance(node.value, str):
            self._test.problem(node.place, f"`venue` must be text, not {node.kind}")
            return None
        configured = self._known.venues.get(node.value, ConfiguredVenue(node.value))
        return self._at(node, node.value, configured)

    def _named_site(self, table: Entry) -> Site | None:
        """A venue with a name of its own, for rules that choose venues by name."""
        table.refuse_unknown(("name", "kind"), "`venue`")
        name, kind = table.text("name"), table.text("kind")
        if name is None or kind is None:
            table.problem(
                table.node.place, "a venue here has a name and a kind", 'as in { name = "fx", kind = "helio" }'
            )
            return None
        return self._at(kind, str(name.value), ConfiguredVenue(str(kind.value)))

    def _at(self, node: Node, name: str, configured: ConfiguredVenue) -> Site | None:
        kind = configured.kind
        catalogue = self._known.catalogues.get(kind)
        if catalogue is None:
            names = {**self._known.catalogues, **self._known.venues}
            hint = did_you_mean(kind, names) or f"write one of {', '.join(sorted(names))}"
            self._test.problem(node.place, f"there is no kind of venue `{kind}`", hint)
            return None
        calendar = self._calendar() or configured.calendar or self._known.sessions[kind]
        return Site(name, kind, catalogue, calendar)

    def _calendar(self) -> str:
        owner = self._owner("calendar")
        return owner.word("calendar", self._known.calendars) or ""

    def _owner(self, key: str) -> Entry:
        return self._test if key in self._test else self._file
