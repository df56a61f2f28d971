"""Where settings stand outside code: environment variables, `spanbridge.toml`, `[tool.spanbridge]` in pyproject.toml.

The file is the first one that configures spanbridge, searched from the working folder upwards as far as the root of
its repository; in one folder `spanbridge.toml` is used and `pyproject.toml` is not looked at. A file that somebody else
could have planted is refused.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

VARIABLE_PREFIX = "SPANBRIDGE_"

_REPOSITORY_MARKERS = (".git", ".hg", ".jj")


@dataclass(frozen=True)
class Variable:
    """An environment variable that may give a setting, or one key of a variable that holds `key=value` pairs."""

    name: str
    key: str | None = None
    ignore_paths: bool = False
    """Whether a value that looks like a path is somebody else's."""

    def __str__(self) -> str:
        return self.name if self.key is None else f"{self.name} ({self.key})"

    def read(self, environ: Mapping[str, str]) -> str | None:
        """The value without the space around it; None where the variable is absent or blank."""
        value = environ.get(self.name, "").strip()
        if self.key is not None:
            pairs = (pair.partition("=") for pair in value.split(","))
            value = next((unquote(word).strip() for key, _, word in pairs if key.strip() == self.key), "")
        if self.ignore_paths and ("/" in value or "\\" in value):
            return None
        return value or None


@dataclass(frozen=True)
class ConfigurationFile:
    """The settings that a file holds, not checked yet, and how to name it."""

    values: Mapping[str, Any]
    origin: str


def find_configuration_file(folder: Path | None = None) -> ConfigurationFile | None:
    """The file that holds for `folder` (default: the working folder), or None.

    Raises ConfigurationError if the file is refused or broken.
    """
    try:
        start = (folder or Path.cwd()).resolve()
    except FileNotFoundError:
        # The working folder was deleted: nothing can stand in it.
        return None
    for place in (start, *start.parents):
        found = _read_spanbridge_toml(place / "spanbridge.toml") or _read_pyproject(place / "pyproject.toml")
        if found is not None:
            return found
        # Unlike Path.exists this is False, not an error, where the folder may not be entered.
        if any(os.path.exists(place / marker) for marker in _REPOSITORY_MARKERS):  # noqa: PTH110
            return None
    return None


def parse_toml(content: str) -> dict[str, Any]:
    """Raises ValueError where `content` is not TOML."""
    return import_module("tomllib" if sys.version_info >= (3, 11) else "tomli").loads(content)


def _read_spanbridge_toml(path: Path) -> ConfigurationFile | None:
    read = _read(path)
    if read is None:
        return None
    values, status = read
    _refuse_foreign(path, status)
    return ConfigurationFile(values, str(path))


def _read_pyproject(path: Path) -> ConfigurationFile | None:
    read = _read(path)
    if read is None:
        return None
    tables, status = read
    tool = tables.get("tool")
    values: Any = tool.get("spanbridge") if isinstance(tool, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if values is None:
        return None
    _refuse_foreign(path, status)
    origin = f"[tool.spanbridge] in {path}"
    if not isinstance(values, dict):
        raise ConfigurationError(f"{origin} is not a table: write [tool.spanbridge] on a line of its own.")
    return ConfigurationFile(values, origin)  # pyright: ignore[reportUnknownArgumentType]


def _read(path: Path) -> tuple[dict[str, Any], os.stat_result] | None:
    """The tables of a TOML file, and the status of the very file that they were read from."""
    try:
        file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115 - closed below
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if isinstance(error, PermissionError) and not os.access(path.parent, os.X_OK):
            # A parent folder that this user may not enter is not theirs to configure.
            return None
        raise ConfigurationError(f"The configuration file {path} cannot be read: {error.strerror}.") from error
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(f"The configuration file {path} cannot be read: it is not a regular file.")
        return _parse(path, file), status


def _open_without_waiting(path: str, flags: int) -> int:
    """Opens a pipe, too, at once: one that somebody planted would keep the application waiting for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _parse(path: Path, file: BinaryIO) -> dict[str, Any]:
    try:
        return parse_toml(file.read().decode("utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"The configuration file {path} is not valid TOML: {error}.") from error


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    """Refuses a file that others may write: they could send traces to themselves.

    Root may do so anyway, and owns the files of most containers.
    """
    if not hasattr(os, "geteuid"):
        return
    if status.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"The configuration file {path} is refused: it belongs to another user (uid {status.st_uid}), "
            f"who could redirect traces. Take it over with `chown {os.geteuid()} {path}`, or delete it."
        )
    if status.st_mode & stat.S_IWOTH:
        raise ConfigurationError(
            f"The configuration file {path} is refused: every user may write it, and so redirect traces. "
            f"Run `chmod o-w {path}`."
        )
