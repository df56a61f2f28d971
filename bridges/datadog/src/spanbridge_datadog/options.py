"""What the bridge can be told, by argument or by Datadog's own environment variables; an argument wins, a blank variable is absent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NativeLLM = Literal["drop", "demote", "keep"]

_TRUE = frozenset({"true", "1"})
_FALSE = frozenset({"false", "0"})


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


def resolve(
    *,
    ml_app: str | None,
    service: str | None,
    env: str | None,
    version: str | None,
    site: str | None,
    agentless: bool | None,
    api_key: str | None,
    request_context_keys: Sequence[str] | None,
    native_llm: str,
    environ: Mapping[str, str] = os.environ,
) -> Options:
    if native_llm not in get_args(NativeLLM):
        raise _wrong("native_llm", native_llm, '"drop", "demote" or "keep"')
    if agentless is not None and not isinstance(agentless, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - the caller's
        raise _wrong("agentless", agentless, "True or False")
    keys = request_context_keys
    if keys is not None and (isinstance(keys, str) or not all(isinstance(key, str) and key for key in keys)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _wrong("request_context_keys", keys, "a list of names")
    resolved_agentless = agentless if agentless is not None else bool(_switch(environ, "DD_LLMOBS_AGENTLESS_ENABLED"))
    options = Options(
        ml_app=_text("ml_app", ml_app, environ, "DD_LLMOBS_ML_APP"),
        service=_text("service", service, environ, None),
        env=_text("env", env, environ, "DD_ENV"),
        version=_text("version", version, environ, "DD_VERSION"),
        site=_text("site", site, environ, "DD_SITE"),
        agentless=resolved_agentless,
        api_key=_text("api_key", api_key, environ, "DD_API_KEY"),
        request_context_keys=None if keys is None else tuple(keys),
        native_llm=native_llm,  # pyright: ignore[reportArgumentType] - looked at above
        llmobs=_switch(environ, "DD_LLMOBS_ENABLED") is not False,
    )
    if agentless and options.api_key is None:
        raise ConfigurationError(
            "DatadogBridge(agentless=True) needs a key: pass api_key=..., or set DD_API_KEY; or leave agentless out to send to the agent."
        )
    return options


def _text(name: str, argument: Any, environ: Mapping[str, str], variable: str | None) -> str | None:
    if argument is not None:
        if not isinstance(argument, str) or not argument.strip():
            raise _wrong(name, "***" if name == "api_key" else argument, "text that is not blank")
        return argument.strip()
    return (environ.get(variable) or "").strip() or None if variable is not None else None


def _switch(environ: Mapping[str, str], variable: str) -> bool | None:
    word = (environ.get(variable) or "").strip().lower()
    if not word:
        return None
    if word not in _TRUE | _FALSE:
        raise ConfigurationError(
            f"The environment variable {variable} cannot be {word!r}: expected true, 1, false or 0. Correct or unset it."
        )
    return word in _TRUE


def _wrong(name: str, value: Any, expected: str) -> ConfigurationError:
    return ConfigurationError(f"DatadogBridge({name}={value!r}): expected {expected}. Correct it, or leave it out.")
