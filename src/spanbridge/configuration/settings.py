"""The table of settings: name, kind, variables, default and help, once; and how their values are resolved.

For each setting the first of these that has it gives the value:

    1. an argument of `spanbridge.configure(...)` that is not None
    2. its environment variables, in the order of the table; a blank one is absent
    3. `spanbridge.toml`, or else `[tool.spanbridge]` in pyproject.toml (see `sources`)
    4. its default

What is not understood is an error: an unknown argument, key or `SPANBRIDGE_*` variable, a wrong type, a value out of
range.
"""

# ruff: noqa: RUF009 - `_setting` is `dataclasses.field` with the table's columns

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from spanbridge.configuration import values
from spanbridge.configuration.environment import (
    DEFAULT_ENVIRONMENT,
    ENVIRONMENT_VARIABLES,
    SERVICE_NAME_VARIABLES,
    script_name,
)
from spanbridge.configuration.masking import display
from spanbridge.configuration.sources import VARIABLE_PREFIX, Variable, find_configuration_file
from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from spanbridge.model.span_types import SpanType

MIB = 1024 * 1024


class Setting(NamedTuple):
    """One row of the table."""

    name: str
    kind: values.Kind
    variables: tuple[Variable, ...]
    default: Callable[[], Any]
    default_text: str
    help: str


def _setting(
    kind: values.Kind,
    default: Any,
    help: str,
    *,
    variables: tuple[Variable, ...] = (),
    default_text: str = "",
) -> Any:
    """A row, written at the field that it fills.

    `default` is the value, or a callable that makes it; without `variables` the setting has the one of its own name.
    """
    metadata = {"kind": kind, "default": default, "help": help, "variables": variables, "default_text": default_text}
    return field(metadata=metadata)


