"""What an OTLP exporter is told: arguments, presets, variables, and errors for what is wrong."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_records import record
from otlp_receivers import Receiver, grpc_receiver, http_receiver
from spanbridge.errors import ConfigurationError
from spanbridge.protocols import Delivered
from spanbridge_otlp import PRESETS, OTLPExporter
from spanbridge_otlp.presets import presets_markdown
from spanbridge_otlp.settings import DEFAULT_TIMEOUT_S, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_defaults() -> None:
    """Without any setting spans go to a collector on this machine, over HTTP."""
    resolved = resolve({}, {})

    assert (resolved.endpoint, resolved.protocol, resolved.timeout_s, resolved.compression) == (
        "http://localhost:4318/v1/traces",
        "http/protobuf",
        DEFAULT_TIMEOUT_S,
        "none",
    )


@pytest.mark.parametrize(
    ("variables", "field", "expected"),
    [
        ({"ENDPOINT": "http://c:4318"}, "endpoint", "http://c:4318/v1/traces"),
        ({"ENDPOINT": "http://c:4318/otel/"}, "endpoint", "http://c:4318/otel/v1/traces"),
        ({"ENDPOINT": "http://c/v1/traces"}, "endpoint", "http://c/v1/traces"),
        ({"TRACES_ENDPOINT": "http://c:4318/in"}, "endpoint", "http://c:4318/in"),
        ({"TRACES_ENDPOINT": "http://c:4318"}, "endpoint", "http://c:4318/"),
        ({"TRACES_ENDPOINT": "http://t/x", "ENDPOINT": "http://g"}, "endpoint", "http://t/x"),
        ({"TRACES_ENDPOINT": "  ", "ENDPOINT": "http://g"}, "endpoint", "http://g/v1/traces"),
        ({"PROTOCOL": "grpc"}, "endpoint", "http://localhost:4317"),
        ({"TRACES_PROTOCOL": "grpc", "PROTOCOL": "http/protobuf"}, "protocol", "grpc"),
        ({"PROTOCOL": "grpc", "ENDPOINT": "c:4317"}, "endpoint", "https://c:4317"),
        ({"PROTOCOL": "grpc", "ENDPOINT": "c:4317", "INSECURE": "true"}, "endpoint", "http://c:4317"),
        ({"PROTOCOL": "grpc", "ENDPOINT": "c:4317", "INSECURE": "true"}, "insecure", True),
        ({"PROTOCOL": "grpc", "ENDPOINT": "https://c:4317", "INSECURE": "true"}, "insecure", False),
        ({"PROTOCOL": "grpc", "ENDPOINT": "http://c:4317/some/path"}, "endpoint", "http://c:4317"),
        ({"HEADERS": "Api-Key=a%2Cb, x-scope = team=1 ,"}, "headers", {"api-key": "a,b", "x-scope": "team=1"}),
        ({"TRACES_HEADERS": "a=1", "HEADERS": "b=2"}, "headers", {"a": "1"}),
        ({"HEADERS": " "}, "headers", {}),
        ({"TIMEOUT": "3"}, "timeout_s", 3.0),
        ({"TIMEOUT": "2500"}, "timeout_s", 2.5),
        ({"TRACES_TIMEOUT": "0.5", "TIMEOUT": "9"}, "timeout_s", 0.5),
        ({"COMPRESSION": "GZIP"}, "compression", "gzip"),
    ],
)
def test_variables(variables, field, expected) -> None:
    """OpenTelemetry's variables hold, the one for traces before the general one, blank ones never."""
    environ = {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()}

    assert getattr(resolve({}, environ), field) == expected


