"""What commands print: JSON for programs, text for people. What a trace holds never reaches a terminal as a control sequence."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from spanbridge.exporters.span_tree import clean

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

FILE_WIDTH = 200
"""Columns of a line where the output is not a terminal."""
ID_CHARACTERS = 12
"""Characters of a trace id in lists: enough to tell traces apart, and to name one to `show`."""

_UNSAFE_IN_JSON = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def json_text(value: Any, *, indent: bool = True) -> str:
    """`value` as JSON in which a terminal finds nothing to act on: what JSON itself lets stand is escaped too."""
    import orjson  # noqa: PLC0415 - loads with the first document

    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    # Such characters occur inside of strings only, where an escape means the same.
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def print_json(value: Any, *, indent: bool = True) -> None:
    """Prints one JSON document in UTF-8, whatever the terminal's encoding."""
    click.echo(json_text(value, indent=indent).encode())


def make_console() -> Console:
    """A console for standard output that takes texts as they are."""
    from rich.console import Console  # noqa: PLC0415 - heavy, and needed for people only

    console = Console(markup=False, emoji=False, highlight=False, force_jupyter=False)
    if not console.file.isatty():
        console.width = FILE_WIDTH
    return console


def cell(value: Any, style: str = "") -> Text:
    """`value` as clean text on one line, cut at its column's edge; nothing for None."""
    from rich.text import Text  # noqa: PLC0415 - as above

    return Text("" if value is None else clean(str(value)), style=style, no_wrap=True, overflow="ellipsis")


def local_time(time_ns: int) -> str:
    """Nanoseconds since the epoch as the local date and time."""
    try:
        return datetime.fromtimestamp(time_ns / 1e9).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # a span that came from elsewhere may hold any number
        return str(time_ns)
