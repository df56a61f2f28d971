"""Datadog LLM Observability without ddtrace: the exporter, and the mapping that the Datadog bridge shares.

`spanbridge.configure(exporters=["datadog"])`, or with arguments `exporters=[DatadogExporter(ml_app="support")]`.
"""

from spanbridge_llmobs.exporter import DatadogExporter

__all__ = ["DatadogExporter"]
