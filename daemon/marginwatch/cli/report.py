"""`marginwatch report`: how everything stands, in the words of a report."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import config_option, json_option, opened
from marginwatch.cli.output import emit_json

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.app.reading import Reading
    from marginwatch.notify.report import Report


@click.command()
@click.option("--send", "receiver", metavar="RECEIVER", help="Send it to this receiver instead, by the running daemon.")
@config_option
@json_option
def command(*, receiver: str | None, config: Path | None, as_json: bool) -> None:
    """Print a report as it would be sent now: that marginwatch is alive, how things stand, what was sent."""
    from marginwatch import clock
    from marginwatch.app.phrasing import page_of
    from marginwatch.app.reports import ON_REQUEST, report_of
    from marginwatch.notify.report import report_message, text_of

    with opened(config) as reading:
        if receiver is not None:
            _check(receiver, reading)
        now = clock.now()
        rules = {rule.id: rule for rule in reading.rules}
        report = report_of(reading.store, reading.settings, rules, now, ON_REQUEST)
        if receiver is not None:
            reading.store.outbox.queue([report_message(report, receiver, page_of(reading.settings))], now)
    if as_json:
        emit_json(_document(report, receiver))
    elif receiver is not None:
        click.echo(f"It is in the outbox for {receiver}; the running daemon sends it.")
    else:
        click.echo(text_of(report, tail=""), nl=False)


def _check(receiver: str, reading: Reading) -> None:
    from marginwatch.config.suggest import did_you_mean

    known = [each.name for each in reading.settings.receivers]
    if receiver not in known:
        hint = did_you_mean(receiver, known) or f"there are: {', '.join(known)}"
        message = f"There is no receiver {receiver}; {hint}"
        raise click.UsageError(message)


def _document(report: Report, receiver: str | None) -> dict[str, object]:
    said = asdict(report)
    alerts = [
        {**asdict(entry), "severity": entry.severity.label, "state": entry.state.value} for entry in report.alerts
    ]
    return {**said, "alerts": alerts, "queued_for": receiver}
