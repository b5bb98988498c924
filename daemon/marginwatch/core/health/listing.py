"""Which accounts a venue lists: one that is gone is told of, and so is one that is new."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from marginwatch.core.health.rules import ACCOUNT_APPEARED, ACCOUNT_VANISHED, known
from marginwatch.core.result import AlertKey, Difference, Occurred, Result
from marginwatch.core.state import AccountState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from marginwatch.core.model import Account, AccountKey

_MISSING_LISTINGS = 2
"""Good listings in a row that must leave an account out before it counts as gone."""


def has_vanished(state: AccountState) -> bool:
    """True when the venue lists the account no longer. One that may not be viewed is still listed."""
    return state.missing >= _MISSING_LISTINGS


def list_accounts(
    accounts: Mapping[AccountKey, AccountState], listed: Mapping[AccountKey, Account], now: datetime
) -> Mapping[AccountKey, AccountState]:
    """The accounts that a good listing changes, new ones included; `accounts` are all that were known of the venue."""
    changed: dict[AccountKey, AccountState] = {}
    met = 0
    for key, state in accounts.items():
        account = listed.get(key)
        met += account is not None
        missing = 0 if account is not None else min(state.missing + 1, _MISSING_LISTINGS)
        if missing != state.missing or (account is not None and account != state.account):
            changed[key] = replace(state, account=account or state.account, missing=missing)
    if met == len(listed):
        return changed
    new = {key: AccountState(account, first_seen=now) for key, account in listed.items() if key not in accounts}
    return {**new, **changed}


def listing_results(
    before: Mapping[AccountKey, AccountState],
    after: Mapping[AccountKey, AccountState],
    now: datetime,
    *,
    baseline: bool,
) -> list[Result]:
    """Who vanished, returned or appeared: `after` is what `list_accounts` made of `before`.

    Nobody appears in a `baseline`: the venue's first listing, or the first by another selection of accounts.
    """
    results = []
    for key, state in after.items():
        prior = before.get(key)
        if prior is None:
            if not baseline:
                results.append(_appeared(state, now))
        elif has_vanished(state) != has_vanished(prior):
            gone = has_vanished(state)
            detail = f"the venue lists {state.account.name} {'no longer' if gone else 'again'}"
            results.append(known(AlertKey(ACCOUNT_VANISHED, key), now, (gone,), detail))
    return results


def _appeared(state: AccountState, now: datetime) -> Result:
    return Result(
        key=AlertKey(ACCOUNT_APPEARED, state.account.key),
        outcome=Occurred((Difference("account", None, state.account.name),)),
        observed_at=now,
        fetched_at=now,
        detail=f"the venue lists {state.account.name} for the first time",
    )
