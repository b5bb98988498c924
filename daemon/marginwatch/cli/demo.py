"""`marginwatch demo`: trouble and recovery on simulated venues."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--once", is_flag=True, help="Play the story once, then exit.")
@click.option("--fast", is_flag=True, help="Seven times as fast.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port of the web server. Default: 8470, or a free one.")
def command(*, once: bool, fast: bool, port: int | None) -> None:
    """Watch simulated accounts on all three venues go through trouble and recover.

    Needs no account, no key and no network: the venues' real protocols are spoken on this machine. With --once it
    exits 3 if anything that should have been told was not.
    """
    from marginwatch.app.demo.play import Wanted, run_demo

    wrong = run_demo(Wanted(once=once, fast=fast, port=port))
    for sentence in wrong:
        click.echo(sentence, err=True)
    if wrong:
        sys.exit(3)
