"""`marginwatch forget`: give up an account that its venue no longer lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from marginwatch.cli.options import AccountType, by_option, config_option, opened

if TYPE_CHECKING:
    from pathlib import Path

    from marginwatch.core.model import AccountKey


@click.command()
@click.argument("account", type=AccountType())
@by_option("Who asks.")
@config_option
def command(*, account: AccountKey, by: str, config: Path | None) -> None:
    """Close the alerts of ACCOUNT (VENUE/ID or VENUE/NAME) and forget it; its history stays.

    The daemon does it at its next tick. An account that its venue still lists comes back as a new one.
    """
    from marginwatch import clock
    from marginwatch.store.errors import AccountNotFoundError

    with opened(config) as reading:
        found = reading.account(account)
        if found not in reading.accounts:
            raise AccountNotFoundError(account, reading.written_accounts())
        name = reading.name(found)
        listed = not reading.accounts[found].missing and found.venue in {each.name for each in reading.settings.venues}
        reading.store.operators.forget(found, by=by, now=clock.now())
    shown = f"{found} ({name})" if name != found.id else str(found)
    click.echo(f"{shown} will be forgotten at the daemon's next tick")
    if listed:
        click.echo(
            f"note: {found.venue} still lists it: it comes back as a new account, and its alerts as new", err=True
        )