def test_files_of_variables(pem) -> None:
    """Certificates are files that exist."""
    given = {"CERTIFICATE": "certificate", "CLIENT_KEY": "key", "CLIENT_CERTIFICATE": "certificate"}
    resolved = resolve({}, {f"OTEL_EXPORTER_OTLP_{name}": str(pem[file]) for name, file in given.items()})

    assert resolved.certificate == str(pem["certificate"])
    assert (resolved.client_key, resolved.client_certificate) == (str(pem["key"]), str(pem["certificate"]))


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"certificate": "garbage"}, "certificate"),
        ({"certificate": "key"}, "certificate"),
        ({"client_certificate": "certificate"}, "client_certificate"),
        ({"client_certificate": "garbage", "client_key": "key"}, "client_certificate"),
        ({"client_certificate": "certificate", "client_key": "garbage"}, "client_certificate"),
        ({"client_certificate": "certificate", "client_key": "encrypted"}, "client_certificate"),
    ],
)
def test_files_that_cannot_be_loaded(arguments, named, protocol, pem) -> None:
    """A file without what it should hold is an error at once, and nobody is asked for a password."""
    given = {name: str(pem[file]) for name, file in arguments.items()}

    with pytest.raises(ConfigurationError, match=f"{named} cannot be .*: expected a file in PEM format with"):
        resolve({"protocol": protocol, "endpoint": "https://c", **given}, {})


def test_arguments_win_over_variables() -> None:
    """What code says holds; headers of both are sent."""
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://variable",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "9",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=1,b=2",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    resolved = resolve(
        {
            "endpoint": "http://argument:1/",
            "timeout_s": 2,
            "headers": {"B": "3"},
            "protocol": "http/protobuf",
            "compression": "none",
        },
        environ,
    )

    assert (resolved.endpoint, resolved.timeout_s, resolved.compression) == ("http://argument:1/v1/traces", 2.0, "none")
    assert resolved.headers == {"a": "1", "b": "3"}


