"""`spanbridge media`: an image, a recording or a document that a span refers to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from spanbridge.cli.options import opened_store, reading_options
from spanbridge.cli.output import print_json
from spanbridge.errors import StoreError
from spanbridge.media.references import format_bytes
from spanbridge.media.sniffing import UNKNOWN, media_format

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE = 64


@click.command(short_help="Writes the media that a span refers to.")
@click.argument("sha256", metavar="SHA256")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The file to write; default: standard output, unless that is a terminal.",
)
@reading_options
def media(address: str | None, as_json: bool, sha256: str, output: Path | None) -> None:
    """Writes an image, a recording or a document: by its SHA-256, or the beginning of it, as `spanbridge show` gives it.

    With --json it tells the whole hash, the media type and the size.
    """
    with opened_store(address) as store:
        whole, data = _content(store, sha256.lower())
    if output is not None:
        try:
            output.write_bytes(data)
        except OSError as error:
            raise click.ClickException(f"cannot write {output}: {error.strerror}") from error
    if as_json:
        print_json({"sha256": whole, "media_type": (media_format(data) or UNKNOWN).media_type, "bytes": len(data)})
    elif output is not None:
        click.echo(f"{output}: {format_bytes(len(data))}")
    elif sys.stdout.isatty():
        raise click.UsageError("A terminal cannot show it: name a file with --output, or redirect the output.")
    else:
        click.echo(data, nl=False)


def _content(store: Any, prefix: str) -> tuple[str, bytes]:
    """The hash that begins with `prefix`, and its content."""
    get: Callable[[str], bytes | None] | None = getattr(store, "get_media", None)
    find: Callable[[str], list[str]] | None = getattr(getattr(store, "media", None), "find", None)
    if get is None:
        raise StoreError("this store keeps no media")
    found = [prefix] if len(prefix) == _WHOLE or find is None else find(prefix)
    if len(found) > 1:
        raise StoreError(f"{len(found)} contents begin with {prefix!r}: give more characters of the SHA-256")
    data = get(found[0]) if found else None
    if data is None:
        raise StoreError(
            f"the store holds no media {prefix!r}: its reference says why if it was never kept (`omitted`), "
            "else it has expired; `spanbridge show` gives the references"
        )
    return found[0], data
