"""Manifests of Kubernetes: all that a Secret holds goes, as text and decoded; other kinds keep what they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from spanbridge import SensitiveDataFilter

FILTER = SensitiveDataFilter()
HEAD = "apiVersion: v1\nkind: {}\nmetadata:\n  name: app\n  labels:\n    tier: web\n"


@pytest.mark.parametrize("member", ["data", "stringData"])
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("region: europe", "region: [REDACTED]"),
        ('"region": "summer rain"', '"region": "[REDACTED]"'),
        ("region: europe  # the first", "region: [REDACTED]  # the first"),
        ("region: |\n    one\n    two\n  zone: a", "region: |\n    [REDACTED]\n  zone: [REDACTED]"),
        ("username: bob", "username: bob"),
        ("region: {{ .Values.region | b64enc }}", "region: {{ .Values.region | b64enc }}"),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\n---\nkind: ConfigMap\ndata:\n  zone: europe\n"])
def test_each_value_of_a_secret_goes(member: str, written: str, expected: str, end: str) -> None:
    """Whatever its name, in whatever style of YAML; what stands around it stays."""
    text = HEAD.format("Secret") + f"type: Opaque\n{member}:\n  {written}{end}"

    assert FILTER.redact(text) == text.replace(written, expected)


@pytest.mark.parametrize("kind", ["ConfigMap", "SecretStore", "SealedSecret", "secret", "Deployment"])
def test_other_kinds_keep_their_data(kind: str) -> None:
    """Only a Secret holds nothing else."""
    text = HEAD.format(kind) + "data:\n  region: europe\n"
    decoded = {"kind": kind, "data": {"region": "europe"}}

    assert FILTER.redact(text) == text
    assert FILTER.redact(decoded) == decoded


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_decoded_manifest_is_one_too(depth: int) -> None:
    """As an API answers, in strings of JSON also."""
    value: Any = {"kind": "Secret", "metadata": {"name": "app"}, "data": {"region": "ZXVyb3Bl", "username": "Ym9i"}}
    expected: Any = {**value, "data": {"region": "[REDACTED]", "username": "Ym9i"}}
    for _ in range(depth):
        value, expected = json.dumps(value), json.dumps(expected)

    assert FILTER.redact(value) == expected


def test_many_manifests_cost_what_each_costs() -> None:
    """Kinds without a border between them belong to one manifest, which is read once."""
    text = "kind: Secret\n" * 3000 + "data:\n  region: europe\n"

    assert FILTER.redact(text).endswith("region: [REDACTED]\n")
