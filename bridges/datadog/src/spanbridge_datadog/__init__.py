"""The Datadog bridge: live ddtrace spans while spanbridge's run, and LLM Observability from the same span.

`spanbridge.configure(bridge="datadog")`, or with arguments `spanbridge.configure(bridge=DatadogBridge(ml_app="support"))`. ddtrace is
imported when the bridge opens, never before.
"""

from spanbridge_datadog.bridge import DatadogBridge

__all__ = ["DatadogBridge"]
