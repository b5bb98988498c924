"""The `marginwatch` command: one file a subcommand, imported only when it is used."""

from __future__ import annotations

import atexit
import errno
import gc
import importlib
import os
import sys
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marginwatch.errors import InvalidInputError, MarginwatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "run": "Watch the accounts until stopped: the daemon.",
    "once": "Poll every venue once, deliver what follows, exit.",
    "demo": "Watch simulated accounts get into trouble and out of it.",
    "check": "Check the configuration and the rules.",
    "test": "Run the tests of rules.",
    "backtest": "Say what rules would have told of the past.",
    "plan": "Say what the rules on disk would change.",
    "backfill": "Import the history a venue keeps of its accounts.",
    "status": "Say whether to worry, in one screen.",
    "alerts": "List what is wrong now, or was.",
    "history": "List what happened, step by step.",
    "explain": "Say why a rule did, or did not, tell of an account.",
    "audit": "List who was told what on which data, and who did what.",
    "outbox": "List messages and what became of them.",
    "runbook": "Print what to do about an alert.",
    "ack": "Acknowledge an alert: stop its reminders.",
    "silence": "Hold messages back for a while; nothing is lost.",
    "forget": "Give up an account that its venue no longer lists.",
    "report": "Print or send how everything stands, as a report says it.",
    "notify-test": "Send a test message to the receivers.",
    "notify-failure": "Tell the receivers that systemd has given the service up.",
    "backup": "Copy the database while it is in use.",
    "restore": "Put a backup in the place of the database.",
    "schema": "Print the JSON Schema of config, rule or test files.",
    "completion": "Print the shell's completion script.",
}
"""Every subcommand and its one-line help, in the order the help shows them."""

BRIEF = frozenset(
    {"check", "status", "alerts", "history", "outbox", "runbook", "ack", "silence", "schema", "completion"}
)
"""Those that end before garbage could matter."""

USAGE = 2
"""Exit code when a command was called wrongly."""
OUTSIDE = 3
"""Exit code when something failed that is no mistake of whoever called."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, by the shells' custom."""


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What writing to a file that the shell opened may fail with."""


class OutputError(MarginwatchError):
    """What was to be printed has no room where it was to go."""

    exit_code = OUTSIDE

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"the output cannot be written: {(cause.strerror or str(cause)).lower()}")


class Commands(click.Group):
    """A group that lists its commands in the order they were made and suggests one for a misspelt name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        del ctx
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called, or a usage error that names the one that was probably meant."""
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not ctx.resilient_parsing:  # resilient while the shell completes a line
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"the commands are {', '.join(known)}"
            message = f"No such command {name}; {hint}"
            raise click.UsageError(message, ctx)
        return super().resolve_command(ctx, args)


class _Lazy(Commands):
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

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (as click declares it)
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _stop_writing()
            return 0
        except OSError as error:
            if error.errno not in FULL or error.filename is not None:
                raise
            _stop_writing()
            raise OutputError(error) from None
        return code


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="marginwatch", message="marginwatch %(version)s")
def cli() -> None:
    """Watch brokerage accounts and make sure a person hears about margin trouble in time.

    Exit codes: 0 good, 1 the input is wrong, 2 usage, 3 a venue, receiver or database failed. `run` exits 78 instead
    of 1.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error of ours ends as one sentence on stderr and its exit code."""
    _print_somewhere()
    if arguments is None and not BRIEF.isdisjoint(sys.argv[1:2]):
        _leave_garbage()
    try:
        code = cli.main(list(arguments) if arguments is not None else None, "marginwatch", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = USAGE
    except click.ClickException as error:
        click.echo(_sentence(error), err=True)
        code = error.exit_code
    except click.Abort:
        code = INTERRUPTED
    except InvalidInputError as error:
        from marginwatch.cli.problems import print_problems

        print_problems(error.problems)
        code = error.exit_code
    except MarginwatchError as error:
        from marginwatch.ops.redact import REDACTOR

        click.echo(REDACTOR.known(str(error)), err=True)
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _print_somewhere() -> None:
    """A caller may have closed a stream: what goes there vanishes, and no file of ours takes its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (because it stays open)


def _leave_garbage() -> None:
    """Looking for it among all that is imported, and once more at the end, would take a fifth of the time."""
    gc.disable()
    atexit.register(gc.freeze)


def _sentence(error: click.ClickException) -> str:
    """Click's message as one sentence of ours, with where to read more."""
    message = error.format_message()
    if isinstance(error, click.NoSuchOption):
        close = get_close_matches(error.option_name, error.possibilities or (), n=1)
        message = f"no such option {error.option_name}" + (f"; did you mean {close[0]}?" if close else "")
    # click sets choices in lines of their own, behind tabs.
    message = " ".join(message.split()).rstrip(".").replace(". Choose from:", "; choose from")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = "marginwatch" if context is None else context.command_path
    if isinstance(error, click.NoSuchOption) and path == "marginwatch":
        message += "; options come after the command"
    return f"{path}: {message[:1].lower()}{message[1:]} (`{path} --help` says more)"


def _stop_writing() -> None:
    """Nobody reads our output any more: let what is still buffered vanish, or Python would complain at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
