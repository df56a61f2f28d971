"""What the bridge can be told, by argument or by Datadog's own environment variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from spanbridge.errors import ConfigurationError
from spanbridge_llmobs.variables import Values

if TYPE_CHECKING:
    from collections.abc import Sequence

NativeLLM = Literal["drop", "demote", "keep"]


@dataclass(frozen=True)
class Options:
    """The options that hold. None: ddtrace's own configuration decides."""

    ml_app: str | None
    """The application's name in LLM Observability, which is off without one."""
    service: str | None
    env: str | None
    version: str | None
    site: str | None
    agentless: bool
    """Whether data goes straight to Datadog, past the agent; that needs the key."""
    api_key: str | None
    request_context_keys: tuple[str, ...] | None
    """Context keys that become tags; None: those of the configuration."""
    native_llm: NativeLLM
    """What becomes of the span that ddtrace's own integration opens for a model call that spanbridge records too."""
    llmobs: bool
    """Whether LLM Observability may be on."""

    def __repr__(self) -> str:
        key = "None" if self.api_key is None else "'***'"
        return (
            f"Options(ml_app={self.ml_app!r}, service={self.service!r}, agentless={self.agentless}, api_key={key}, ...)"
        )


def resolve_options(
    *,
    ml_app: str | None,
    service: str | None,
    env: str | None,
    version: str | None,
    site: str | None,
    agentless: bool | None,
    api_key: str | None,
    request_context_keys: Sequence[str] | None,
    native_llm: NativeLLM,
) -> Options:
    """The options of `DatadogBridge`; raises ConfigurationError for one that is wrong."""
    values = Values("DatadogBridge")
    if native_llm not in get_args(NativeLLM):
        raise values.wrong("native_llm", native_llm, '"drop", "demote" or "keep"')
    options = Options(
        ml_app=values.text("ml_app", ml_app, "DD_LLMOBS_ML_APP"),
        service=values.text("service", service),
        env=values.text("env", env, "DD_ENV"),
        version=values.text("version", version, "DD_VERSION"),
        site=values.site(site),
        agentless=bool(values.switch("agentless", agentless, "DD_LLMOBS_AGENTLESS_ENABLED")),
        api_key=values.key(api_key),
        request_context_keys=values.names("request_context_keys", request_context_keys),
        native_llm=native_llm,
        llmobs=values.switch("", None, "DD_LLMOBS_ENABLED") is not False,
    )
    if agentless and options.api_key is None:
        raise ConfigurationError(
            "DatadogBridge(agentless=True) needs a key: pass api_key=..., or set DD_API_KEY; or leave agentless out to send to the agent."
        )
    return options
