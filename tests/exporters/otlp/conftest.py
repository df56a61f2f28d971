import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="session")
def pem(tmp_path_factory) -> dict[str, Path]:
    """A certificate, its key, and the key encrypted; another certificate."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl, to make a certificate")
    folder = tmp_path_factory.mktemp("pem")
    files = {
        name: folder / f"{name}.pem"
        for name in ("certificate", "key", "another", "another_key", "encrypted", "garbage")
    }
    new = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ]
    encrypt = ["pkcs8", "-topk8", "-v2", "aes256", "-passout", "pass:secret"]
    for command in (
        [*new, "-keyout", files["key"], "-out", files["certificate"]],
        [*new, "-keyout", files["another_key"], "-out", files["another"]],
        [*encrypt, "-in", files["key"], "-out", files["encrypted"]],
    ):
        subprocess.run([openssl, *command], check=True, capture_output=True)
    files["garbage"].write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    return files
