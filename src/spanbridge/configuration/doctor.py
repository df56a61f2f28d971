"""What is on, what is off, why, and what to do: one check per part, in a table; the last ones send a canary to every exit.

A part is "on" or "off" as the configuration says, or a "problem": then something does not work as configured, or a secret got through.
"""

from __future__ import annotations

import os
import platform
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spanbridge.configuration.masking import display
from spanbridge.configuration.plugins import load_exporter, load_store
from spanbridge.configuration.settings import Settings, resolve_settings, settings_rows
from spanbridge.errors import ConfigurationError, SpanbridgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LOCK_TIMEOUT_S = 2.0
"""How long the check of the store waits for other processes that write."""

State = Literal["on", "off", "problem"]


@dataclass(frozen=True)
class Check:
    """What was found out about one part."""

    part: str
    state: State
    why: str
    fix: str = ""
    """What to do about it; empty where there is nothing to do."""


def examine(
    arguments: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] = os.environ, folder: Path | None = None
) -> list[Check]:
    """Examines a configuration, part by part.

    Args:
        arguments: What would be passed to `spanbridge.configure(...)`. Exporters and stores among them are used and then shut down.
        environ: The environment variables.
        folder: Where the search for a configuration file starts; default: the working folder.
    """
    try:
        settings = resolve_settings(arguments or {}, environ=environ, folder=folder)
    except ConfigurationError as error:
        wrong = Check("configuration", "problem", str(error), "correct it: nothing else can be checked before")
        return [wrong, *check_versions()]
    checks = [check for examine_part in PARTS for check in examine_part(settings)]
    if not settings.disabled:
        from spanbridge.configuration.canary import send_canary  # noqa: PLC0415 - builds every part

        checks.extend(send_canary(settings))
    return checks


def check_configuration(settings: Settings) -> Iterator[Check]:
    """Whether anything is configured, and from where."""
    origins = sorted({origin for origin in settings.origins.values() if origin != "default"})
    if origins:
        yield Check(
            "configuration",
            "on",
            f"from {', '.join(origins)}; it takes effect when the application calls spanbridge.configure(...)",
        )
    else:
        yield Check(
            "configuration",
            "off",
            "not configured here: no environment variable, no spanbridge.toml, no [tool.spanbridge] in pyproject.toml; "
            "what follows are the defaults",
            "spanbridge is off until spanbridge.configure(...) is called: call it where the application starts",
        )


def check_settings(settings: Settings) -> Iterator[Check]:
    """Every setting that is not the default, with its value and its origin."""
    for row in settings_rows(settings):
        if row.origin != "default":
            yield Check(f"setting {row.name}", "on", f"{row.value} ({row.origin})")


def check_kill_switch(settings: Settings) -> Iterator[Check]:
    origin = settings.origins["disabled"]
    if settings.disabled:
        yield _switched_off("tracing", origin, "nothing is recorded", "disabled")
    else:
        yield Check("tracing", "on", "not switched off")


def _switched_off(part: str, origin: str, consequence: str, setting: str) -> Check:
    return Check(part, "off", f"switched off ({origin}): {consequence}", f"remove {setting} ({origin})")


def check_identity(settings: Settings) -> Iterator[Check]:
    """The names that are stamped on every span."""
    if settings.origins["service_name"] == "default":
        yield Check(
            "service name",
            "on",
            "not set: the name of the script or module that runs",
            "set SPANBRIDGE_SERVICE_NAME, or pass service_name=",
        )
    else:
        yield Check("service name", "on", f"{display(settings.service_name)} ({settings.origins['service_name']})")
    origin = settings.origins["environment"]
    unset = origin == "default"
    why = f"{display(settings.environment)} ({'no variable says which' if unset else origin})"
    yield Check(
        "environment", "on", why, "set SPANBRIDGE_ENVIRONMENT where the application is deployed" if unset else ""
    )


def check_sampling(settings: Settings) -> Iterator[Check]:
    origin = settings.origins["sampling"]
    if settings.sampling == 1:
        yield Check("sampling", "off", f"every trace is recorded ({origin})")
    elif settings.sampling == 0:
        yield Check("sampling", "on", f"no trace is recorded ({origin})", "set sampling above 0 to record")
    else:
        yield Check("sampling", "on", f"{display(settings.sampling)} ({origin})")


