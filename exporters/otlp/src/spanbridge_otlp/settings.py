"""What an OTLP exporter is told: arguments, then a preset, then OpenTelemetry's variables, then defaults; every value checked.

The variables are those of the specification (https://opentelemetry.io/docs/specs/otel/protocol/exporter/), the ones for traces before the
general ones; a blank one is absent. A preset brings its own endpoint and headers, so those variables, which are meant for some other
collector, are not read beside it.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from spanbridge.configuration.masking import display
from spanbridge.conventions.values import is_whole
from spanbridge.errors import ConfigurationError
from spanbridge_otlp.presets import PRESETS, Preset, fill
from spanbridge_otlp.signals import LOGS, TRACES, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping

HTTP, GRPC = "http/protobuf", "grpc"
DEFAULT_ENDPOINTS = {HTTP: "http://localhost:4318", GRPC: "http://localhost:4317"}
DEFAULT_TIMEOUT_S = 10.0
MILLISECONDS_FROM = 1000.0
"""From here on a variable's timeout is in milliseconds, as the specification has it; below in seconds, as in OpenTelemetry's Python SDK."""
MAX_TIMEOUT_S = 300.0
DEFAULT_MAX_REQUEST_BYTES = 3_500_000
"""Below the 4 MiB that a collector takes over gRPC."""
COMPRESSIONS = ("none", "gzip", "deflate")


class _HeaderForm(NamedTuple):
    """Patterns of names and values, and what they are in words."""

    name: re.Pattern[str]
    value: re.Pattern[str]
    names: str
    values: str


_HEADERS = {
    HTTP: _HeaderForm(
        re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"),
        re.compile(r"([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"),
        "letters, digits and dashes",
        "printable characters",
    ),
    GRPC: _HeaderForm(
        re.compile(r"(?![Gg][Rr][Pp][Cc]-)(?!.*-[Bb][Ii][Nn]$)[0-9A-Za-z_.-]+"),
        re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?"),
        "letters, digits and dashes, and over gRPC neither begins with grpc- nor ends in -bin",
        "printable ASCII characters",
    ),
}
"""What each protocol takes, and its library refuses only when it sends."""


@dataclass(frozen=True)
class OTLPSettings:
    """Where spans go and how. Its `repr` shows no secret."""

    endpoint: str = field(repr=False)
    protocol: str = HTTP
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_S
    compression: str = "none"
    certificate: str | None = None
    client_key: str | None = None
    client_certificate: str | None = None
    insecure: bool = False
    """gRPC: without TLS."""
    resource_attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Those that were given as an argument: they win over what the spans say."""
    variable_attributes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those of OTEL_RESOURCE_ATTRIBUTES: what the spans say wins over them."""
    max_request_bytes: int = DEFAULT_MAX_REQUEST_BYTES
    origins: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Where endpoint and headers came from, for messages."""

    @property
    def shown_endpoint(self) -> str:
        """The endpoint without user info and query."""
        return display(self.endpoint).strip("'\"")


class _Source:
    """The variables that hold, and the preset's values."""

    def __init__(self, environ: Mapping[str, str], signal: Signal) -> None:
        self._environ = environ
        self.signal = signal

    def read(self, suffix: str) -> tuple[str, str] | None:
        """Name and value of a setting's variable: of the one for the signal, or of the general one."""
        return self.own(suffix) or self._found(f"OTEL_EXPORTER_OTLP_{suffix}")

    def own(self, suffix: str) -> tuple[str, str] | None:
        """As `read`, of the variable for the signal alone."""
        return self._found(f"OTEL_EXPORTER_OTLP_{self.signal.variable}_{suffix}")

    def _found(self, name: str) -> tuple[str, str] | None:
        return (name, value) if (value := self.text(name)) else None

    def text(self, name: str) -> str:
        return self._environ.get(name, "").strip()


