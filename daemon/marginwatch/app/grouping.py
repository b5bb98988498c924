"""From the config's groups to those the engine knows, and what is wrong with them that only the venues show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marginwatch.config.groups import members
from marginwatch.core.groups import Group, Groups, Member
from marginwatch.errors import Problem
from marginwatch.venues.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from marginwatch.config.groups import GroupSettings
    from marginwatch.config.load import Loaded
    from marginwatch.config.settings import Settings, VenueSettings
    from marginwatch.core.rule import Rule
    from marginwatch.venues.protocol import VenueKind


def groups_of(settings: Settings, rules: Iterable[Rule], kinds: Mapping[str, VenueKind]) -> Groups:
    """The groups of accounts, with what their rules ask of each."""
    venues = {venue.name: venue for venue in settings.venues}
    catalogues = {name: kinds[venue.kind].catalogue for name, venue in venues.items()}
    return Groups((_group(each, venues) for each in settings.groups), catalogues, rules)


def currency_problems(loaded: Loaded, kinds: Mapping[str, VenueKind]) -> Iterator[Problem]:
    """Venues whose accounts' money cannot be reckoned in the currency of their group, as far as the config tells."""
    if loaded.settings is None or loaded.places is None:
        return
    venues = {venue.name: venue for venue in loaded.settings.venues}
    for number, group in enumerate(loaded.settings.groups):
        place = loaded.places.value(("groups", number, "currency"))
        for name in dict.fromkeys(venue for venue, _ in members(group.accounts, venues)):
            currency = getattr(venues[name].options, "currency", None)
            if currency is None and _never_says(kinds[venues[name].kind]):
                what = f"nobody says what currency the accounts at {name} are in"
                yield Problem(place, what, f'give that venue its own, for example currency = "{group.currency}"')
            elif currency is not None and currency != group.currency and currency not in group.rates:
                what = f"the accounts at {name} are in {currency}, and `rates` has none of that"
                yield Problem(place, what, f'for example rates = {{ {currency} = "1.08" }}')


def _never_says(kind: VenueKind) -> bool:
    """Whether the venue's answers never name a currency: it can only come from the config."""
    field = kind.catalogue.get("currency")
    return field is None or field.path == "config:currency"


def _group(group: GroupSettings, venues: Mapping[str, VenueSettings]) -> Group:
    found = list(members(group.accounts, venues))
    longest = max(venues[venue].stale_after for venue, _ in found)
    return Group(
        group.name,
        tuple(Member(venue, f"{venue}/{account}", Selection((account,))) for venue, account in found),
        group.currency,
        group.within or longest,
        group.rates,
    )
