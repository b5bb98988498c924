"""The words of a decision's messages: what is known around each notice, and where its links lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

import structlog

from marginwatch.core.condition import POSITION
from marginwatch.core.defined import worked_out
from marginwatch.core.model import GROUPS, Account, times
from marginwatch.notify.draft import About, Draft
from marginwatch.notify.render import plainly, render
from marginwatch.ops.logs import log_surprise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from marginwatch.core.draft import Draft as Tick
    from marginwatch.core.engine import Decision
    from marginwatch.core.model import AccountKey, Value
    from marginwatch.core.route import Notice
    from marginwatch.core.state import Message
    from marginwatch.notify.templates import Templates

log = structlog.get_logger(__name__)


def no_link(_alert_id: str, _receiver: str, _now: datetime) -> str:
    """What stands for links where there is no page to lead to."""
    return ""


@dataclass(frozen=True, slots=True)
class Wording:
    """How messages are worded."""

    link_of: Callable[[str, str, datetime], str] = no_link
    """(alert_id, receiver, now) to the address of the alert's own page, empty for none."""
    page: str = ""
    """Where people see how all stands; empty for nowhere."""
    templates: Templates | None = None
    """The operator's own words, where there are any."""

    def worded(self, notice: Notice, decision: Decision) -> Message:
        """The message a notice becomes, its text fixed as of the decision."""
        told, draft = notice.transition, decision.draft
        try:
            return self._rendered(notice, self._about(notice, draft), draft.now)
        except Exception as error:  # noqa: BLE001  (the loop edge: better told in plain words than not at all)
            log_surprise(log, "the words of a message cannot be made", error, alert=told.alert_id, rule=told.key.rule)
            return plainly(notice)

    def _rendered(self, notice: Notice, about: About, now: datetime) -> Message:
        message = render(notice, about, now)
        return message if self.templates is None else self.templates.worded(message, Draft(notice, about, now, UTC))

    def _about(self, notice: Notice, draft: Tick) -> About:
        told = notice.transition
        key = told.key
        state = draft.account(key.account)
        account = Account(key.account, key.account.id or key.account.venue) if state is None else state.account
        fields = {} if state is None else {**state.known, **times(told.as_of, told.fetched_at)}
        worked = worked_out(draft, key.account, key.rule)
        currency = fields.get("currency")
        return About(
            account=account,
            fields={
                **fields,
                **{name: each.value for name, each in worked.items()},
                **{f"{POSITION}{name}": value for name, value in draft.position(key).items()},
            },
            meanings={name: each.meaning for name, each in worked.items()},
            rule=draft.ruling.rules.get(key.rule),
            currency=currency if isinstance(currency, str) else "",
            windows=draft.coverage.get(key, ()),
            current=_current(draft, key.account),
            link=self.link_of(told.alert_id, notice.receiver, draft.now),
        )


def _current(draft: Tick, account: AccountKey) -> Mapping[str, Value]:
    """What the account's latest answer said; nothing of a group's, and nothing after a restart before the first one."""
    state = draft.account(account)
    if state is None or state.said is None or account.venue == GROUPS or not isinstance(state.said[0], tuple):
        return {}
    nulls, missing = state.said[0]
    return {name: state.known[name] for name in _READ if name in state.known and name not in (*nulls, *missing)}


_READ = ("margin_excess", "equity", "margin_used")


PLAIN = Wording()
"""Without links."""
