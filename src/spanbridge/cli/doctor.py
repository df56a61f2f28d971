"""`spanbridge doctor`: what is on, what is off, why, and what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from spanbridge.cli.options import reading_options
from spanbridge.cli.output import cell, make_console, print_json

if TYPE_CHECKING:
    from spanbridge.configuration.doctor import Check

_STYLES = {"on": "green", "off": "yellow", "problem": "bold red"}


@click.command(short_help="Says what is on, why, and what to do.")
@reading_options
@click.pass_context
def doctor(context: click.Context, address: str | None, as_json: bool) -> None:
    """Says of each part of the configuration whether it is on, why, and what to do.

    Then it sends a span with a planted secret through the real chain to every exit, and says what arrived. Exit code 1: something is wrong.
    It sees environment variables and configuration files, not what an application passes to spanbridge.configure(...).
    """
    from spanbridge.configuration.doctor import examine  # noqa: PLC0415 - loads every part

    checks = examine({"store": address})
    healthy = all(check.state != "problem" for check in checks)
    if as_json:
        print_json({"healthy": healthy, "checks": [asdict(check) for check in checks]})
    else:
        _print(checks)
    context.exit(0 if healthy else 1)


def _print(checks: list[Check]) -> None:
    from rich.table import Table  # noqa: PLC0415 - heavy, and needed for people only

    table = Table(box=None, show_header=False, pad_edge=False)
    for overflow in ("ellipsis", "ellipsis", "fold"):
        table.add_column(overflow=overflow)
    for check in checks:
        why = cell(check.why)
        why.no_wrap = False
        why.overflow = "fold"
        if check.fix:
            why.append("\n→ ", style="bold").append_text(cell(check.fix, "bold"))
        table.add_row(cell(check.state, _STYLES[check.state]), cell(check.part, "bold"), why)
    make_console().print(table)
