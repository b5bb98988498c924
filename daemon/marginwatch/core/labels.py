"""What the config says of accounts: labels, which rules and routes choose by. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from marginwatch.core.model import Account


@dataclass(frozen=True, slots=True)
class Labelled:
    """The labels of some accounts of one venue."""

    venue: str
    selects: Callable[[Account], bool]
    """Asked of accounts of the venue."""
    labels: Mapping[str, str]


class Labels:
    """All labels of all accounts."""

    def __init__(self, labelled: Iterable[Labelled] = ()) -> None:
        """Of one label that an account is given twice, the later value counts."""
        self._labelled = tuple(labelled)
        self._of: dict[Account, Mapping[str, str]] = {}

    def of(self, account: Account) -> Mapping[str, str]:
        """The account's, asked again for every observation, so remembered."""
        if not self._labelled:
            return {}
        found = self._of.get(account)
        if found is None:
            given = (each.labels for each in self._labelled if self._means(each, account))
            found = self._of[account] = {key: value for labels in given for key, value in labels.items()}
        return found

    @property
    def written(self) -> tuple[str, ...]:
        """Every label that some account may have, `key=value`."""
        return tuple(sorted({f"{key}={value}" for each in self._labelled for key, value in each.labels.items()}))

    @staticmethod
    def _means(labelled: Labelled, account: Account) -> bool:
        return labelled.venue == account.key.venue and labelled.selects(account)
