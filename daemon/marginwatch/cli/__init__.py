"""The `marginwatch` command: one file a subcommand, imported only when it is used."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import click

from marginwatch.errors import MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "run": "Watch the accounts until stopped: the daemon.",
    "once": "Poll every venue once, deliver what follows, exit.",
    "demo": "Watch simulated accounts on all three venues go through trouble and recover.",
    "check": "Check the configuration and the rules.",
    "status": "Whether to worry, in one screen.",
    "alerts": "List alerts.",
    "history": "List what happened, newest first.",
    "outbox": "List messages and what became of them.",
    "ack": "Acknowledge an alert: stop its reminders.",
    "silence": "Hold messages back for a while; nothing is lost.",
    "forget": "Give up an account that its venue no longer lists.",
    "notify-test": "Send a test message to the receivers.",
    "completion": "Print the shell's completion script.",
}
"""Every subcommand and its one-line help, in the order the help shows them."""


class _Lazy(click.Group):
    """Imports a subcommand's module when it is called, so that `--help` and `check` start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"marginwatch.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="marginwatch", message="marginwatch %(version)s")
def cli() -> None:
    """Watch brokerage accounts and make sure a person hears about margin trouble in time.

    Exit codes: 0 good, 1 the input is wrong, 2 usage, 3 a venue or receiver failed.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error of ours ends as one sentence on stderr and its exit code."""
    try:
        code = cli.main(list(arguments) if arguments is not None else None, "marginwatch", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except MarginwatchError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        sys.stderr.close()
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
