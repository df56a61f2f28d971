"""Where a store is: its address, the default file, and `open_store`.

sqlite:///traces.db        a SQLite file, relative to the working directory
sqlite:////var/traces.db   a SQLite file by its absolute path
<scheme>://...             a store of a plugin: the entry point `<scheme>` in the group `spanbridge.stores`
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spanbridge.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.protocols import Store

ENTRY_POINT_GROUP = "spanbridge.stores"


def default_path() -> Path:
    """`traces.db` in the user's state directory, for example `~/.local/state/spanbridge/traces.db`."""
    from platformdirs import user_state_path  # noqa: PLC0415 - only for who names no store

    return user_state_path("spanbridge", appauthor=False) / "traces.db"


def default_address() -> str:
    """The address of the file that is used when no store is named."""
    return f"sqlite:///{default_path()}"


def sqlite_path(address: str) -> Path:
    """The absolute path in a `sqlite:` address; ConfigurationError where there is none."""
    path = address.removeprefix("sqlite:///")
    if path == address:
        raise ConfigurationError(
            f"store={address!r} is not an address: write sqlite:///traces.db (relative) or sqlite:////var/traces.db (absolute)"
        )
    if path in {"", "/", ":memory:"} or "\0" in path:
        raise ConfigurationError(
            f"store={address!r} names no file: write sqlite:///traces.db, or store=False for no store"
        )
    return Path(path).absolute()


def open_store(address: str | None = None, *, create: bool = False, max_bytes: int | None = None) -> Store:
    """Opens the store at `address` (default: the file in the user's state directory).

    Args:
        address: `sqlite:///...` or the address of an installed store plugin.
        create: Whether a store that does not exist is created; otherwise it is an error that says so.
        max_bytes: The size above which a write deletes the oldest ended traces; absent: the store's own default.

    Raises:
        ConfigurationError: The address is not understood; the message names it and the fix.
        StoreError: The store does not exist or cannot be opened.
    """
    if address is None:
        address = default_address()
    scheme = check_address(address)
    options = {} if max_bytes is None else {"max_bytes": max_bytes}
    if scheme == "sqlite":
        from spanbridge.storage.sqlite import SQLiteStore  # noqa: PLC0415 - loads sqlite3

        return SQLiteStore(address, create=create, **options)
    return _plugin(scheme)(address, create=create, **options)


def check_address(address: str) -> str:
    """The scheme of an address; ConfigurationError where it is not one. Opens nothing and imports no plugin."""
    if not isinstance(address, str):  # pyright: ignore[reportUnnecessaryIsInstance] - not every application is type checked
        raise ConfigurationError(
            f"store={address!r} is not an address: write text such as sqlite:///traces.db, for a path f'sqlite:///{{path}}'"
        )
    scheme, separator, _ = address.partition("://")
    if not separator or not scheme or scheme == "sqlite":
        # Also what is no address at all: the message there tells the forms.
        sqlite_path(address)
        return "sqlite"
    return scheme


def check_place(address: str) -> None:
    """ConfigurationError where no store would be safe at an address; see `files.check_place`.

    Creates nothing. What else is wrong there may be mended while the application runs.
    """
    if check_address(address) == "sqlite":
        from spanbridge.storage import files  # noqa: PLC0415 - only for who writes

        try:
            files.check_place(sqlite_path(address))
        except StoreError as error:
            if error.reason == files.NOT_PRIVATE:
                raise ConfigurationError(f"the store {address!r} is not safe: {error}") from error


def _plugin(scheme: str) -> Callable[..., Store]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - only for plugins

    plugins = {plugin.name: plugin for plugin in entry_points(group=ENTRY_POINT_GROUP)}
    if scheme not in plugins:
        known = ", ".join(sorted({"sqlite", *plugins}))
        # The rest of the address may hold a password.
        raise ConfigurationError(
            f"store: no store for addresses that begin with {scheme!r}; installed are: {known}. "
            "Install a distribution that brings it, or write sqlite:///traces.db"
        )
    return plugins[scheme].load()
