"""What an application adds and lets pass: recognisers, kinds of personal data, allow-lists, patterns; and what a filter explains."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge import SensitiveDataFilter
from spanbridge.errors import ConfigurationError
from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType
from spanbridge.processors.pattern_check import run_away
from spanbridge.processors.walk import Finding


def find_codename(text: str) -> list[tuple[int, int, str]]:
    """A recogniser of an application."""
    return [(*match.span(), "codename") for match in re.finditer("BLUEJAY", text)]


def test_a_recognizer_sees_every_text() -> None:
    """Also in JSON inside of a string; what it finds is counted under its name."""
    own = SensitiveDataFilter(recognizers=[find_codename])
    record = SpanRecord("a" * 32, "b" * 16, SpanType.GENERIC, 1, {"input": snapshot({"t": '{"x": "of BLUEJAY"}'})})

    own.process(record)

    assert record.input == {"t": '{"x": "of [REDACTED]"}'}
    assert record.redactions == {"codename": 1}
    assert own.redact(["BLUEJAY", "blue jay"]) == ["[REDACTED]", "blue jay"]


@pytest.mark.parametrize("answer", [[(0, 99, "x")], [(3, 1, "x")], [(0, 1, "Not a name")], [("a", "b", "x")], 7])
def test_a_recognizer_that_answers_nonsense_or_raises_withholds(answer: Any) -> None:
    """It fails closed."""
    broken = SensitiveDataFilter(recognizers=[lambda _: answer])

    assert broken.redact("some text") == "[WITHHELD]"


def test_personal_data_by_kind() -> None:
    """Each kind has its switch."""
    text = "ana@example.com called from +49 30 901820"

    assert SensitiveDataFilter(pii=["email"]).redact(text) == "[REDACTED] called from +49 30 901820"
    assert SensitiveDataFilter(pii={"phone"}).redact(text) == "ana@example.com called from [REDACTED]"
    with pytest.raises(ConfigurationError, match=r"pii holds 'mail', which is unknown; use some of email, card_number"):
        SensitiveDataFilter(pii=["mail"])


def test_allowed_keys_paths_and_values_pass() -> None:
    """A key in any spelling, a place with wildcards, a value by its hash; everything else goes as before."""
    lenient = SensitiveDataFilter(
        allow_keys=["session token"],
        allow_paths=["build.*.api_key", "log.**"],
        allow_values=[SensitiveDataFilter.value_hash(value) for value in ("tangerine", "t4ngerine")],
    )
    value = {
        "sessionToken": "x1y2z3",
        "build": [{"api_key": "x1y2z3", "password": "zebra"}],
        "log": {"deep": {"password": "zebra"}},
        "password": "tangerine",
        "text": "password=t4ngerine and password=zebra42",
    }

    assert lenient.redact(value) == {
        **value,
        "build": [{"api_key": "x1y2z3", "password": "[REDACTED]"}],
        "text": "password=t4ngerine and password=[REDACTED]",
    }


def test_a_path_in_a_record_begins_with_the_field() -> None:
    """`input.headers.*` is a place in every span."""
    lenient = SensitiveDataFilter(allow_paths=["input.headers.*"])
    content = {"headers": {"X-Api-Key": "x1y2z3"}}
    record = SpanRecord(
        "a" * 32, "b" * 16, SpanType.GENERIC, 1, {"input": snapshot(content), "output": snapshot(content)}
    )

    lenient.process(record)

    assert record.input == content
    assert record.output == {"headers": {"X-Api-Key": "[REDACTED]"}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recognizers": find_codename}, "is not a list of functions; use recognizers="),
        ({"recognizers": ["x"]}, "recognizers holds 'x', which cannot be called; use a function"),
        ({"allow_keys": "token"}, r"allow_keys='token' is not a list of names; use allow_keys=\["),
        ({"allow_paths": [""]}, "allow_paths holds '', which is not one of paths; use texts"),
        (
            {"allow_values": ["tangerine"]},
            "allow_values holds something that is no hash; use SensitiveDataFilter.value_hash",
        ),
        ({"index_key": "short"}, "index_key is not usable; use at least 16 random bytes"),
    ],
)
def test_a_bad_option_is_an_error_with_the_fix(options: dict[str, Any], message: str) -> None:
    """Secrets among the options are not quoted."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        SensitiveDataFilter(**options)

    assert "tangerine" not in str(caught.value)


def test_explain_says_rule_and_place() -> None:
    """The same findings as `redact` has, without the values."""
    value = {"a": [{"password": "tangerine"}], "text": 'x {"api_key": "zebra"} password=hunter2x9'}

    assert sorted(SensitiveDataFilter().explain(value)) == [
        Finding("assignment", "text", 32, 9, 32),
        Finding("key_name", "a.0.password", 0, 9, 0),
        Finding("key_name", "text.api_key", 0, 5, 2),
    ]


# ── patterns that can run away ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "pattern",
    [
        r"TCK-\d+",
        r"CUST[A-Z0-9]{8,}",
        r"\w{1,64}@\w{1,64}",
        r"\bEMP-[0-9]{6}\b",
        r"(\d{1,3}\.){3}\d{1,3}",
        r"^\d+$",
        r"(?i)id:\s?[^;]{1,80};",
    ],
)
def test_usual_patterns_are_taken(pattern: str) -> None:
    """A literal, a class, a bound."""
    assert run_away(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"x(a+)+y", "repeats a repetition"),
        (r"(?:a?){20}b", "repeats a repetition"),
        (r"E-(?:a|a)*z", "repeats alternatives that begin alike"),
        (r"\w+@x", "can start at every place"),
        (r"x.*y.*z", "can start at every place"),
        (r"(?=x)a", "looks around"),
        (r"(a)\1", "refers back"),
    ],
)
def test_a_pattern_that_can_run_away_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    """At configuration, never at a span."""
    with pytest.raises(ConfigurationError, match=reason):
        SensitiveDataFilter(extra_patterns={"own": pattern})


ATOMS = st.sampled_from(["a", "b", "[ab]", r"\d", r"\w", ".", "-", r"\s", "[^a]"])
QUANTIFIERS = st.sampled_from(["", "", "", "+", "*", "?", "{1,3}", "{2,}"])
PATTERNS = st.recursive(
    st.builds(str.__add__, ATOMS, QUANTIFIERS),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map("".join)
        | st.builds("(?:{}){}".format, inner, QUANTIFIERS)
        | st.builds("(?:{}|{}){}".format, inner, inner, QUANTIFIERS)
    ),
    max_leaves=6,
)


@given(pattern=PATTERNS, text=st.sampled_from(["a", "ab", "1", "a1", "a-", "aa b"]))
@settings(max_examples=300)
def test_what_is_taken_does_not_run_away(pattern: str, text: str) -> None:
    """A thousand characters come to an end; where there are many ways to match them, they would not."""
    try:
        compiled = re.compile(pattern)
    except re.error:
        return
    if run_away(pattern) is None:
        subject = text * (1000 // len(text)) + "\n"
        assert all(match.end() <= len(subject) for match in compiled.finditer(subject))