def check_store(settings: Settings) -> Iterator[Check]:
    """Where the store is, and whether it can be written."""
    from spanbridge.storage.location import check_address, sqlite_path  # noqa: PLC0415 - as every part here

    origin = settings.origins["store"]
    if settings.store is False:
        yield _switched_off("store", origin, "spans go to the exporters only", "store")
        return
    address = store_address(settings)
    try:
        scheme = check_address(address)
        if scheme == "sqlite":
            yield _check_sqlite(sqlite_path(address), origin)
        else:
            load_store(scheme)
            yield Check("store", "on", f"{display(address)} ({origin})")
    except SpanbridgeError as error:
        yield Check("store", "problem", str(error), "correct the store's address, or remove it for the default file")


def check_media(settings: Settings) -> Iterator[Check]:
    """Whether images, audio and documents are kept, and where."""
    from spanbridge.storage.location import sqlite_path  # noqa: PLC0415 - as every part here
    from spanbridge.storage.media_folder import MediaFolder, folder_beside  # noqa: PLC0415

    if not settings.media:
        yield _switched_off("media", settings.origins["media"], "spans hold references to them only", "media")
        return
    if settings.store is False:
        yield Check("media", "off", "there is no store to keep them beside: spans hold references to them only")
        return
    address = store_address(settings)
    if not address.startswith("sqlite:"):
        yield Check("media", "on", "kept if the store keeps media")
        return
    with suppress(ConfigurationError):  # the check of the store has said so
        folder = folder_beside(sqlite_path(address))
        if not folder.exists():
            yield Check("media", "on", f"{folder} will be created with the first image, recording or document")
        elif not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            fix = "make it a folder that this user can write, or switch media off: SPANBRIDGE_MEDIA=false"
            yield Check("media", "problem", f"{folder} is no folder that can be written: no content is kept", fix)
        else:
            size = MediaFolder(folder).size_bytes()
            yield Check("media", "on", f"{folder}, {size:,} of at most {settings.store_media_max_bytes:,} bytes")


def _check_sqlite(path: Path, origin: str) -> Check:
    from spanbridge.storage.files import identity, is_local, require_own_folder  # noqa: PLC0415 - as every part here

    place = "local file system" if is_local(path) else "shared or unknown file system: written without WAL, slower"
    if path.parent.is_dir():
        require_own_folder(path.parent)
    if identity(path) is None:
        folder = nearest_folder(path)
        if not os.access(folder, os.W_OK | os.X_OK):
            return Check("store", "problem", f"{path} does not exist and {folder} cannot be written", _STORE_FIX)
        return Check("store", "on", f"{path} ({origin}) will be created with the first span; {place}")
    size = sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists())
    try:
        schema = _writable_schema(path)
    except sqlite3.Error as error:
        return Check("store", "problem", f"{path} ({origin}) cannot be written: {error}", _STORE_FIX)
    return Check("store", "on", f"{path} ({origin}), schema {schema}, {size:,} bytes, writable; {place}")


def _writable_schema(path: Path) -> int:
    """The schema version of a store that can be written; raises StoreError or sqlite3.Error where it is none or cannot."""
    from spanbridge.storage.migrations import schema_version  # noqa: PLC0415 - as every part here

    with closing(
        sqlite3.Connection(f"{path.as_uri()}?mode=rw", uri=True, timeout=LOCK_TIMEOUT_S, isolation_level=None)
    ) as connection:
        found = schema_version(connection, str(path))
        # Takes the lock that a write takes, and writes nothing.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    return found


_STORE_FIX = "make the file and its folder writable for this user, or name another file: SPANBRIDGE_STORE=sqlite:////path/traces.db"


def check_sensitive_data(settings: Settings) -> Iterator[Check]:
    origin = settings.origins["sensitive_data"]
    if settings.sensitive_data is False:
        yield _switched_off("sensitive-data filter", origin, "secrets are recorded as they are", "sensitive_data")
        return
    from spanbridge.processors.matcher import NativePrefilter, make_prefilter  # noqa: PLC0415 - loads re2
    from spanbridge.processors.sensitive_data import SensitiveDataFilter  # noqa: PLC0415 - compiles its patterns

    used = SensitiveDataFilter() if settings.sensitive_data is True else settings.sensitive_data
    if not isinstance(used, SensitiveDataFilter):
        yield Check("sensitive-data filter", "on", f"{display(used)} ({origin})")
    elif not isinstance(make_prefilter(used.probes), NativePrefilter):
        yield Check(
            "sensitive-data filter",
            "on",
            f"({origin}), engine re: the same verdicts, slower",
            "install google-re2, where it has a wheel for this platform",
        )
    elif find_spec("hyperscan") is None:
        yield Check(
            "sensitive-data filter",
            "on",
            f"({origin}), engine re2: the same verdicts, slower with new text",
            "install hyperscan, where it has a wheel for this platform",
        )
    else:
        yield Check("sensitive-data filter", "on", f"({origin}), engines re2 and hyperscan")


