"""Receivers with TLS that ask for a certificate of ours: certificates of a private authority, given by argument or variable."""

from __future__ import annotations

import pytest

from otlp_receivers import Mutual, grpc_receiver, http_receiver
from spanbridge.protocols import Delivered, Retry
from spanbridge_otlp import OTLPExporter


@pytest.fixture
def mutual(protocol, pem):
    """A receiver that trusts one certificate, and has it too."""
    files = Mutual(pem["certificate"], pem["key"])
    with http_receiver(files) if protocol == "http/protobuf" else grpc_receiver(files) as running:
        yield running


@pytest.fixture
def machine(monkeypatch, pem):
    """A machine that has its own authorities, as companies have them: none of them is the receiver's."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(pem["another"]))


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("given", ["arguments", "variables"])
def test_certificates_that_are_given(mutual, protocol, pem, make_span, monkeypatch, given) -> None:
    """The receiver is trusted by the certificate that was given, whatever the machine trusts, and gets ours."""
    files = {"certificate": "certificate", "client_key": "key", "client_certificate": "certificate"}
    if given == "variables":
        for name, file in files.items():
            monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name.upper()}", str(pem[file]))
    arguments = {name: pem[file] for name, file in files.items()} if given == "arguments" else {}
    exporter = OTLPExporter(endpoint=mutual.endpoint, protocol=protocol, **arguments)

    assert exporter.export([make_span()]) == Delivered()
    assert len(mutual.spans) == 1
    exporter.shutdown(0)


def test_authorities_of_the_machine(pem, make_span, monkeypatch) -> None:
    """Where no certificate is given, the machine's authorities hold."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem["certificate"]))
    with http_receiver(Mutual(pem["certificate"], pem["key"])) as running:
        exporter = OTLPExporter(endpoint=running.endpoint, client_key=pem["key"], client_certificate=pem["certificate"])

        assert exporter.export([make_span()]) == Delivered()
        exporter.shutdown(0)


def test_a_receiver_that_is_not_trusted(mutual, protocol, pem, make_span) -> None:
    """Nothing is sent to it, and the reason says that it is a matter of TLS, not of the address."""
    exporter = OTLPExporter(endpoint=mutual.endpoint, protocol=protocol, certificate=pem["another"])

    result = exporter.export([make_span()])

    assert isinstance(result, Retry)
    assert result.reason == "tls_error"
    assert "certificate=" in (result.advice or "")
    assert mutual.requests == []
    exporter.shutdown(0)


def test_a_receiver_without_tls(receiver, protocol, make_span) -> None:
    """https to a receiver without TLS says so."""
    exporter = OTLPExporter(endpoint=receiver.endpoint.replace("http:", "https:"), protocol=protocol)

    result = exporter.export([make_span()])

    assert isinstance(result, Retry)
    assert result.reason == "tls_error"
    exporter.shutdown(0)
