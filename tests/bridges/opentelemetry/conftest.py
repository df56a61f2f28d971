from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

import spanbridge as sb


@pytest.fixture(autouse=True)
def no_provider(monkeypatch):
    """Each test starts as a process does: without a global TracerProvider."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())


@pytest.fixture
def otel():
    """What the application's provider exported."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(otel):
    """A TracerProvider, not yet the global one."""
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(otel))
    yield made
    made.shutdown()


@pytest.fixture
def memory():
    """What spanbridge recorded."""
    return sb.InMemoryExporter()


@pytest.fixture
def bridged(provider, memory):
    """spanbridge with the bridge, and the provider as the global one."""
    trace.set_tracer_provider(provider)
    return sb.configure(service_name="shop", store=False, exporters=[memory], bridge="opentelemetry")
