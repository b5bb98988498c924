"""Marginwatch watching its own data: built-in rules that need no rule file, and what makes them true. Pure."""

from marginwatch.core.health.account import malformed_result, next_blind, stale_at, stale_result
from marginwatch.core.health.listing import list_accounts, listing_results
from marginwatch.core.health.rules import (
    ACCOUNT_APPEARED,
    ACCOUNT_VANISHED,
    ANSWER_MALFORMED,
    CLOCK_JUMPED,
    DATA_STALE,
    LOGIN_REFUSED,
    NOTHING_WATCHED,
    OURSELVES,
    RECEIVER_FAILING,
    RELOAD_REJECTED,
    RULE_BROKEN,
    RULES,
    VENUE_UNREACHABLE,
    clock,
)
from marginwatch.core.health.venue import explains, next_venue_state, venue_down, venue_results
from marginwatch.core.health.watcher import (
    Missed,
    ReceiverState,
    ReloadState,
    broken_result,
    clock_result,
    receiver_result,
    reload_result,
)

__all__ = [
    "ACCOUNT_APPEARED",
    "ACCOUNT_VANISHED",
    "ANSWER_MALFORMED",
    "CLOCK_JUMPED",
    "DATA_STALE",
    "LOGIN_REFUSED",
    "NOTHING_WATCHED",
    "OURSELVES",
    "RECEIVER_FAILING",
    "RELOAD_REJECTED",
    "RULES",
    "RULE_BROKEN",
    "VENUE_UNREACHABLE",
    "Missed",
    "ReceiverState",
    "ReloadState",
    "broken_result",
    "clock",
    "clock_result",
    "explains",
    "list_accounts",
    "listing_results",
    "malformed_result",
    "next_blind",
    "next_venue_state",
    "receiver_result",
    "reload_result",
    "stale_at",
    "stale_result",
    "venue_down",
    "venue_results",
]
