"""What holds for any value: redaction is idempotent, cuts nothing but secrets, keeps JSON JSON, and a stream may be split anywhere."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spanbridge import SensitiveDataFilter

from .formats import FORMATS
from .generating import fill

FILTER = SensitiveDataFilter()
MARKER = "[REDACTED]"

harmless = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40)
words = st.sampled_from(
    ["the", "order", "shipped", "on", "Tuesday", "and", "42.50", "\n", "say:", "(see", "below)", "«ok»", "日本"]
)
secrets = st.builds(lambda row, seed: fill(row[1], random.Random(seed)), st.sampled_from(FORMATS), st.integers(0, 99))
prose = st.lists(words, max_size=12).map(" ".join)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | harmless | secrets | prose,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(harmless | st.sampled_from(["password", "apiKey", "note", "tokens"]), inner, max_size=4)
        | inner.map(lambda value: json.dumps(value, ensure_ascii=False))
    ),
    max_leaves=12,
)


@given(value=values)
@settings(max_examples=80)
def test_redacting_again_changes_nothing(value: Any) -> None:
    """What was redacted holds nothing more, and the input is as it was."""
    before = json.dumps(value)
    once = FILTER.redact(value)

    assert FILTER.redact(once) == once
    assert json.dumps(value) == before


@given(before=prose, secret=secrets, after=prose)
@settings(max_examples=100)
def test_only_the_secret_goes(before: str, secret: str, after: str) -> None:
    """What stands around it stays, byte for byte."""
    assert FILTER.redact(f"{before} {secret} {after}") == f"{before} {MARKER} {after}"


@given(value=values)
@settings(max_examples=80)
def test_json_stays_json(value: Any) -> None:
    """With the same keys and the same lengths, also where it stands in a text."""
    text = json.dumps({"outer": value})

    result = json.loads(FILTER.redact(text))

    assert list(result) == ["outer"]


@given(value=values)
@settings(max_examples=80)
def test_what_holds_no_secret_is_the_same_object(value: Any) -> None:
    """Nothing is copied, and nothing spelled anew."""
    result = FILTER.redact(value)

    assert result is value or result != value


@given(texts=st.lists(prose | secrets | harmless, max_size=8), data=st.data())
@settings(max_examples=100)
def test_a_stream_may_be_split_anywhere(texts: list[str], data: st.DataObject) -> None:
    """The pieces together are what the whole text becomes."""
    text = " ".join(texts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    stream = FILTER.stream()

    pieces = [stream.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert "".join([*pieces, stream.flush()]) == FILTER.redact(text)


@given(texts=st.lists(prose, min_size=1, max_size=3), secret=secrets, data=st.data())
@settings(max_examples=100)
def test_a_secret_in_pieces_goes_from_all_of_them(texts: list[str], secret: str, data: st.DataObject) -> None:
    """Deltas in a list are one text: nothing of the secret stays in any of them, and their number stays."""
    text = f"{texts[0]} {secret} {texts[-1]}"
    size = data.draw(st.integers(2, 30))
    deltas = [{"index": 0, "delta": {"content": text[at : at + size]}} for at in range(0, len(text), size)]

    result = FILTER.redact({"chunks": deltas})["chunks"]

    joined = "".join(item["delta"]["content"] for item in result)
    assert len(result) == len(deltas)
    assert secret[:12] not in joined
    assert secret[-12:] not in joined
    assert re.sub(r"\s", "", joined.replace(MARKER, "")) == re.sub(r"\s", "", text.replace(secret, ""))