def check_processors(settings: Settings) -> Iterator[Check]:
    from spanbridge.pipeline.chain import processor_name  # noqa: PLC0415 - as every part here

    if not settings.processors:
        yield Check("processors", "off", "none of your own (they can be passed in code only)")
    for processor in settings.processors:
        yield Check(f"processor {processor_name(processor)}", "on", f"({settings.origins['processors']})")


def check_exporters(settings: Settings) -> Iterator[Check]:
    origin = settings.origins["exporters"]
    if not settings.exporters:
        yield Check("exporters", "off", f"none beside the store ({origin})")
    for setting in settings.exporters:
        exporter = getattr(setting, "exporter", setting)  # of a route
        name = exporter
        if not isinstance(exporter, str):
            name = getattr(exporter, "name", None) or type(exporter).__name__
        try:
            if isinstance(exporter, str):
                exporter = load_exporter(exporter)
                if hasattr(exporter, "examine"):
                    exporter = exporter()
        except ConfigurationError as error:
            yield Check(
                f"exporter {name}", "problem", str(error), f"correct it, or remove it from exporters ({origin})"
            )
            continue
        yield Check(f"exporter {name}", "on", f"({origin})")
        for part, state, why, fix in getattr(exporter, "examine", tuple)():
            yield Check(f"exporter {name}: {part}", state, why, fix)


def check_bridge(settings: Settings) -> Iterator[Check]:
    origin = settings.origins["bridge"]
    if settings.bridge is None:
        yield Check("bridge", "off", f"none ({origin}): no other tracer's spans are kept active")
        return
    from spanbridge.configuration.assembly import build_bridge, kinds_of  # noqa: PLC0415 - as every part here

    try:
        bridge = build_bridge(settings)
    except ConfigurationError as error:
        yield Check("bridge", "problem", str(error), f"install it, or remove bridge ({origin})")
        return
    yield Check("bridge", "on", f"{display(settings.bridge)} ({origin})")
    names = kinds_of(getattr(item, "exporter", item) for item in settings.exporters)
    for part, state, why, fix in getattr(bridge, "examine", _nothing)(names):
        yield Check(f"bridge: {part}", state, why, fix)


def _nothing(_exporter_names: tuple[str, ...]) -> tuple[Any, ...]:
    """What a bridge that does not examine itself finds."""
    return ()


def check_versions(_settings: Settings | None = None) -> Iterator[Check]:
    """The interpreter and the packages whose versions matter when something is reported."""
    yield Check(
        "python", "on", f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"
    )
    yield Check("sqlite", "on", sqlite3.sqlite_version)
    for name in ("spanbridge", "orjson", "pydantic", "genai-prices", "google-re2"):
        yield _check_version(name, optional=name == "google-re2")


def _check_version(name: str, *, optional: bool) -> Check:
    try:
        return Check(name, "on", version(name))
    except PackageNotFoundError:
        if optional:
            return Check(name, "off", "not installed: not needed")
        return Check(name, "problem", "not installed, or without its metadata", f"install it: pip install {name}")


PARTS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    check_configuration,
    check_settings,
    check_kill_switch,
    check_identity,
    check_sampling,
    check_store,
    check_media,
    check_sensitive_data,
    check_processors,
    check_exporters,
    check_bridge,
    check_versions,
)
"""The parts in the order in which they are shown."""


def store_address(settings: Settings) -> str:
    """The address of the store that is on, also of one that was passed as an object."""
    from spanbridge.storage.location import default_address  # noqa: PLC0415 - as every part here

    store = settings.store
    if store is None:
        return default_address()
    return store if isinstance(store, str) else str(getattr(store, "address", f"{type(store).__name__}://"))


def nearest_folder(path: Path) -> Path:
    """The folder of `path`, or the nearest one above it that exists."""
    return next(folder for folder in path.parents if folder.is_dir())
