"""Spans to OTLP collectors, over HTTP or gRPC: `spanbridge.configure(exporters=["otlp"])`, or an `OTLPExporter` with its own settings."""

from spanbridge_otlp.exporter import OTLPExporter
from spanbridge_otlp.presets import PRESETS, Preset

__all__ = ["PRESETS", "OTLPExporter", "Preset"]