SECRET = "sk-very-secret"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", SECRET),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"api-key: {SECRET}"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"a=1,={SECRET}"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"api key={SECRET}"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={SECRET}%0d%0ax-evil=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", f"api-key={SECRET}%ff"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={SECRET}€"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"ftp://user:{SECRET}@c"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://user:{SECRET}@c:port"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http:// c/?key={SECRET}"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "nan"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "missing.pem"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "perhaps"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"key=%20{SECRET}"),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"key={SECRET}%09"),
        ("OTEL_RESOURCE_ATTRIBUTES", f"team=a,{SECRET}"),
        ("OTEL_RESOURCE_ATTRIBUTES", f"team={SECRET}\udce9"),
    ],
)
def test_wrong_variables(variable, value, monkeypatch) -> None:
    """A variable that is malformed is an error that names it and the fix, and shows no secret."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError) as raised:
        OTLPExporter()

    assert variable in str(raised.value)
    assert "xpected" in str(raised.value) or "a value is" in str(raised.value) or "Encode" in str(raised.value)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"endpoint": ""}, "endpoint"),
        ({"endpoint": 4318}, "endpoint"),
        ({"protocol": "http"}, "protocol"),
        ({"headers": SECRET}, "headers"),
        ({"headers": {"a b": SECRET}}, "a b"),
        ({"headers": {"key": f"{SECRET}\n"}}, "key"),
        ({"headers": {"key": 5}}, "key"),
        ({"headers": {"key": f" {SECRET}"}}, "without blanks around it"),
        ({"headers": {"key": f"{SECRET}\t"}}, "without blanks around it"),
        ({"headers": {"key": " "}}, "without blanks around it"),
        ({"headers": {"key-bin": SECRET}, "protocol": "grpc"}, "key-bin.*nor ends in -bin"),
        ({"headers": {"Key-Bin": SECRET}, "protocol": "grpc"}, "nor ends in -bin"),
        ({"headers": {"grpc-timeout": SECRET}, "protocol": "grpc"}, "neither begins with grpc-"),
        ({"headers": {"key!": SECRET}, "protocol": "grpc"}, "key!"),
        ({"headers": {"key": f"{SECRET}\xe9"}, "protocol": "grpc"}, "ASCII"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": True}, "timeout_s"),
        ({"timeout_s": "5"}, "timeout_s"),
        ({"compression": 1}, "compression"),
        ({"client_key": __file__}, "client_key"),
        ({"resource_attributes": ["a"]}, "resource_attributes"),
        ({"resource_attributes": {"a": object()}}, "resource_attributes"),
        ({"resource_attributes": {"a": 2**63}}, "64 bits"),
        ({"resource_attributes": {"a": "\ud800"}}, "Unicode text"),
        ({"resource_attributes": {"\ud800": "a"}}, "Unicode text"),
        ({"max_request_bytes": 5}, "max_request_bytes"),
        ({"preset": "langfus"}, "did you mean 'langfuse'"),
    ],
)
def test_wrong_arguments(arguments, named) -> None:
    """A wrong argument is an error that names it, its value and the fix, and shows no secret."""
    with pytest.raises(ConfigurationError, match=named) as raised:
        OTLPExporter(**arguments)

    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@settings(max_examples=40, deadline=None)
@given(
    name=st.text(max_size=8) | st.text("aZ0-_.!#~ ", max_size=6),
    value=st.text(max_size=8) | st.text(" \ta=\xe9", max_size=4),
)
def test_headers_that_pass_can_be_sent(protocol, name, value, sending) -> None:
    """Whatever passes as a header arrives; whatever cannot be sent is refused where it is configured."""
    try:
        exporter = OTLPExporter(endpoint=sending[protocol].endpoint, protocol=protocol, headers={f"x{name}": value})
    except ConfigurationError:
        return
    try:
        assert exporter.export([record()]) == Delivered()
    finally:
        exporter.shutdown(0)


@pytest.fixture(scope="module")
def sending() -> Iterator[dict[str, Receiver]]:
    """A receiver for each protocol."""
    with http_receiver() as http, grpc_receiver() as grpc:
        yield {"http/protobuf": http, "grpc": grpc}


REQUIRED = {
    "DASH0_API_KEY": "k",
    "DASH0_ENDPOINT": "https://ingress.dash0.example:4317",
    "LMNR_PROJECT_API_KEY": "k",
    "LANGFUSE_PUBLIC_KEY": "pk",
    "LANGFUSE_SECRET_KEY": "sk",
    "NEW_RELIC_LICENSE_KEY": "k",
    "SIGNOZ_API_KEY": "k",
    "TRACELOOP_API_KEY": "k",
}

EXPECTED = {
    "dash0": ("https://ingress.dash0.example:4317", {"authorization": "Bearer k"}),
    "laminar": ("https://api.lmnr.ai/v1/traces", {"authorization": "Bearer k"}),
    "langfuse": (
        "https://cloud.langfuse.com/api/public/otel/v1/traces",
        {"authorization": f"Basic {base64.b64encode(b'pk:sk').decode()}", "x-langfuse-ingestion-version": "4"},
    ),
    "mlflow": ("http://localhost:5000/v1/traces", {"x-mlflow-experiment-id": "0"}),
    "newrelic": ("https://otlp.nr-data.net:443/v1/traces", {"api-key": "k"}),
    "phoenix": ("http://localhost:6006/v1/traces", {}),
    "signoz": ("https://ingest.us.signoz.cloud:443/v1/traces", {"signoz-ingestion-key": "k"}),
    "traceloop": ("https://api.traceloop.com/v1/traces", {"authorization": "Bearer k"}),
}


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name) -> None:
    """Each preset gives its endpoint and headers from its variables, and ignores those of another collector."""
    environ = {**REQUIRED, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://other", "OTEL_EXPORTER_OTLP_HEADERS": "x=y"}
    resolved = resolve({"preset": name}, environ)

    assert (resolved.endpoint, resolved.headers) == EXPECTED[name]


@pytest.mark.parametrize(
    "name", [name for name, preset in PRESETS.items() if any(v.required for v in preset.variables)]
)
def test_presets_name_what_is_missing(name) -> None:
    """A required variable that is not set, or blank, is named."""
    required = [variable.name for variable in PRESETS[name].variables if variable.required]

    with pytest.raises(ConfigurationError, match=required[0]):
        resolve({"preset": name}, {required[0]: " "})


def test_presets_with_other_values() -> None:
    """Regions, own installations, older names of variables and arguments."""
    assert resolve({"preset": "signoz"}, {**REQUIRED, "SIGNOZ_REGION": "eu"}).endpoint.startswith("https://ingest.eu.")
    assert (
        resolve({"preset": "signoz"}, {**REQUIRED, "SIGNOZ_ENDPOINT": "http://s:1"}).endpoint == "http://s:1/v1/traces"
    )
    langfuse = resolve({"preset": "langfuse"}, {**REQUIRED, "LANGFUSE_HOST": "http://l:3000/"})
    assert langfuse.endpoint == "http://l:3000/api/public/otel/v1/traces"
    phoenix = resolve({"preset": "phoenix", "headers": {"x-project-name": "mine"}}, {"PHOENIX_API_KEY": "k"})
    assert phoenix.headers == {"authorization": "Bearer k", "x-project-name": "mine"}
    assert resolve({"preset": "dash0", "endpoint": "http://d:1", "headers": {"a": "b"}}, {}).headers == {"a": "b"}


def test_repr_shows_no_secret() -> None:
    """Neither the exporter nor its settings show headers or credentials."""
    exporter = OTLPExporter(endpoint=f"http://u:{SECRET}@c", headers={"key": SECRET})

    assert SECRET not in repr(exporter) + repr(exporter.settings) + str(list(exporter.examine()))


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_compression(compression, make_span, http: Receiver) -> None:
    """What is compressed can be read by a receiver."""
    exporter = OTLPExporter(endpoint=http.endpoint, compression=compression, headers={"X-Team": "a"})

    exporter.export([make_span("n", input="x" * 5000)])
    exporter.shutdown(0)

    (request,) = http.requests
    assert (request.headers["content-encoding"], request.headers["x-team"]) == (compression, "a")
    assert int(request.headers["content-length"]) < 2500
    assert [span.name for span in http.spans] == ["n"]


@pytest.mark.parametrize("given", ["variable", "argument"])
def test_resource(given, make_span, monkeypatch) -> None:
    """Resource attributes of the variable give way to what spans say, those of an argument do not."""
    if given == "variable":
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=var,team=a%20b,k8s.pod.name=p")
        arguments = {}
    else:
        arguments = {"resource_attributes": {"service.name": "arg", "team": "a b", "replica": 3}}
    with http_receiver() as receiver:
        exporter = OTLPExporter(endpoint=receiver.endpoint, **arguments)
        exporter.export([make_span(service_name="shop", environment="test"), make_span()])
        exporter.shutdown(0)
        first, second = (span.resource for span in receiver.spans)

    assert first["service.name"] == ("shop" if given == "variable" else "arg")
    assert second.get("service.name") == ("var" if given == "variable" else "arg")
    assert first["deployment.environment.name"] == "test"
    assert first["team"] == "a b"
    assert first["telemetry.sdk.language"] == "python"
    assert first.get("replica") == (3 if given == "argument" else None)


def test_service_name_of_the_variable(monkeypatch, http: Receiver) -> None:
    """OTEL_SERVICE_NAME names the service, unless the configuration does."""
    import spanbridge as sb

    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-variable")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.endpoint)
    for arguments in ({}, {"service_name": "from-code"}):
        sb.configure(exporters=["otlp"], store=False, **arguments)
        with sb.generic("g"):
            pass
        sb.flush()

    assert [span.resource["service.name"] for span in http.wait_for(2)] == ["from-variable", "from-code"]


def test_presets_are_documented() -> None:
    """The documentation holds the table of presets as the code has it."""
    document = Path(__file__).parents[3] / "docs" / "otlp.md"

    assert presets_markdown() in document.read_text(encoding="utf-8")
