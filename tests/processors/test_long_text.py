"""Long and hostile texts: found as in short ones, in slices that let other threads run, within a budget, never unlooked at."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge.model.payload import snapshot
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType
from spanbridge.processors import text_rule
from spanbridge.processors.sensitive_data import SensitiveDataFilter
from spanbridge.processors.text_rule import Budget, BudgetExceeded, matches

FILTER = SensitiveDataFilter()
GITHUB = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA1c7\n" * 20 + "-----END RSA PRIVATE KEY-----"
SECRETS = (GITHUB, KEY, 'password = "hunter2"', "https://bob:hunter2@host/", "Authorization: Bearer abc123def456ghi7")
SECRET_PARTS = (GITHUB, KEY, "hunter2", "hunter2", "abc123def456ghi7")


def make_record(**content: Any) -> SpanRecord:
    return SpanRecord(type=SpanType.TOOL_CALL, started_at=1, trace_id="a" * 32, span_id="b" * 16, content=content)


@pytest.mark.parametrize(("text", "secret"), list(zip(SECRETS, SECRET_PARTS, strict=True)), ids=range(5))
@pytest.mark.parametrize("before_boundary", [0, 1, 5, 20, 40, 300])
def test_a_secret_across_the_boundary_of_two_slices_is_found_once(text: str, secret: str, before_boundary: int) -> None:
    """Wherever a slice ends, the secret goes whole, and nothing else."""
    for boundary in (text_rule.SLICE, text_rule.SLICE + text_rule.OVERLAP):
        value = ". " * ((boundary - before_boundary) // 2) + text + " ." * 50_000

        assert FILTER.redact(value) == value.replace(secret, "[REDACTED]")


def test_a_secret_longer_than_a_slice_and_its_overlap_goes_whole() -> None:
    """A match that reaches the end of what one call sees is looked at again without an end."""
    secret = "sk-ant-" + "aB3_" * 60_000

    assert FILTER.redact(f"a {secret} b " + "clean " * 20_000) == "a [REDACTED] b " + "clean " * 20_000


@given(
    text=st.text(alphabet="ab-. ", min_size=1, max_size=400), pattern=st.sampled_from(["a+b", "ab?", "-+", "b.{0,9}a"])
)
@settings(max_examples=100)
def test_matches_in_slices_are_the_matches_of_the_whole_text(text: str, pattern: str) -> None:
    """Slicing is invisible where matches are no longer than the overlap."""
    compiled = re.compile(pattern)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_rule, "SLICE", 64)
        patch.setattr(text_rule, "OVERLAP", 512)

        sliced = [match.span() for match in matches(compiled, text, Budget(None))]

    assert sliced == [match.span() for match in compiled.finditer(text)]


def test_a_span_that_takes_more_than_its_budget_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail closed: what was not done in time goes whole, with the reason; short fields of the same span are still redacted."""
    # Each look at the clock is a twentieth of a second later: a short field takes one look, the long text some nine.
    clock = itertools.count()
    monkeypatch.setattr(text_rule.time, "thread_time", lambda: next(clock) / 20)
    monkeypatch.setattr(text_rule, "SLICE_NS", -1)
    record = make_record(
        input=snapshot({"text": "password=hunter2 " * 30_000, "password": "x"}), output=snapshot({"password": "x"})
    )

    FILTER.process(record)

    assert record.input == {"withheld": {"processor": "sensitive_data", "reason": "budget"}}
    assert record.output == {"password": "[REDACTED]"}
    assert record.redactions == {"withheld": 1, "key_name": 1}


def test_a_spent_budget_ends_a_search_at_its_next_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """One long text cannot take longer than the budget and one slice."""
    clock = itertools.count(step=1_000_000)  # each look at it is a slice later
    monkeypatch.setattr(text_rule.time, "perf_counter_ns", lambda: next(clock))
    budget = Budget(-1.0)

    with pytest.raises(BudgetExceeded):
        list(matches(re.compile("x"), "y" * (text_rule.SLICE + 1), budget))


def test_redact_has_no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller of `redact` waits for the answer; it does not depend on the speed of the machine."""
    clock = itertools.count()
    monkeypatch.setattr(text_rule.time, "thread_time", lambda: float(next(clock)))
    noise = "clean " * 100_000

    assert FILTER.redact({"text": f"{noise}{GITHUB}"}) == {"text": f"{noise}[REDACTED]"}


def test_names_of_any_length_are_classified_by_their_end() -> None:
    """A name is no hiding place because it is long."""
    assert FILTER.redact({"a" * 5000 + "_password": "x"}) == {"a" * 5000 + "_password": "[REDACTED]"}
