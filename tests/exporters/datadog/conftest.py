"""The same agent as the bridge's tests."""

from bridges.datadog.conftest import agent, agent_process

__all__ = ["agent", "agent_process"]
