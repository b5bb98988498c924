"""Why a rule did, or did not, tell of an account: now, or at a moment of the past.

what is meant      rule, account and position, as somebody wrote them
what was answered  recalled from the store, and looked at with the rule as it is today
where it stood     now: the stored alert; in the past: decided again by the engine, beside what was recorded
what surrounds it  silences, acknowledgements, receivers, messages
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from marginwatch.app.build import ruling_of
from marginwatch.app.explain import around
from marginwatch.app.explain.find import UnknownSubjectError, find_account, find_rule
from marginwatch.app.explain.look import View, look, worst
from marginwatch.app.explain.model import Explanation, Standing
from marginwatch.app.explain.recall import recall
from marginwatch.app.explain.record import FARTHEST, OPEN, Record
from marginwatch.app.explain.ways import calls, ways
from marginwatch.app.heldback import held_from
from marginwatch.core.alert import Status
from marginwatch.core.draft import OURS
from marginwatch.core.machine import Policy, remind_at
from marginwatch.core.model import GROUPS, Account
from marginwatch.core.result import AlertKey
from marginwatch.core.rule import RuleKind
from marginwatch.notify.words import moment, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from marginwatch.app.explain.recall import Recalled
    from marginwatch.app.explain.ways import Way
    from marginwatch.app.heldback import HeldBack
    from marginwatch.app.reading import Reading
    from marginwatch.core.alert import Acknowledgement, Alert
    from marginwatch.core.model import Value
    from marginwatch.core.rule import Rule
    from marginwatch.core.ruling import Ruling


_AGAIN: Final = timedelta(days=2)
"""An alert that began longer before is not decided again: it would take minutes."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know."""

    rule: str
    account: str
    now: datetime
    at: datetime | None = None
    """A moment of the past; None for now."""
    subject: str = ""


def explain(reading: Reading, question: Question) -> Explanation:
    """The answer.

    Raises:
        UnknownRuleError: There is no such rule.
        UnknownAccountError: No account is called so.
        AmbiguousAccountError: Several are.
        UnknownSubjectError: The rule saw no such position.
    """
    rule = find_rule(reading, question.rule)
    key = find_account(reading, question.account, venues=rule.kind is RuleKind.HEALTH)
    asked = () if rule.kind is RuleKind.HEALTH else (rule,)
    ruling = ruling_of(reading.settings, replace(reading.loaded, rules=asked), reading.kinds)
    return _Explaining(reading, question, rule, Account(key, reading.name(key)), ruling).explanation()