@dataclass(frozen=True, repr=False)
class Settings:
    """The resolved settings. `origins` names where each came from."""

    service_name: str = _setting(
        values.text(),
        script_name,
        "The application's name, stamped on every span.",
        variables=SERVICE_NAME_VARIABLES,
        default_text="the name of the script or module that runs",
    )
    environment: str = _setting(
        values.text(),
        DEFAULT_ENVIRONMENT,
        "The deployment's name, stamped on every span.",
        variables=tuple(variable for variable, _ in ENVIRONMENT_VARIABLES),
    )
    store: str | Literal[False] | Any = _setting(
        values.store(),
        None,
        "Where spans are kept: an address, a store, or False for nowhere.",
        default_text="a SQLite file in the user's state folder",
    )
    store_max_bytes: int = _setting(
        values.whole_number(MIB), 1024 * MIB, "Size of the default store; beyond it the oldest ended traces go."
    )
    exporters: list[Any] = _setting(values.exporters(), list, "Exits beside the store.", default_text="none")
    bridge: str | Any | None = _setting(
        values.bridge(),
        None,
        "The tracer whose spans are kept active while ours run, so that what it instruments itself nests under them.",
        default_text="none",
    )
    processors: list[Any] = _setting(
        values.processors(), list, "Processors of your own, before the sensitive-data filter.", default_text="none"
    )
    sensitive_data: bool | Any = _setting(
        values.sensitive_data(), True, "The filter that redacts secrets before anything leaves; False switches it off."
    )
    sampling: float | Any = _setting(values.sampling(), 1.0, "Which traces are recorded, decided at their root.")
    request_context_keys: list[str] = _setting(
        values.names(),
        list,
        "Keys of the request context that are copied into metadata; a dotted key goes into nested values.",
        default_text="none",
    )
    hide_input: bool = _setting(values.switch(), False, "Hides what every span was given.")
    hide_output: bool = _setting(values.switch(), False, "Hides what every span gave back.")
    exclude_span_types: list[SpanType] = _setting(
        values.span_types(), list, "Types whose spans no exit gets.", default_text="none"
    )
    span_filter: Any = _setting(
        values.span_filter(), None, "Which ended spans the exits get: a function of the record.", default_text="all"
    )
    include_internal_spans: bool = _setting(
        values.switch(), False, "Whether the exits get a framework's own spans (`internal=True`)."
    )
    include_model_chunks: bool = _setting(
        values.switch(), False, "Whether the exits get spans of the type model_chunk."
    )
    prices: dict[str, Any] = _setting(
        values.prices(), dict, "Your own prices, before the built-in ones.", default_text="none"
    )
    strict_attributes: bool = _setting(
        values.switch(),
        False,
        "Whether attributes that do not match their span type are counted and logged, by name; they are recorded all the same.",
    )
    disabled: bool = _setting(values.switch(), False, "Switches all tracing off.")
    write_interval_ms: int = _setting(
        values.whole_number(10, 5000),
        50,
        "How often spans are written; one that runs longer is first written as running.",
    )
    queue_max_bytes: int = _setting(
        values.whole_number(MIB),
        64 * MIB,
        "Memory for spans on their way; when full, new ones are dropped and counted.",
    )
    exit_timeout_s: float = _setting(
        values.number(0, 600), 2.0, "How long the process waits for deliveries at its exit."
    )
    max_string_length: int = _setting(values.whole_number(64), 131_072, "Characters of one string; the rest is cut.")
    max_depth: int = _setting(
        values.whole_number(1, 64), 64, "Levels of nested values; a marker replaces what lies deeper."
    )
    max_items: int = _setting(values.whole_number(1), 1000, "Items of one list or mapping; the rest is cut.")
    max_span_bytes: int = _setting(values.whole_number(4096), 2 * MIB, "Size of one span's content.")
    max_payload_bytes: int = _setting(
        values.whole_number(4096),
        8 * MIB,
        "Size of one payload as it is recorded; in a larger one markers replace the largest strings, or else all of it.",
    )
    media: bool = _setting(
        values.switch(),
        True,
        "Whether images, audio and documents are kept beside the store; spans hold references to them.",
    )
    max_media_bytes: int = _setting(
        values.whole_number(1024), 16 * MIB, "Size of one such content; of a larger one only the reference is kept."
    )
    store_media_max_bytes: int = _setting(
        values.whole_number(MIB), 1024 * MIB, "Size of all of them; beyond it those that were recorded longest ago go."
    )
    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    """By setting: "argument", "environment variable NAME", the file that holds it, or "default"."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{row.name}={row.value}" for row in settings_rows(self))
        return f"Settings({shown})"


def _rows() -> Iterator[Setting]:
    for item in fields(Settings):
        row = item.metadata
        if row:
            default = row["default"]
            yield Setting(
                name=item.name,
                kind=row["kind"],
                variables=row["variables"] or (Variable(VARIABLE_PREFIX + item.name.upper()),),
                default=default if callable(default) else lambda value=default: value,
                default_text=row["default_text"] or display(default),
                help=row["help"],
            )


SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _rows()}
"""The table, by name."""


def resolve_settings(
    arguments: Mapping[str, Any], *, environ: Mapping[str, str] = os.environ, folder: Path | None = None
) -> Settings:
    """The settings that hold.

    Args:
        arguments: What `spanbridge.configure(...)` was given; None is absent.
        environ: The environment variables.
        folder: Where the search for a file starts; default: the working folder.

    Raises ConfigurationError for the first setting that is unknown or wrong.
    """
    file = find_configuration_file(folder)
    refuse_unknown_arguments(arguments)
    _refuse_unknown_variables(environ)
    if file is not None:
        _refuse_unknown_names(file.values, file.origin)
    resolved: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, setting in SETTINGS.items():
        variable, word = _first_variable(setting, environ)
        if arguments.get(name) is not None:
            value, origin = _read(setting, setting.kind.from_code, arguments[name], "argument"), "argument"
        elif word is not None:
            origin = f"environment variable {variable}"
            value = _read(setting, setting.kind.from_variable, word, origin)
        elif file is not None and name in file.values:
            origin = file.origin
            value = _read(setting, setting.kind.from_file, file.values[name], origin)
        else:
            value, origin = setting.default(), "default"
        resolved[name], origins[name] = value, origin
    return Settings(**resolved, origins=origins)


class SettingRow(NamedTuple):
    """One resolved setting, for people."""

    name: str
    value: str
    """Without secrets."""
    origin: str


def settings_rows(settings: Settings) -> list[SettingRow]:
    """What holds and where it came from, in the order of the table."""
    rows: list[SettingRow] = []
    for name, setting in SETTINGS.items():
        origin = settings.origins.get(name, "default")
        value = getattr(settings, name)
        shown = setting.default_text if origin == "default" and value in (None, [], {}) else display(value, name)
        rows.append(SettingRow(name, shown, origin))
    return rows


def settings_markdown() -> str:
    """The table of settings as Markdown, for the documentation."""
    lines = ["| setting | variable | value | default | what it does |", "|---|---|---|---|---|"]
    for setting in SETTINGS.values():
        variables = ", ".join(f"`{variable}`" for variable in setting.variables)
        if setting.kind.only_in_code:
            variables = "only in code"
        cells = (f"`{setting.name}`", variables, setting.kind.expected, setting.default_text, setting.help)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def refuse_unknown_arguments(arguments: Mapping[str, Any]) -> None:
    """ConfigurationError for the first argument of `spanbridge.configure(...)` that is no setting."""
    _refuse_unknown_names(arguments, "argument of spanbridge.configure(...)")


def _first_variable(setting: Setting, environ: Mapping[str, str]) -> tuple[Variable | None, str | None]:
    for variable in setting.variables:
        word = variable.read(environ)
        if word is not None:
            return variable, word
    return None, None


def _read(setting: Setting, reader: Callable[[Any], Any], value: Any, origin: str) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        hint = f" {error}" if isinstance(error, values.UnfitValueError) else ""
        raise ConfigurationError(
            f"The setting {setting.name} cannot be {display(value, setting.name)} ({origin}): "
            f"expected {setting.kind.expected}.{hint} "
            f"Correct it, or remove it for the default ({setting.default_text})."
        ) from None


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    names = {variable.name for setting in SETTINGS.values() for variable in setting.variables}
    known = {name for name in names if name.startswith(VARIABLE_PREFIX)}
    for name, value in environ.items():
        if name.startswith(VARIABLE_PREFIX) and value.strip() and name not in known:
            _refuse_unknown(name, value, "environment variable", known)


def _refuse_unknown_names(given: Mapping[str, Any], origin: str) -> None:
    for name, value in given.items():
        if name not in SETTINGS:
            _refuse_unknown(name, value, origin, SETTINGS)


def _refuse_unknown(name: str, value: Any, origin: str, known: Iterable[str]) -> None:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    # Without the prefix that all variables share: it would make any two of them look alike.
    by_suffix = {candidate.removeprefix(VARIABLE_PREFIX): candidate for candidate in known}
    close = [by_suffix[match] for match in get_close_matches(name.removeprefix(VARIABLE_PREFIX), by_suffix, n=1)]
    fix = f"Did you mean {close[0]}?" if close else f"Remove it; the settings are {', '.join(sorted(known))}."
    raise ConfigurationError(f"Unknown setting {name} = {display(value, name)} ({origin}). {fix}")
