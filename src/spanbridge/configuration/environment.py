"""Which environment ("production", "staging", ...) and which service a process is, by the variables that say so."""

from __future__ import annotations

import os
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING

from spanbridge.configuration.sources import Variable

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_ENVIRONMENT = "development"

ENVIRONMENT_VARIABLES: tuple[tuple[Variable, str], ...] = (
    (Variable("SPANBRIDGE_ENVIRONMENT"), "spanbridge"),
    (Variable("DD_ENV"), "Datadog"),
    (Variable("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name"), "OpenTelemetry"),
    (Variable("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment"), "OpenTelemetry, before semantic conventions 1.27"),
    (Variable("APP_ENV"), "a common custom"),
    (Variable("VERCEL_ENV"), "Vercel: production, preview or development"),
    (Variable("RAILWAY_ENVIRONMENT_NAME"), "Railway"),
    (Variable("PLATFORM_ENVIRONMENT_TYPE"), "Upsun and Platform.sh: production, staging or development"),
    (Variable("COPILOT_ENVIRONMENT_NAME"), "AWS Copilot"),
    (Variable("AZURE_FUNCTIONS_ENVIRONMENT"), "Azure Functions"),
    (Variable("MODAL_ENVIRONMENT"), "Modal"),
    (Variable("ENVIRONMENT"), "a common custom"),
    # POSIX shells keep the path of their start-up file in this one.
    (Variable("ENV", ignore_paths=True), "a common custom; not read where it is a path"),
)
"""The variables, the first that is not blank wins, and who sets each. Platforms whose variables state no environment
(Heroku, Render, Fly.io, AWS Lambda, Cloud Run) are not guessed at."""

SERVICE_NAME_VARIABLES: tuple[Variable, ...] = (
    Variable("SPANBRIDGE_SERVICE_NAME"),
    Variable("OTEL_SERVICE_NAME"),
    Variable("OTEL_RESOURCE_ATTRIBUTES", "service.name"),
    Variable("DD_SERVICE"),
)


def resolve_environment(environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The environment's name, and where it came from."""
    for variable, _ in ENVIRONMENT_VARIABLES:
        value = variable.read(environ)
        if value is not None:
            return value, f"environment variable {variable}"
    return DEFAULT_ENVIRONMENT, "default"


def script_name() -> str:
    """The name of the script or module that this process runs; "python" where there is none."""
    script = PurePath(sys.argv[0]) if sys.argv else PurePath()
    name = script.parent.name if script.stem == "__main__" else script.stem
    return name if name and not name.startswith("-") else "python"


def environment_variables_markdown() -> str:
    """The ordered list as a Markdown table, for the documentation."""
    ordered = enumerate(ENVIRONMENT_VARIABLES, 1)
    rows = [f"| {order} | `{variable}` | {set_by} |" for order, (variable, set_by) in ordered]
    return "\n".join(["| order | variable | set by |", "|---|---|---|", *rows])
