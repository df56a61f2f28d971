"""`spanbridge redact`: a file or a pipe with its secrets replaced, or the reasons for it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from spanbridge.cli.filtering import filter_options, make_filter
from spanbridge.cli.options import json_option
from spanbridge.cli.output import cell, make_console, print_json
from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.processors.walk import Finding

_ERRORS = "surrogateescape"
"""Bytes that are no UTF-8 come out as they went in."""


@click.command(short_help="Replaces the secrets in a file or a pipe.")
@click.argument("file", type=click.File("rb"), metavar="FILE|-")
@click.option("--explain", is_flag=True, help="Print what would go: rule, line, place; never the value.")
@click.option(
    "--style",
    type=click.Choice(("full", "partial", "indexed")),
    default="full",
    show_default=True,
    help="How a value is replaced.",
)
@json_option
@filter_options
def redact(file: IO[bytes], explain: bool, style: str, as_json: bool, **options: Any) -> None:
    """Prints a file, or standard input, with its secrets replaced; everything else stays byte for byte.

    Text of any kind: logs, configuration, source code, JSON documents, JSON lines.
    """
    if as_json and not explain:
        raise click.UsageError("--json goes with --explain: without it the text itself is printed.")
    redactor = make_filter(style=style, **options)
    text = file.read().decode("utf-8", _ERRORS)
    if not explain:
        click.echo(redactor.redact(text).encode("utf-8", _ERRORS), nl=False)
        return
    try:
        findings = redactor.explain(text)
    except Exception as error:  # noqa: BLE001 - any rule may raise; only the class is told, its message may quote the text
        raise ConfigurationError(
            f"the text cannot be looked at ({type(error).__name__}): `redact` withholds it whole"
        ) from None
    rows = [_row(finding, text) for finding in sorted(findings, key=lambda finding: finding.offset)]
    if as_json:
        print_json(rows)
    else:
        _print(rows)


def _row(finding: Finding, text: str) -> dict[str, Any]:
    before = text[: finding.offset]
    row: dict[str, Any] = {"rule": finding.rule, "line": before.count("\n") + 1}
    if finding.path:
        row["path"] = finding.path
    else:
        row["column"] = len(before) - before.rfind("\n")
    row["length"] = finding.length
    return row


def _print(rows: Sequence[dict[str, Any]]) -> None:
    from rich.table import Table  # noqa: PLC0415 - heavy, and needed for people only

    if not rows:
        click.echo("nothing to redact")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("rule", "line", "where", "characters"):
        table.add_column(heading)
    for row in rows:
        place = row.get("path") or f"column {row['column']}"
        table.add_row(*map(cell, (row["rule"], row["line"], place, row["length"])))
    make_console().print(table)
