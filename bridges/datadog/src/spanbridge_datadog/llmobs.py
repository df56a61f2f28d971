"""LLM Observability, switched on where it is wanted and not on yet."""

# ddtrace's own types are partly unknown to a type checker.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownArgumentType=false

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from ddtrace import config
from ddtrace.llmobs import LLMObs

if TYPE_CHECKING:
    from spanbridge_datadog.options import Options

logger = logging.getLogger("spanbridge")


def enable(options: Options, *, service: str | None, env: str | None) -> None:
    """Switches it on; where that cannot be, one line says what is off and how to turn it on."""
    if LLMObs.enabled:
        in_force = getattr(config, "_llmobs_ml_app", None)
        if options.ml_app is not None and in_force and in_force != options.ml_app:
            logger.warning(
                "LLM Observability was enabled before, as %r: the ml_app %r is passed over", in_force, options.ml_app
            )
        return
    if not options.llmobs:
        logger.warning(
            "LLM Observability is off (DD_LLMOBS_ENABLED=false): spans go to APM only; unset it to turn it on"
        )
        return
    if options.ml_app is None:
        logger.warning(
            "LLM Observability is off (no ml_app): spans go to APM only; set DD_LLMOBS_ML_APP, or pass DatadogBridge(ml_app=...)"
        )
        return
    parameters = inspect.signature(LLMObs.enable).parameters
    arguments: dict[str, Any] = {
        # Its new name since 4.14.
        "agent_service" if "agent_service" in parameters else "ml_app": options.ml_app,
        # Never left to ddtrace: it would ask the agent, and refuse to work where none answers.
        "agentless_enabled": options.agentless,
        "integrations_enabled": False,
        "site": options.site,
        "api_key": options.api_key,
        # They hold for the whole process: what ddtrace was told itself stands.
        "env": None if config.env else env,
        "service": None if config.service else service,
    }
    try:
        LLMObs.enable(**arguments)
    except Exception as error:  # noqa: BLE001 - a key or site is missing, or ddtrace's own fault
        logger.warning(
            "LLM Observability is off, spans go to APM only: ddtrace says %s", _without(str(error), options.api_key)
        )
        return
    if not LLMObs.enabled:
        logger.warning("LLM Observability is off, spans go to APM only: ddtrace did not enable it; see its own log")


def flush() -> None:
    """Has the writers send what they hold."""
    if LLMObs.enabled:
        LLMObs.flush()


def _without(message: str, secret: str | None) -> str:
    return message if not secret else message.replace(secret, "***")
