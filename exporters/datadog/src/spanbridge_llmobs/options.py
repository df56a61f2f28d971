"""Where the exporter sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from spanbridge.errors import ConfigurationError

if TYPE_CHECKING:
    from spanbridge_llmobs.variables import Values

DEFAULT_SITE = "datadoghq.com"
DEFAULT_AGENT_PORT = "8126"


@dataclass(frozen=True)
class Target:
    """An address, and the headers that belong to it."""

    spans: str
    evaluations: str
    headers: dict[str, str]

    @property
    def shown(self) -> str:
        """Scheme, host and port, without credentials."""
        parts = urlsplit(self.spans)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def __repr__(self) -> str:  # the headers hold the key
        return f"Target(spans={self.spans!r}, evaluations={self.evaluations!r})"


def resolve_target(
    values: Values, *, site: str | None, agentless: bool | None, api_key: str | None, agent_url: str | None
) -> Target:
    """Straight to Datadog where `agentless` says so, or is not said and a key is known; else to the agent.

    Raises ConfigurationError for a value that is wrong, and where the key is missing.
    """
    key = values.key(api_key)
    straight = values.switch("agentless", agentless, "DD_LLMOBS_AGENTLESS_ENABLED")
    host = values.site(site) or DEFAULT_SITE
    if straight or (straight is None and key is not None):
        if key is None:
            raise ConfigurationError(
                "DatadogExporter needs a key to send to Datadog itself: set DD_API_KEY or pass api_key=...; "
                "or pass agentless=False to send to the agent."
            )
        return Target(
            f"https://llmobs-intake.{host}/api/v2/llmobs",
            f"https://api.{host}/api/intake/llm-obs/v2/eval-metric",
            {"DD-API-KEY": key},
        )
    url = values.text("agent_url", agent_url, "DD_TRACE_AGENT_URL")
    if url is None:
        agent, port = values.variable("DD_AGENT_HOST"), values.variable("DD_TRACE_AGENT_PORT")
        url = f"http://{agent or 'localhost'}:{port or DEFAULT_AGENT_PORT}"
    if not _is_address(url):
        expected = "an address such as http://localhost:8126; sockets are not supported"
        raise values.wrong("agent_url", agent_url, expected, "DD_TRACE_AGENT_URL", url)
    base = f"{url.rstrip('/')}/evp_proxy/v2"
    return Target(f"{base}/api/v2/llmobs", f"{base}/api/intake/llm-obs/v2/eval-metric", {})


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port, or of an address of IPv6
        return False