class _Explaining:
    """One question on its way to its answer."""

    def __init__(self, reading: Reading, question: Question, rule: Rule, account: Account, ruling: Ruling) -> None:
        """`ruling` holds the one rule and no other of the user's."""
        self._reading = reading
        self._question = question
        self._rule = rule
        self._account = account
        self._ruling = ruling
        self._at = question.at or question.now
        self._past = question.at is not None
        watch = ruling.venues.get(account.key.venue)
        self._watch = watch
        self._stale_after = OURS if watch is None else watch.stale_after
        self._lead = 2 * self._stale_after + (timedelta(0) if watch is None else 3 * watch.slowest)
        self._record = Record.of(reading.store.history, rule.id, account.key, self._at)
        self._too_long = any(began < self._at - _AGAIN for began in self._began())

    def explanation(self) -> Explanation:
        """All of it."""
        excluded = around.exclusion(self._ruling, self._rule, self._account)
        judged = not excluded and self._rule.kind is not RuleKind.HEALTH
        recalled = self._recall() if judged else None
        view = None if recalled is None else self._view(recalled)
        subject = self._subject(view)
        key = AlertKey(self._rule.id, self._account.key, subject)
        recorded = self._record.latest().get(subject)
        alert = self._alert(key, recalled)
        given = None if alert is None else around.acknowledgement(self._reading, alert, self._record.steps, self._at)
        episode = alert.alert_id if alert is not None else recorded.alert_id if recorded is not None else ""
        messages = tuple(around.sent(self._reading, episode, self._at)) if episode else ()
        goes_on = alert is not None or (self._past and recorded is not None and recorded.after in OPEN)
        told = Counter(each.row.message.receiver for each in messages) if goes_on else {}
        return Explanation(
            now=self._question.now,
            at=self._at,
            rule=self._rule,
            account=self._account,
            subject=subject,
            excluded=excluded,
            notes=tuple(self._notes(recalled)),
            currency=self._currency(recalled),
            look=None if view is None else look(view, subject),
            standing=self._standing(alert, recalled, given),
            recorded=recorded,
            agrees=self._record.agrees(alert, subject) if self._decides(recalled) else None,
            acknowledgement=given,
            silences=around.silences(self._reading, self._rule.id, self._ruling.described(self._account), self._at),
            holds=self._holds(alert),
            receivers=tuple(around.hearings(self._reading, self._ruling, told, self._ways(alert), self._at)),
            calls=calls(self._ruling, self._account, alert, acknowledged=given is not None),
            sent=messages,
            steps=tuple(self._record.near(subject)),
        )

    def _holds(self, alert: Alert | None) -> tuple[HeldBack, ...]:
        waiting = "" if alert is None or self._past else alert.alert_id
        return tuple(
            held_from(self._reading, self._ruling, self._account, self._rule.id, at=self._at, alert_id=waiting)
        )

    def _ways(self, alert: Alert | None) -> dict[str, tuple[Way, ...]]:
        return ways(self._ruling, self._rule, self._account, alert, self._at)

    def _recall(self) -> Recalled | None:
        if self._past:
            return self._recall_past()
        state = self._reading.accounts.get(self._account.key)
        if state is None or state.fetched_at is None:
            return None
        return self._recall_from(state.fetched_at - self._lead)

    def _recall_past(self) -> Recalled:
        begin = self._at - self._rule.hold - self._rule.clear_for - self._lead
        found = self._recall_from(min([begin, *(() if self._too_long else self._began())]))
        if found.sight is None:  # it had been silent for longer: the last that it said is stored from before
            earlier = self._reading.store.history.prior(self._at).accounts.get(self._account.key)
            if earlier is not None and earlier.fetched_at is not None:
                return self._recall_from(earlier.fetched_at - self._lead)
        return found

    def _recall_from(self, begin: datetime) -> Recalled:
        begin = max(begin, self._at - FARTHEST)
        return recall(self._reading.store.history, self._ruling, self._account, begin, self._at)

    def _began(self) -> Iterator[datetime]:
        """When the alerts that were open then began, and a little before."""
        for step in self._record.open():
            alert = self._reading.store.history.alert(step.alert_id)
            started = step.at if alert is None else alert.started_at or alert.active_at
            yield min(started, step.active_at or started) - self._lead

    def _view(self, recalled: Recalled) -> View | None:
        watch, sight = self._watch, recalled.sight
        if watch is None or sight is None:
            return None
        rules = self._ruling.rules_of(watch, self._account)
        last = self._last_known(recalled)
        # What the answer does not say was last known before it.
        gaps = {name: value for name, value in last.items() if sight.observation.fields.get(name) is None}
        before = replace(sight.before, known={**gaps, **sight.before.known})
        return View(
            applied=rules.applied[rules.numbers[self._rule.id]],
            catalogue=rules.catalogue,
            sight=replace(sight, before=before),
            last=last,
            lost=self._lost(recalled),
        )

    def _last_known(self, recalled: Recalled) -> Mapping[str, Value]:
        accounts = recalled.memory.accounts if self._past else self._reading.accounts
        state = accounts.get(self._account.key)
        return {} if state is None else state.known

    def _lost(self, recalled: Recalled) -> str:
        assert recalled.sight is not None
        assert self._watch is not None
        observation = recalled.sight.observation
        if recalled.failure is not None:
            at = moment(recalled.failure.at, self._question.now)
            return f"no good answer since then, the latest at {at}: {recalled.failure.told}"
        silent = self._at - observation.fetched_at
        if silent > self._stale_after:
            return f"nothing was heard of the account for {span(silent)}"
        return self._watch.too_old(observation)

    def _subject(self, view: View | None) -> str:
        wanted, rule = self._question.subject, self._rule
        latest = self._record.latest()
        if wanted:
            known = [name for name, _ in (view.positions or ()) if rule.each] if view is not None else []
            names = dict.fromkeys([*known, *filter(None, latest)])
            if wanted not in names:
                raise UnknownSubjectError(rule.id, wanted, tuple(names))
            return wanted
        still = list(self._record.open())
        if still:
            return max(still, key=lambda step: (step.after is Status.FIRING, step.severity)).key.subject
        if rule.each and view is not None:
            return worst(view)
        return next(reversed(latest), "") if rule.kind is RuleKind.HEALTH or rule.each else ""

    def _alert(self, key: AlertKey, recalled: Recalled | None) -> Alert | None:
        """The open one: as stored, or in the past as decided again."""
        if self._past:
            if recalled is None or not self._decides(recalled):
                return None
            return recalled.memory.open.get(key.account, {}).get(key)
        found = self._reading.store.history.alerts(rule=key.rule, account=key.account)
        return next((alert for alert in found if alert.key == key), None)

    def _decides(self, recalled: Recalled | None) -> bool:
        """Whether a moment of the past can be decided again: what a group says is put together from its accounts."""
        alone = self._account.key.venue != GROUPS
        return self._past and alone and not self._too_long and recalled is not None and recalled.sight is not None

    def _standing(self, alert: Alert | None, recalled: Recalled | None, given: Acknowledgement | None) -> Standing:
        policy = Policy(self._stale_after, given is not None, "")
        accounts = self._reading.accounts if not self._past else {} if recalled is None else recalled.memory.accounts
        state = accounts.get(self._account.key)
        return Standing(
            alert=alert,
            reminder_at=None if alert is None else remind_at(self._rule, alert, policy),
            blind_since=None if state is None else state.blind.get(self._rule.id),
        )

    def _notes(self, recalled: Recalled | None) -> Iterator[str]:
        if self._reading.loaded.problems:
            yield "a rule file is wrong just now, `marginwatch check` says where"
        then, today = "" if recalled is None else recalled.revision, self._reading.loaded.revision
        book = self._reading.store.rulebooks.in_force(self._question.at)
        edited = around.edited(self._rule, then, today, book, past=self._past)
        if edited:
            yield edited
        if recalled is not None and recalled.sight is None:
            yield f"no answer of the account is stored from about {moment(self._at, self._question.now)}"
        if self._past and self._too_long:
            yield f"its alert began more than {span(_AGAIN)} before, so its state is as recorded and not decided again"
        if recalled is not None and recalled.thinned and self._past:
            yield "not every answer of that time is stored any more, so short changes and clocks may be off"

    def _currency(self, recalled: Recalled | None) -> str:
        if recalled is None:
            return ""
        said = {} if recalled.sight is None else recalled.sight.observation.fields
        currency = said.get("currency") or self._last_known(recalled).get("currency")
        return currency if isinstance(currency, str) else ""
