"""For `spanbridge doctor`: what is on, what is off, and what to do."""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from spanbridge.errors import BridgeUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spanbridge_datadog.options import Options

Finding = tuple[str, str, str, str]
"""Part, state ("on", "off" or "problem"), why, and what to do."""

TIMEOUT_S = 1.0
_WORTH_PATCHING = (
    "aiohttp",
    "flask",
    "fastapi",
    "httpx",
    "psycopg",
    "redis",
    "requests",
    "sqlalchemy",
    "sqlite3",
    "starlette",
)
"""Modules whose calls ddtrace would show under the step that makes them."""
_FIRST = "run the application under ddtrace-run, or import ddtrace.auto before everything else"


def examine(options: Options, exporter_names: Sequence[str]) -> Iterator[Finding]:
    """Looks at ddtrace as it is in this process."""
    if "datadog" in exporter_names:
        why = "the exporter datadog beside it would send every span twice: spanbridge.configure(...) refuses it"
        yield "double emission", "problem", why, "remove the exporter: it is for applications without ddtrace"
    imported_before = sorted(name for name in _WORTH_PATCHING if name in sys.modules)
    was_there = "ddtrace" in sys.modules
    try:
        import ddtrace  # noqa: PLC0415 - as late as the bridge itself

        from spanbridge_datadog import native  # noqa: PLC0415 - as above

        native.require_known_version()
    except ImportError as error:
        yield "ddtrace", "problem", f"cannot be imported: {error}", "pip install 'spanbridge[datadog]'"
        return
    except BridgeUnavailableError as error:
        yield "ddtrace", "problem", str(error), "pip install 'ddtrace>=3.19,<5'"
        return
    yield "ddtrace", "on", ddtrace.__version__, ""
    yield _instrumentation(native.patched_modules(), imported_before, was_there=was_there)
    yield from _llm_observability(options)
    if not options.agentless:
        yield _agent()
    if options.native_llm == "keep":
        yield (
            "ddtrace's LLM integrations",
            "on",
            'native_llm="keep": a model call that both trace is sent twice, with its tokens',
            'leave native_llm out, or pass "demote"',
        )


def _instrumentation(patched: set[str], imported_before: list[str], *, was_there: bool) -> Finding:
    part = "ddtrace's instrumentation"
    if patched:
        missed = [name for name in imported_before if name not in patched]
        if missed:
            why = f"{len(patched)} modules, but not {', '.join(missed)}: imported before ddtrace could patch them, or switched off"
            return part, "problem", why, _FIRST
        return part, "on", f"{len(patched)} modules", ""
    if was_there and imported_before:
        return part, "problem", f"nothing is patched, and {', '.join(imported_before)} are imported already", _FIRST
    return (
        part,
        "off",
        "nothing is patched in this process: no HTTP, SQL or cache call would show under its step",
        _FIRST,
    )


def _llm_observability(options: Options) -> Iterator[Finding]:
    part = "LLM Observability"
    if not options.llmobs:
        yield part, "off", "DD_LLMOBS_ENABLED=false: spans go to APM only", "unset DD_LLMOBS_ENABLED"
    elif (name := _llm_observability_in_force()) is not None:
        yield part, "on", f"ml_app {name!r}: ddtrace was told so itself", ""
    elif options.ml_app is None:
        yield part, "off", "no ml_app: spans go to APM only", "set DD_LLMOBS_ML_APP, or pass DatadogBridge(ml_app=...)"
    elif options.agentless and options.api_key is None:
        yield part, "problem", "agentless, and there is no key", "set DD_API_KEY, or unset DD_LLMOBS_AGENTLESS_ENABLED"
    else:
        how = "straight to Datadog" if options.agentless else "through the agent"
        yield part, "on", f"ml_app {options.ml_app!r}, {how}", ""


def _llm_observability_in_force() -> str | None:
    """The ml_app with which it is on already, as with DD_LLMOBS_ENABLED under ddtrace-run; None where it is not on yet."""
    from ddtrace import config  # noqa: PLC0415 - as late as the bridge itself
    from ddtrace.llmobs import LLMObs  # noqa: PLC0415 - as above

    return (getattr(config, "_llmobs_ml_app", None) or config.service or "?") if LLMObs.enabled else None


def _agent() -> Finding:
    import urllib3  # noqa: PLC0415 - only the doctor asks

    from spanbridge_datadog.own_spans import without_spans  # noqa: PLC0415 - loads ddtrace

    url = _agent_url()
    if not url.startswith("http"):
        return "Datadog agent", "off", f"not looked at: {url}", ""
    try:
        with without_spans():
            response = urllib3.request("GET", f"{url}/info", timeout=TIMEOUT_S, retries=False)
    except urllib3.exceptions.HTTPError as error:
        why = f"{url} does not answer ({type(error).__name__}): what ddtrace sends is lost"
        return "Datadog agent", "problem", why, "start the agent, or set DD_TRACE_AGENT_URL"
    # In the list of its endpoints; whatever else listens there has none.
    if response.status != 200 or b"/evp_proxy" not in response.data:
        why = f"{url} answers ({response.status}), and does not pass LLM Observability on"
        return "Datadog agent", "problem", why, "update the agent to 7.49 or later"
    return "Datadog agent", "on", f"{url} answers", ""


def _agent_url() -> str:
    from ddtrace.trace import tracer  # noqa: PLC0415 - as late as the bridge itself

    return str(getattr(tracer, "agent_trace_url", None) or "http://localhost:8126").rstrip("/")
