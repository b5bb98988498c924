"""What `/metrics` shows: how the watching goes, in Prometheus' words. Nothing of an account is in it.

Counters and histograms are filled as things happen; the rest is read when it is asked for.
"""

from __future__ import annotations

from collections import Counter as Tally
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.registry import Collector

from marginwatch import clock
from marginwatch.core.model import CycleEnd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from prometheus_client import Metric

    from marginwatch.app.polling import News
    from marginwatch.app.reload import Reloading
    from marginwatch.app.vitals import Vitals
    from marginwatch.core.outbox import AttemptOutcome
    from marginwatch.store.history import History
    from marginwatch.tick import Ticked

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""Seconds: a tick that takes longer is told of by the others."""
_SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60)


class Meters:
    """Everything that is counted and measured in this process, since its start."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        self._evaluation = self._histogram("evaluation_seconds", "Deciding one batch of answers", _QUICK)
        self._commit = self._histogram("commit_seconds", "Committing what was decided of it", _QUICK)
        self._cycle = Histogram(
            "marginwatch_cycle_seconds",
            "One full pass over a venue",
            ["venue"],
            buckets=_SLOW,
            registry=self.registry,
        )
        self._transitions = self._counter("transitions", "Steps that alerts took")
        self._messages = self._counter("messages", "Messages put in the outbox")
        self._attempts = self._counter("delivery_attempts", "Attempts to send a message", "receiver", "outcome")

    def _histogram(self, name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"marginwatch_{name}", what, buckets=buckets, registry=self.registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"marginwatch_{name}", what, labels, registry=self.registry)

    def arrived(self, news: News) -> None:
        """Something came from a venue."""
        if isinstance(news, CycleEnd):
            self._cycle.labels(news.venue).observe((news.ended_at - news.started_at).total_seconds())

    def ticked(self, ticked: Ticked) -> None:
        """A batch was decided and committed."""
        self._evaluation.observe(ticked.deciding)
        self._commit.observe(ticked.committing)
        self._transitions.inc(ticked.transitions)
        self._messages.inc(ticked.messages)

    def attempted(self, receiver: str, outcome: AttemptOutcome) -> None:
        """A message was sent, or was not taken."""
        self._attempts.labels(receiver, outcome.value).inc()

    def show(self, collector: Collector) -> None:
        """Have `collector` asked as well, each time."""
        self.registry.register(collector)

    def page(self) -> bytes:
        """All of it, in Prometheus' text format. It reads the database: not for the loop."""
        return generate_latest(self.registry)


class Gauges(Collector):
    """What is so at the moment it is asked for."""

    def __init__(self, vitals: Vitals, reloading: Reloading, history: History) -> None:
        self._vitals = vitals
        self._reloading = reloading
        self._history = history

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: the names are this program's own and meet no others."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every gauge."""
        now = clock.now()
        yield _gauge("build_info", "Always 1", [({"version": version("marginwatch")}, 1)])
        worry = self._vitals.worry(now)
        yield _gauge("well", "1 while the heartbeat beats, 0 while it keeps quiet", [({}, not worry)])
        yield from self._venues(now)
        yield from self._receivers(now)
        yield from self._alerts()
        rejected = self._reloading.rejected_at is not None
        yield _gauge("reload_rejected", "1 while what is on disk is not in force", [({}, rejected)])
        loaded = self._reloading.since.timestamp()
        yield _gauge("rules_loaded_timestamp_seconds", "When what is in force was loaded", [({}, loaded)])

    def _venues(self, now: datetime) -> Iterator[Metric]:
        ended = {each.venue.name: each.last_end for each in self._vitals.pollings}
        states = {state.venue: state for state in self._history.venue_states() if state.venue in ended}
        good = {name: state.last_good_at for name, state in states.items()}
        yield _gauge("poll_age_seconds", "Since the latest cycle of a venue ended", _ages(ended, now))
        paces = [({"venue": each.venue.name}, each.pace.total_seconds()) for each in self._vitals.pollings]
        yield _gauge("poll_interval_seconds", "Between the beginnings of two cycles of a venue, as chosen", paces)
        yield _gauge("good_answer_age_seconds", "Since a venue last gave good answers", _ages(good, now))
        failed = [({"venue": name}, state.failed_cycles) for name, state in states.items()]
        yield _gauge("failed_cycles", "Cycles of a venue that failed as a whole, in a row", failed)
        listed = Tally(state.account.key.venue for state in self._history.account_states())
        accounts = [({"venue": name}, listed[name]) for name in ended]
        yield _gauge("accounts", "Accounts of a venue that are remembered", accounts)

    def _receivers(self, now: datetime) -> Iterator[Metric]:
        found = self._vitals.receivers
        waiting = [({"receiver": name}, health.waiting) for name, health in found.items()]
        oldest = [
            ({"receiver": name}, 0 if health.oldest is None else (now - health.oldest).total_seconds())
            for name, health in found.items()
        ]
        dead = [({"receiver": name}, health.dead) for name, health in found.items()]
        failing = [({"receiver": name}, health.failing_since is not None) for name, health in found.items()]
        yield _gauge("outbox_messages", "Messages to a receiver that wait", waiting)
        yield _gauge("outbox_oldest_age_seconds", "Since the oldest of them was written; 0 without one", oldest)
        yield _gauge("dead_letters", "Messages to a receiver that were given up", dead)
        yield _gauge("receiver_failing", "1 while a receiver takes no messages", failing)

    def _alerts(self) -> Iterator[Metric]:
        counted = self._history.open_alerts()
        found = [({"status": status, "severity": label}, number) for (status, label), number in counted.items()]
        yield _gauge("open_alerts", "Alerts that are pending or firing", found)


def _gauge(name: str, what: str, samples: Iterable[tuple[dict[str, str], float]]) -> Gauge:
    samples = list(samples)
    labels = list(samples[0][0]) if samples else []
    family = Gauge(f"marginwatch_{name}", what, labels=labels or None)
    for found, value in samples:
        family.add_metric(list(found.values()), float(value))
    return family


def _ages(times: dict[str, datetime | None], now: datetime) -> list[tuple[dict[str, str], float]]:
    return [({"venue": name}, (now - at).total_seconds()) for name, at in times.items() if at is not None]
