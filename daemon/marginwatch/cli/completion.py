"""`marginwatch completion SHELL`: the script that completes commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL: bash, zsh or fish.

    For example in ~/.bashrc: eval "$(marginwatch completion bash)"
    """
    from marginwatch.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None  # the choices are the shells click knows
    click.echo(kind(cli, {}, "marginwatch", "_MARGINWATCH_COMPLETE").source())
