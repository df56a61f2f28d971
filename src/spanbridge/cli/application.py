"""The group of commands, and what becomes of their errors."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

import click

import spanbridge
from spanbridge.cli.demo import demo
from spanbridge.cli.doctor import doctor
from spanbridge.cli.media import media
from spanbridge.cli.redact import redact
from spanbridge.cli.scan import scan
from spanbridge.cli.show import show
from spanbridge.cli.stats import stats
from spanbridge.cli.tail import tail
from spanbridge.cli.traces import traces
from spanbridge.errors import SpanbridgeError
from spanbridge.exporters.span_tree import clean

COMMANDS = (demo, traces, show, media, tail, stats, doctor, redact, scan)


class Application(click.Group):
    """Turns the errors that spanbridge raises into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A trace holds characters that not every terminal's encoding knows.
            sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportUnknownMemberType] - generic in its buffer only
        try:
            return super().invoke(ctx)
        except SpanbridgeError as error:
            # Messages quote what was asked for and what was found: either may hold terminal escapes.
            raise click.ClickException(clean(str(error))) from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [command.name for command in COMMANDS if command.name]


@click.group(cls=Application, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(spanbridge.__version__, prog_name="spanbridge")
def application() -> None:
    """Traces of AI agents, on your own disk.

    Reading commands take the store from --store, else from the configuration (SPANBRIDGE_STORE, spanbridge.toml, pyproject.toml), else
    the file in your user's state folder.
    """


_OUTPUT_ERRORS = frozenset((errno.ENOSPC, errno.EFBIG, errno.EIO))
"""What a full or broken output says; an error of anything else is told as what it is."""


def main() -> None:
    """Runs the command that the arguments name, and exits."""
    try:
        application(prog_name="spanbridge")
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_ERRORS:
            raise
        # What is still buffered would fail again as the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        failure = click.ClickException(f"the output cannot be written ({error.strerror}): send it to another place")
        failure.show()
        sys.exit(failure.exit_code)
