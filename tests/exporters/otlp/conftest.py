from collections.abc import Iterator

import pytest

import spanbridge as sb
from otlp_receivers import Receiver, grpc_receiver, http_receiver
from spanbridge_otlp import OTLPExporter


@pytest.fixture(params=["http/protobuf", "grpc"])
def protocol(request):
    """Both protocols, one after the other."""
    return request.param


@pytest.fixture
def receiver(protocol) -> Iterator[Receiver]:
    """A receiver that answers as it is told, over the test's protocol."""
    with http_receiver() if protocol == "http/protobuf" else grpc_receiver() as running:
        yield running


@pytest.fixture
def http() -> Iterator[Receiver]:
    """A receiver that answers as it is told, over HTTP."""
    with http_receiver() as running:
        yield running


@pytest.fixture
def exporter(receiver, protocol):
    """An exporter to `receiver`."""
    made = OTLPExporter(endpoint=receiver.endpoint, protocol=protocol, timeout_s=5)
    yield made
    made.shutdown(0)


@pytest.fixture
def configured(tmp_path):
    """Configures spanbridge with a store and the given exporters, and gives the exporter that keeps what was recorded."""

    def configure(*exporters, **settings):
        memory = sb.InMemoryExporter()
        settings.setdefault("store", f"sqlite:///{tmp_path / 'traces.db'}")
        sb.configure(service_name="shop", environment="test", exporters=[*exporters, memory], **settings)
        return memory

    return configure
