"""What a stream says of a value before or after it, as the whole text does."""

from __future__ import annotations

import pytest

from spanbridge import SensitiveDataFilter

FILTER = SensitiveDataFilter()
TEXTS = (
    'done {"Parameters": [{"ParameterKey": "DBPassword", "ParameterValue": "§"}, {"ParameterKey": "Env", "ParameterValue": "prod"}]}',
    '{\n  "ParameterKey": "DBPassword",\n  "ParameterValue": "§"\n}',
    '{"fieldName": "api_key", "fieldValue": "§"} there',
    '{"headerName": "X-Api-Key", "header_value": "§"} there',
    "UPDATE settings SET value = '§' WHERE name = 'api_key'; done",
)


@pytest.mark.parametrize("template", TEXTS)
def test_names_and_values_apart(template: str) -> None:
    """However it is cut."""
    text, masked = (template.replace("§", value) for value in ("mango7915qRtX2", "[REDACTED]"))

    assert FILTER.redact(text) == masked
    for cut in range(1, len(text)):
        stream = FILTER.stream()
        assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.flush() == masked


def test_a_value_under_another_name_stays() -> None:
    text = '{"ParameterKey": "Environment", "ParameterValue": "production2"} there'
    stream = FILTER.stream()

    assert stream.feed(text) + stream.flush() == text == FILTER.redact(text)
