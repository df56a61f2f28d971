"""Exporters, bridges and stores that are asked for by name: found through entry points, loaded when named.

Any distribution may register its own under `spanbridge.exporters`, `spanbridge.bridges` or `spanbridge.stores`;
spanbridge's own come in by the same door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint


class PluginKind(NamedTuple):
    """A kind of plugin: its name, and its entry points' group."""

    noun: str
    group: str


EXPORTER = PluginKind("exporter", "spanbridge.exporters")
BRIDGE = PluginKind("bridge", "spanbridge.bridges")
STORE = PluginKind("store", "spanbridge.stores")

EXTRAS = {
    ("bridge", "datadog"): "datadog",
    ("bridge", "opentelemetry"): "opentelemetry",
    ("exporter", "datadog"): "llmobs",
    ("exporter", "otlp"): "otlp",
}
"""The extra of spanbridge that brings a plugin."""


def load_exporter(name: str) -> Any:
    """What the exporter `name` is made with: its class or factory.

    Raises ConfigurationError if there is none, or it cannot be loaded.
    """
    return _load(EXPORTER, name)


def load_bridge(name: str) -> Any:
    """What the bridge `name` is made with: its class or factory.

    Raises ConfigurationError if there is none, or it cannot be loaded.
    """
    return _load(BRIDGE, name)


def load_store(scheme: str) -> Any:
    """What a store whose address begins with `scheme` is made with.

    Raises ConfigurationError if there is none, or it cannot be loaded.
    """
    return _load(STORE, scheme)


def plugin_names(kind: PluginKind) -> list[str]:
    """The names of the installed plugins of a kind, none of them loaded."""
    return sorted({entry.name for entry in _entry_points(kind)})


def _load(kind: PluginKind, name: str) -> Any:
    entry = _find(kind, name)
    try:
        return entry.load()
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The {kind.noun} {name!r} needs the package {error.name!r}, which is not installed: "
            "install it, or remove the plugin's name."
        ) from error
    except Exception as error:
        # A plugin's module may raise anything when it is imported. Configuration may fail; it says what and why.
        raise ConfigurationError(
            f"The {kind.noun} {name!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error


def _find(kind: PluginKind, name: str) -> EntryPoint:
    entries = [entry for entry in _entry_points(kind) if entry.name == name]
    if not entries:
        raise ConfigurationError(_unknown(kind, name))
    if len({entry.value for entry in entries}) > 1:
        raise ConfigurationError(
            f"More than one installed distribution brings a {kind.noun} {name!r}: "
            f"{', '.join(sorted(entry.value for entry in entries))}. "
            "Uninstall all but one, or pass the instance that you mean."
        )
    return entries[0]


def _unknown(kind: PluginKind, name: str) -> str:
    known = plugin_names(kind)
    if not known and kind.group != BRIDGE.group:
        return (
            f"The {kind.noun} {name!r} is not known: spanbridge's own entry points are missing, so it was copied "
            "rather than installed. Install it, or keep its metadata (the .dist-info folder) in the bundle."
        )
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    if (extra := EXTRAS.get((kind.noun, name))) is not None:
        return f"The {kind.noun} {name!r} is not installed: pip install 'spanbridge[{extra}]'."
    close = get_close_matches(name, [*known, *(own for noun, own in EXTRAS if noun == kind.noun)], n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    return f"There is no {kind.noun} {name!r}.{guess} Installed: {', '.join(known) or 'none'}."


def _entry_points(kind: PluginKind) -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - heavy, and needed only where a plugin is named

    return entry_points(group=kind.group)
