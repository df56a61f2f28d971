"""What an application adds and lets pass: recognisers, kinds of personal data, allow-lists, patterns; and what a filter explains."""

from __future__ import annotations

import json
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
        (r"x(a+)+y", "too many ways"),
        (r"(?:a?){20}b", "too many ways"),
        (r"E-(?:a|a)*z", "too many ways"),
        (r"x[a-z]{0,100}[a-z]{0,100}[a-z]{0,100}y", "too many ways"),
        (r"x(?:[a-z]{0,20}[a-z]{0,20}){0,3}y", "too many ways"),
        (r"(?:.{0,255}a){0,8}b", "too many ways"),
        (r"[a-z]{1,200}[a-z]{1,200}@", "too many ways"),
        (r".{0,255}.{0,255}x1", "too many ways"),
        (r"EMP-[0-9]{0,250}[0-9]{0,250}x", "too many ways"),
        (r"x(?:a?b?c?d?e?f?){3}g", "too many ways"),
        (r"id-(?:\w+-)+end", "can start at every place"),
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
QUANTIFIERS = st.sampled_from(["", "", "", "+", "*", "?", "{1,3}", "{2,}", "{0,20}", "{1,200}"])
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


@pytest.mark.parametrize("pattern", [r"\b", "a?", "^", "x*", "(?:)", r"\bfoo|"])
def test_a_pattern_that_needs_no_character_is_refused(pattern: str) -> None:
    """It would be found everywhere, or nowhere."""
    with pytest.raises(ConfigurationError, match="matches the empty text; make it match at least one character"):
        SensitiveDataFilter(extra_patterns={"own": pattern})


@pytest.mark.parametrize("pattern", [5, None, re.compile("x"), b"x"])
def test_a_pattern_is_text(pattern: Any) -> None:
    """Also where `re` would take it."""
    with pytest.raises(ConfigurationError, match="is no text; give the pattern as it is written"):
        SensitiveDataFilter(extra_patterns={"own": pattern})


@pytest.mark.parametrize("text", ["1", "1234", "id 1234", '{"a":"1234"}'])
def test_own_patterns_and_recognizers_see_short_texts_too(text: str) -> None:
    """No secret that is built in is so short; an application's own may be."""
    by_pattern = SensitiveDataFilter(extra_patterns={"own": "[0-9]{1,4}"})
    by_function = SensitiveDataFilter(recognizers=[lambda t: [(*m.span(), "own") for m in re.finditer("[0-9]+", t)]])

    for own in (by_pattern, by_function):
        assert not re.search("[0-9]", own.redact(text))
        assert not re.search("[0-9]", own.redact([text, "x"])[0])


@pytest.mark.parametrize("style", ["full", "partial", "indexed"])
@pytest.mark.parametrize("text", ["say abc", "abcabc", "a", '{"a": "abc"}', "abcdefghijklmnop"])
def test_a_recognizer_that_finds_something_in_a_mask_does_not_mask_it_again(style: Any, text: str) -> None:
    """A second pass changes nothing."""
    eager = SensitiveDataFilter(recognizers=[lambda text: [(0, 1, "first")] if text else []], style=style)

    once = eager.redact(text)

    assert once != text
    assert eager.redact(once) == once


OWN_NAMES = (
    "taxNumber={}",
    "tax_number: {}",
    'tax-number = "{}"',
    "?taxNumber={}&x=1",
    "--tax-number {} --x",
    "--tax-number={}",
    "clientTaxNumber={} x",
    "TAX_NUMBER={}\nX=1",
    '{{\\"tax_number\\": \\"{}\\"}}',
    "tax_number => '{}'",
)


@pytest.mark.parametrize("name", ["tax number", "taxNumber", "TAX-NUMBER", "tax_number"])
def test_own_names_in_text(name: str) -> None:
    """In any spelling, whatever the value: nobody else would call it secret."""
    own = SensitiveDataFilter(extra_keys=[name])

    for template in OWN_NAMES:
        for value in ("123", "abc", "12345", "a1"):
            assert own.redact(template.format(value)) == template.format("[REDACTED]")


def test_what_only_looks_like_an_own_name_stays() -> None:
    """Parts of words, sentences, placeholders."""
    own = SensitiveDataFilter(extra_keys=["ip"])

    for text in ("zip=94110", "the ip is wrong", "ship: 7 tons", "ip=${IP}", "ip", "ip: ", "ip == other"):
        assert own.redact(text) == text


def test_allowed_keys_hold_wherever_names_do() -> None:
    """In text, in pairs, in headers and arguments; formats that say themselves what they are go all the same."""
    lenient = SensitiveDataFilter(allow_keys=["api key"])
    secret = "a1B2c3D4e5F6g7H8"
    value = [
        f"api_key={secret}",
        {"name": "API-Key", "value": secret},
        [["apiKey", secret], ["n", "1"]],
        ["deploy", "--api-key", secret],
        f'{{"api_key": "{secret}"',
    ]

    assert lenient.redact(value) is value
    assert lenient.redact(f"x_api_key={secret}") == "x_api_key=[REDACTED]"


@pytest.mark.parametrize("value", [12345678, 1234.5, "12345678", ["a", 1]])
def test_an_allowed_value_stays_what_it_is(value: Any) -> None:
    """A number stays one, in JSON too."""
    lenient = SensitiveDataFilter(allow_values=[SensitiveDataFilter.value_hash(str(value))])

    assert lenient.redact({"password": value}) == {"password": value}
    text = json.dumps({"password": value, "n": 1.0})
    assert lenient.redact(text) == text


@pytest.mark.parametrize(
    "marker", ["x", "a&b", "a b", "a;b", "50%x", "a/b", "x=y", "a,b", "#ab", "you?", "a|b", "u@h", 'a"b', "a\\b"]
)
def test_a_marker_that_could_break_what_is_around_it_is_refused(marker: str) -> None:
    """Addresses, forms, tables; and one so short that values hold it by chance."""
    with pytest.raises(ConfigurationError, match="is not usable; use 3 to 64 characters"):
        SensitiveDataFilter(marker=marker)
