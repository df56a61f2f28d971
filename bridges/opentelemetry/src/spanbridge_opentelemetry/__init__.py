"""Each span a live span of OpenTelemetry: `spanbridge.configure(bridge="opentelemetry")`, or an `OpenTelemetryBridge` with settings."""

from spanbridge_opentelemetry.bridge import OpenTelemetryBridge

__all__ = ["OpenTelemetryBridge"]
