"""Numbers under a secret's name in text that holds JSON: the mask stands in quotes, and JSON stays JSON."""

import json

import pytest

from spanbridge import SensitiveDataFilter

FILTER = SensitiveDataFilter()
VALUES = ({"otp": 123456, "n": 1}, {"a": {"password": 48213377.5}, "n": -2}, [{"cvv": 123, "n": 4}])


def in_stream(*pieces):
    stream = FILTER.stream()
    return "".join([*map(stream.feed, pieces), stream.flush()])


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_json_that_flows(value, separators):
    """Wherever it is cut, what comes out is the JSON that the value is redacted to."""
    text = json.dumps(value, separators=separators)
    redacted = json.loads(FILTER.redact(text))

    assert "[REDACTED]" in str(redacted)
    assert json.loads(in_stream(*text)) == redacted
    assert all(json.loads(in_stream(text[:cut], text[cut:])) == redacted for cut in range(len(text)))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_json_that_was_cut_off(value, level):
    """What is left of it goes on as it began, however often it is encoded."""
    text = json.dumps([value, "cut"])
    whole = json.dumps([FILTER.redact(value), "cut"])
    for _ in range(level):
        text, whole = json.dumps({"inner": text}), json.dumps({"inner": whole})
    cut = text.index("cut") + 1

    assert FILTER.redact(text[:cut]) == whole[: whole.index("cut") + 1]


def test_pieces_of_one_text():
    """A number that stands in several deltas."""
    deltas = ['{"a": 1, "otp": 12', "34", '56, "b": 2}']

    assert json.loads("".join(FILTER.redact({"deltas": deltas})["deltas"])) == {"a": 1, "otp": "[REDACTED]", "b": 2}


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("{'otp': 123456, 'n': 1}", "{'otp': '[REDACTED]', 'n': 1}"),
        ("otp: 123456", "otp: [REDACTED]"),
        ('"password": hunter2moose', '"password": [REDACTED]'),
    ],
)
def test_other_text(text, redacted):
    """A mapping's representation stays one; what stands without quotes has none."""
    assert FILTER.redact(text) == redacted
