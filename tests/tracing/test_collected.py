"""What streams and generators leave of their items where there is no room for all."""

from __future__ import annotations

import orjson

from spanbridge.tracing.collected import MAX_ITEM_BYTES, Collected


def collected(items, max_text_bytes=10):
    """The value that `items` leave."""
    result = Collected(max_text_bytes)
    for item in items:
        result.add(item)
    return result.value()


def test_text_that_fits_is_joined():
    """Text is one text, other items are a list."""
    assert collected(["Hel", "", "lo"]) == "Hello"
    assert collected([]) is None
    assert collected([1, "a"]) == [1, "a"]


def test_text_over_the_limit_is_left_out_whole():
    """No head stays that could end inside a secret."""
    assert collected(["sk-ab", "cd12", "34", "5"]) == {"truncated": {"bytes": 12}}


def test_text_among_other_items_is_left_out_whole():
    """Of a list, items that are no text stay."""
    assert collected([1, "sk-ab", 2, "cd1234", 3]) == [1, 2, {"truncated": {"items": 3}}]


def test_other_items_over_the_limit_keep_their_head():
    """Each stands for itself."""
    large = {"text": "x" * (MAX_ITEM_BYTES // 2)}
    value = orjson.loads(orjson.dumps(collected([large, {"a": 1}, "text", large, {"b": 1}])))

    assert value == [large, {"a": 1}, {"truncated": {"items": 3}}]
