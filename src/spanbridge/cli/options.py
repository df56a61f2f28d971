"""Options that several commands share, and the store that they lead to."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

store_option = click.option(
    "--store", "address", metavar="ADDRESS", help="The store, such as sqlite:///traces.db. Default: the configured one."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs instead of text for people."
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every command has that reads a store: `--store` and `--json`."""
    return store_option(json_option(command))


@contextmanager
def opened_store(address: str | None) -> Generator[Any]:
    """The store at `address`, else the configured one, else the default; closed at the end of the block.

    Raises:
        ConfigurationError: The address or the configuration is wrong, or the configuration switches the store off.
        StoreError: There is no such store, or it cannot be read.
    """
    from spanbridge.storage.location import open_store  # noqa: PLC0415 - commands that read nothing need no storage

    store = open_store(configured_address() if address is None else address)
    try:
        yield store
    finally:
        store.close()


def configured_address() -> str | None:
    """The store's address in environment variables and configuration files; None where they name none."""
    from spanbridge.configuration.settings import resolve_settings  # noqa: PLC0415 - only for who names no store

    settings = resolve_settings({})
    if settings.store is False:
        raise ConfigurationError(
            f"the store is switched off ({settings.origins['store']}): name the one that you mean with --store"
        )
    return settings.store


def seconds_ago(_context: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    """For an option's `callback`: the seconds of a time ago such as 90s, 30m, 2h, 7d or 1w."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", value)
    if match is None:
        raise click.BadParameter(f"{value!r}: write a whole number and a unit, as in 90s, 30m, 2h, 7d or 1w")
    return int(match[1]) * _UNIT_SECONDS[match[2]]


_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
