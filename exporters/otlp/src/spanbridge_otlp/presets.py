"""Backends by name: where they listen, which headers they want, and the variables that hold both.

OTLPExporter("langfuse")      reads LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and, where it is set, LANGFUSE_BASE_URL
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

HeaderValue = Callable[[Mapping[str, str]], "str | None"]
"""The value of a header from the preset's variables; None where it is not to be sent."""


class PresetVariable(NamedTuple):
    """A variable that a preset reads."""

    name: str
    default: str | None = None
    required: bool = False
    older: tuple[str, ...] = ()
    """Other names, read where the first is blank."""


class Preset(NamedTuple):
    """One backend."""

    endpoint: str
    """The address, with variables in braces; `/v1/traces` is added where it does not end so."""
    headers: Mapping[str, HeaderValue] = {}
    variables: tuple[PresetVariable, ...] = ()
    protocol: str = "http/protobuf"
    help: str = ""


def _plain(name: str) -> HeaderValue:
    return lambda values: values.get(name)


def _bearer(name: str) -> HeaderValue:
    return lambda values: f"Bearer {values[name]}" if name in values else None


def _basic(user: str, password: str) -> HeaderValue:
    def encoded(values: Mapping[str, str]) -> str | None:
        if user not in values or password not in values:
            return None
        return "Basic " + base64.b64encode(f"{values[user]}:{values[password]}".encode()).decode()

    return encoded


def _constant(value: str) -> HeaderValue:
    return lambda _values: value


def _required(name: str, *older: str) -> PresetVariable:
    return PresetVariable(name, required=True, older=older)


def _optional(name: str, default: str | None = None, *older: str) -> PresetVariable:
    return PresetVariable(name, default, older=older)


PRESETS: dict[str, Preset] = {
    "dash0": Preset(
        "{DASH0_ENDPOINT}",
        {"authorization": _bearer("DASH0_API_KEY"), "dash0-dataset": _plain("DASH0_DATASET")},
        (_required("DASH0_API_KEY"), _required("DASH0_ENDPOINT"), _optional("DASH0_DATASET")),
        "grpc",
        "https://www.dash0.com/docs",
    ),
    "laminar": Preset(
        "{LAMINAR_ENDPOINT}",
        {"authorization": _bearer("LMNR_PROJECT_API_KEY")},
        (_required("LMNR_PROJECT_API_KEY"), _optional("LAMINAR_ENDPOINT", "https://api.lmnr.ai")),
        help="https://docs.lmnr.ai",
    ),
    "langfuse": Preset(
        "{LANGFUSE_BASE_URL}/api/public/otel",
        {
            "authorization": _basic("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"),
            "x-langfuse-ingestion-version": _constant("4"),
        },
        (
            _required("LANGFUSE_PUBLIC_KEY"),
            _required("LANGFUSE_SECRET_KEY"),
            _optional("LANGFUSE_BASE_URL", "https://cloud.langfuse.com", "LANGFUSE_HOST"),
        ),
        help="https://langfuse.com/docs/opentelemetry",
    ),
    "mlflow": Preset(
        "{MLFLOW_TRACKING_URI}",
        # Without an experiment the server answers 422.
        {"x-mlflow-experiment-id": _plain("MLFLOW_EXPERIMENT_ID"), "authorization": _bearer("MLFLOW_TRACKING_TOKEN")},
        (
            _optional("MLFLOW_TRACKING_URI", "http://localhost:5000"),
            _optional("MLFLOW_EXPERIMENT_ID", "0"),
            _optional("MLFLOW_TRACKING_TOKEN"),
        ),
        help="https://mlflow.org/docs/latest/genai/tracing/opentelemetry",
    ),
    "newrelic": Preset(
        "{NEW_RELIC_ENDPOINT}",
        {"api-key": _plain("NEW_RELIC_LICENSE_KEY")},
        (_required("NEW_RELIC_LICENSE_KEY"), _optional("NEW_RELIC_ENDPOINT", "https://otlp.nr-data.net:443")),
        help="https://docs.newrelic.com/docs/opentelemetry",
    ),
    "phoenix": Preset(
        "{PHOENIX_COLLECTOR_ENDPOINT}",
        {"authorization": _bearer("PHOENIX_API_KEY"), "x-project-name": _plain("PHOENIX_PROJECT_NAME")},
        (
            _optional("PHOENIX_COLLECTOR_ENDPOINT", "http://localhost:6006"),
            _optional("PHOENIX_API_KEY"),
            _optional("PHOENIX_PROJECT_NAME"),
        ),
        help="https://arize.com/docs/phoenix",
    ),
    "signoz": Preset(
        "{SIGNOZ_ENDPOINT}",
        {"signoz-ingestion-key": _plain("SIGNOZ_API_KEY")},
        (
            _required("SIGNOZ_API_KEY"),
            _optional("SIGNOZ_REGION", "us"),
            _optional("SIGNOZ_ENDPOINT", "https://ingest.{SIGNOZ_REGION}.signoz.cloud:443"),
        ),
        help="https://signoz.io/docs/ingestion",
    ),
    "traceloop": Preset(
        "{TRACELOOP_ENDPOINT}",
        {
            "authorization": _bearer("TRACELOOP_API_KEY"),
            "x-traceloop-destination-id": _plain("TRACELOOP_DESTINATION_ID"),
        },
        (
            _required("TRACELOOP_API_KEY"),
            _optional("TRACELOOP_DESTINATION_ID"),
            _optional("TRACELOOP_ENDPOINT", "https://api.traceloop.com"),
        ),
        help="https://www.traceloop.com/docs",
    ),
}
"""By name. Any other backend takes `endpoint=` and `headers=`, or the standard variables."""


def presets_markdown() -> str:
    """The table for the documentation."""
    lines = ["| preset | endpoint | protocol | headers | variables (required ones in bold) |", "|---|---|---|---|---|"]
    for name, preset in PRESETS.items():
        variables = ", ".join(map(_variable_markdown, preset.variables))
        headers = ", ".join(f"`{header}`" for header in preset.headers)
        lines.append(f"| `{name}` | `{preset.endpoint}` | {preset.protocol} | {headers} | {variables} |")
    return "\n".join(lines)


def _variable_markdown(variable: PresetVariable) -> str:
    names = " or ".join(f"`{name}`" for name in (variable.name, *variable.older))
    names = f"**{names}**" if variable.required else names
    return f"{names} ({variable.default})" if variable.default else names


def fill(template: str, values: Mapping[str, Any]) -> str:
    """`template` with the variables in braces replaced; those within their values too."""
    for _ in range(2):
        for name, value in values.items():
            template = template.replace("{" + name + "}", str(value))
    return template