def resolve_logs(arguments: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> OTLPSettings | None:
    """The settings for log records; None where they are switched off, or where only an address for traces is known."""
    if arguments.get("logs") is False:
        return None
    traces, logs = _Source(environ, TRACES), _Source(environ, LOGS)
    is_given = arguments.get("preset") is not None or arguments.get("endpoint") is not None
    if not is_given and traces.own("ENDPOINT") is not None and logs.read("ENDPOINT") is None:
        return None
    if logs.own("PROTOCOL") is None and logs.own("ENDPOINT") is None:
        # They go where the spans go, and so as the spans do.
        protocol = traces.own("PROTOCOL")
        environ = environ if protocol is None else {**environ, protocol[0].replace("TRACES", "LOGS"): protocol[1]}
    return resolve(arguments, environ, LOGS)


def resolve(
    arguments: Mapping[str, Any], environ: Mapping[str, str] = os.environ, signal: Signal = TRACES
) -> OTLPSettings:
    """The settings that hold for a signal, from an exporter's arguments (None is absent) and the variables.

    Raises ConfigurationError naming argument or variable, value and fix; values of headers are masked.
    """
    source = _Source(environ, signal)
    given = {name: value for name, value in arguments.items() if value is not None}
    preset_name = given.get("preset")
    preset = None if preset_name is None else _preset(preset_name)
    values = {} if preset is None else _preset_values(str(preset_name), preset, source, given)
    protocol = _protocol(given, preset, source)
    endpoint, endpoint_origin = _endpoint(given, preset, values, source, protocol)
    headers, headers_origin = _headers(given, preset, values, source, protocol)
    files = {
        name: _file(given, name, variable, source)
        for name, variable in (
            ("certificate", "CERTIFICATE"),
            ("client_key", "CLIENT_KEY"),
            ("client_certificate", "CLIENT_CERTIFICATE"),
        )
    }
    if (files["client_key"] is None) != (files["client_certificate"] is None) and files["client_key"] is not None:
        raise _error("client_key", files["client_key"], "argument or variable", "give client_certificate too")
    _check_files(**files)
    return OTLPSettings(
        endpoint=endpoint,
        protocol=protocol,
        headers=headers,
        timeout_s=_timeout(given, source),
        compression=_compression(given, source),
        insecure=_insecure(given, source, endpoint),
        resource_attributes=_resource_attributes(given),
        variable_attributes=_pairs("OTEL_RESOURCE_ATTRIBUTES", source.text("OTEL_RESOURCE_ATTRIBUTES")),
        max_request_bytes=_max_request_bytes(given),
        origins={"endpoint": endpoint_origin, "headers": headers_origin},
        **files,
    )


def _error(name: str, value: Any, origin: str, fix: str, *, masked: bool = False) -> ConfigurationError:
    shown = "***" if masked else display(value, name)
    return ConfigurationError(f"The OTLP exporter's {name} cannot be {shown} ({origin}): {fix}.")


# --- presets ------------------------------------------------------------------------------------------------------------


def _preset(name: Any) -> Preset:
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name]
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    close = get_close_matches(str(name), PRESETS, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    raise _error(
        "preset", name, "argument", f"{guess}known are {', '.join(PRESETS)}; for any other backend give endpoint="
    )


def _preset_values(name: str, preset: Preset, source: _Source, given: Mapping[str, Any]) -> dict[str, str]:
    values: dict[str, str] = {}
    for variable in preset.variables:
        values_there = [value for name in (variable.name, *variable.older) if (value := source.text(name))]
        value = values_there[0] if values_there else variable.default
        if value is not None:
            values[variable.name] = value.rstrip("/") if "://" in value else value
        elif variable.required and not _is_replaced(variable.name, preset, given):
            raise ConfigurationError(
                f"The OTLP preset {name!r} needs the variable {variable.name}, which is not set: set it "
                f"(see {preset.help}), or give endpoint= and headers=."
            )
    return values


def _is_replaced(variable: str, preset: Preset, given: Mapping[str, Any]) -> bool:
    """Whether arguments say what the variable would."""
    return ("{" + variable + "}" in preset.endpoint and "endpoint" in given) or "headers" in given


# --- single settings ----------------------------------------------------------------------------------------------------


def _first(given: Mapping[str, Any], name: str, variable: str, source: _Source) -> tuple[Any, str] | None:
    """A setting's value and where it came from: the argument, or its variable."""
    if name in given:
        return given[name], f"argument {name}"
    found = source.read(variable)
    return None if found is None else (found[1], f"environment variable {found[0]}")


def _protocol(given: Mapping[str, Any], preset: Preset | None, source: _Source) -> str:
    found = _first(given, "protocol", "PROTOCOL", source) if preset is None or "protocol" in given else None
    if found is None:
        return HTTP if preset is None else preset.protocol
    value, origin = found
    if value not in (HTTP, GRPC):
        raise _error("protocol", value, origin, f"expected {HTTP!r} or {GRPC!r}")
    return str(value)


def _endpoint(
    given: Mapping[str, Any], preset: Preset | None, values: Mapping[str, str], source: _Source, protocol: str
) -> tuple[str, str]:
    if "endpoint" in given:
        value, origin, is_exact = given["endpoint"], "argument endpoint", False
    elif preset is not None:
        value, origin, is_exact = fill(preset.endpoint, values), "preset", False
    elif found := source.read("ENDPOINT"):
        # The specification takes the one for a signal as it is.
        origin, value = found
        is_exact = origin.endswith(f"_{source.signal.variable}_ENDPOINT")
        origin = f"environment variable {origin}"
    else:
        return _with_path(DEFAULT_ENDPOINTS[protocol], protocol, source.signal, is_exact=False), "default"
    # Over gRPC an address may come without its scheme: then another variable says whether to use TLS.
    found = source.read("INSECURE")
    without_tls = bool(given.get("insecure", found is not None and found[1].lower() == "true"))
    url = _checked_url(value, origin, protocol, without_tls=without_tls)
    return _with_path(url, protocol, source.signal, is_exact=is_exact), origin


def _checked_url(value: Any, origin: str, protocol: str, *, without_tls: bool) -> str:
    fix = (
        'expected an address such as "http://localhost:4318"'
        if protocol == HTTP
        else ('expected an address such as "http://localhost:4317" (without TLS) or "https://collector:4317"')
    )
    url = value.strip() if isinstance(value, str) else ""
    if not url or any(character.isspace() for character in url):
        # Without its white space, which would hide a query from the masking.
        raise _error("endpoint", "".join(url.split()) or value, origin, f"{fix}, without white space")
    if protocol == GRPC and "://" not in url:
        url = f"{'http' if without_tls else 'https'}://{url}"
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise _error("endpoint", value, origin, fix)
    return url


def _with_path(url: str, protocol: str, signal: Signal, *, is_exact: bool) -> str:
    """The address that requests go to: over HTTP with the path of the signal."""
    parts = urlsplit(url)
    if protocol == GRPC:
        return f"{parts.scheme}://{parts.netloc}"
    if is_exact:
        return parts._replace(path=parts.path or "/", fragment="").geturl()
    base = parts.path.rstrip("/").removesuffix(TRACES.path).removesuffix(LOGS.path)
    return parts._replace(path=base + signal.path, fragment="").geturl()


def _headers(
    given: Mapping[str, Any], preset: Preset | None, values: Mapping[str, str], source: _Source, protocol: str
) -> tuple[dict[str, str], str]:
    headers: dict[str, str] = {}
    origin = "none"
    if preset is not None:
        made = {name: make(values) for name, make in preset.headers.items()}
        headers = {name: value for name, value in made.items() if value is not None}
        for name, value in headers.items():
            _check_header(name, value, "preset", protocol)
        origin = "preset"
    elif found := source.read("HEADERS"):
        origin = f"environment variable {found[0]}"
        headers = {name.lower(): value for name, value in _pairs(*found, protocol).items()}
    if "headers" in given:
        own: Any = given["headers"]
        if not hasattr(own, "items"):
            raise _error("headers", own, "argument headers", "expected a mapping of names to text", masked=True)
        for name, value in own.items():
            _check_header(name, value, "argument headers", protocol)
            headers[name.lower()] = value
        origin = "argument headers"
    return headers, origin


def _check_header(name: Any, value: Any, origin: str, protocol: str) -> None:
    form = _HEADERS[protocol]
    if not isinstance(name, str) or not form.name.fullmatch(name):
        raise ConfigurationError(
            f"The OTLP exporter cannot send a header named {display(name)} ({origin}): a name is {form.names}."
        )
    if not isinstance(value, str) or not form.value.fullmatch(value):
        raise ConfigurationError(
            f"The OTLP exporter cannot send the header {name} = *** ({origin}): a value is text of {form.values}, in one line, "
            "without blanks around it."
        )


def _pairs(variable: str, text: str, protocol: str | None = None) -> dict[str, str]:
    """`key=value,key=value`, percent-encoded, as the specification takes it from W3C Baggage; with a protocol, its headers."""
    pairs: dict[str, str] = {}
    for position, item in enumerate(text.split(","), 1):
        if not item.strip():
            continue
        name, equals, value = item.partition("=")
        name, value = unquote(name.strip()), value.strip()
        if not equals or not name or (protocol is not None and not _HEADERS[protocol].name.fullmatch(name)):
            # Nothing of the entry is shown: without its `=` all of it may be a secret.
            what = "has no '='" if not equals else "has no name" if not name else "has a name that no header can have"
            raise ConfigurationError(
                f"{variable} = *** is malformed: its entry {position} {what}. "
                "Expected name=value,name=value with percent-encoded values: a comma in a value is %2C, an equals sign may stay."
            )
        try:
            decoded = unquote(value, errors="strict")
            decoded.encode()  # in the environment, what is no UTF-8 becomes surrogates
        except UnicodeError:
            raise ConfigurationError(
                f"{variable} = *** is malformed: the value of {name} is not percent-encoded UTF-8. Encode it again; a percent sign is %25."
            ) from None
        if protocol is not None:
            _check_header(name, decoded, f"environment variable {variable}", protocol)
        pairs[name] = decoded
    return pairs


def _timeout(given: Mapping[str, Any], source: _Source) -> float:
    fix = f"expected seconds, above 0 and up to {MAX_TIMEOUT_S:g} (in a variable from {MILLISECONDS_FROM:g} on: milliseconds)"
    if "timeout_s" in given:
        value, origin = given["timeout_s"], "argument timeout_s"
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MAX_TIMEOUT_S:
            raise _error("timeout_s", value, origin, fix)
        return float(value)
    found = source.read("TIMEOUT")
    if found is None:
        return DEFAULT_TIMEOUT_S
    variable, word = found
    try:
        seconds = float(word)
    except ValueError:
        seconds = -1.0
    if seconds >= MILLISECONDS_FROM:
        seconds /= 1000
    if not 0 < seconds <= MAX_TIMEOUT_S:
        raise _error("timeout", word, f"environment variable {variable}", fix)
    return seconds


def _compression(given: Mapping[str, Any], source: _Source) -> str:
    found = _first(given, "compression", "COMPRESSION", source)
    if found is None:
        return "none"
    value, origin = found
    word = value.lower() if isinstance(value, str) else value
    if word not in COMPRESSIONS:
        raise _error("compression", value, origin, f"expected one of {', '.join(COMPRESSIONS)}")
    return str(word)


def _file(given: Mapping[str, Any], name: str, variable: str, source: _Source) -> str | None:
    found = _first(given, name, variable, source)
    if found is None:
        return None
    value, origin = found
    path = str(value) if isinstance(value, (str, Path)) else ""
    if not Path(path).is_file():
        raise _error(name, value, origin, "expected the path of a file in PEM format that exists")
    return path


def _check_files(certificate: str | None, client_key: str | None, client_certificate: str | None) -> None:
    """Loads what the connections will load, which say only that they failed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    fix = "expected a file in PEM format with"
    if certificate is not None:
        try:
            context.load_verify_locations(certificate)
        except (OSError, ValueError):
            raise _error("certificate", certificate, "argument or variable", f"{fix} certificates in it") from None
    if client_certificate is not None:
        try:
            context.load_cert_chain(client_certificate, client_key, password=_no_password)
        except (OSError, ValueError):
            raise _error(
                "client_certificate",
                client_certificate,
                "argument or variable",
                f"{fix} a certificate, and its key, not encrypted, in it or in client_key",
            ) from None


def _no_password() -> str:
    """For keys that are encrypted: OpenSSL would ask on the terminal."""
    return ""


_SWITCH: dict[str, bool] = {"true": True, "false": False}


def _insecure(given: Mapping[str, Any], source: _Source, endpoint: str) -> bool:
    """gRPC: whether the connection goes without TLS. An endpoint's scheme says it, and wins over the variable; `https` too."""
    found = _first(given, "insecure", "INSECURE", source)
    if found is None:
        return endpoint.startswith("http://")
    value, origin = found
    switch = value if isinstance(value, bool) else _SWITCH.get(str(value).lower())
    if switch is None:
        raise _error("insecure", value, origin, "expected true or false")
    return switch if "insecure" in given else endpoint.startswith("http://")


def _resource_attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    attributes: Any = given.get("resource_attributes", {})
    if not hasattr(attributes, "items"):
        raise _error("resource_attributes", attributes, "argument", "expected a mapping of names to values")
    for name, value in attributes.items():
        if not isinstance(name, str) or not name or not _is_text(name) or not _is_attribute_value(value):
            raise _error(
                "resource_attributes",
                {name: value},
                f"argument, entry {display(name)}",
                "expected Unicode text, a number (whole ones of 64 bits) or a switch",
            )
    return dict(attributes)


def _is_attribute_value(value: Any) -> bool:
    return is_whole(value) or isinstance(value, (bool, float)) or (isinstance(value, str) and _is_text(value))


def _is_text(value: str) -> bool:
    """Whether it is text that can be sent: lone surrogates cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _max_request_bytes(given: Mapping[str, Any]) -> int:
    value: Any = given.get("max_request_bytes", DEFAULT_MAX_REQUEST_BYTES)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1024:
        raise _error("max_request_bytes", value, "argument", "expected a whole number of at least 1024")
    return value
