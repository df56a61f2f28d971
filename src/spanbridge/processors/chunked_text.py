"""Text that came in pieces: consecutive strings of one list (`["pass", "word=x"]`, token events, deltas of a stream) read as one text."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanbridge.processors.json_text import regions
from spanbridge.processors.key_names import word_set
from spanbridge.processors.matcher import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EVENT_PROBE = Probe(
    ("delta", "token", "chunk", "partial_json", "candidates"),
    r"(?:[dD]elta|token|chunk|partial_json)\\*\":? ?\\*[{\":,}]|candidates\\*\": ?\[\{",
    0,
)
"""What the prefilter looks for: names of events in a stream."""
_STRING = rb'[^"\\]*(?:\\+[^"\\]+)*'
_WITH_QUOTES = rb'[^"\\]*(?:\\.[^"\\]*)*'
_STRINGS = re.compile(rb'\[(?:(\\+)"%b\1", ?\1"|"%b", ?")' % (_STRING, _WITH_QUOTES))
"""A list that begins with two strings, perhaps in JSON inside of a string."""
_LIST_OF_STRINGS = re.compile(
    rb'\[(?:(\\+)"%b\1"(?:, ?\1"%b\1")+|"%b"(?:, ?"%b")+)' % (_STRING, _STRING, _WITH_QUOTES, _WITH_QUOTES)
)
_BETWEEN = re.compile(rb'\\*", ?\\*"')
_TEXT_KEYS = (
    "delta", "choices", "content", "text", "token", "partial_json", "arguments", "data", "chunk", "output_text", "reasoning",
    "reasoning_content", "thinking", "transcript", "function", "tool_calls", "parts", "candidates", "value", "output",
    "textDelta", "argsTextDelta", "inputTextDelta",
)  # fmt: skip
"""The members of an event that hold its text, or lead to it."""
_EVENT_KEYS = word_set("delta chunk token partial_json data candidates textDelta argsTextDelta inputTextDelta")
_MAX_DEPTH = 8
"""Levels from an item to its text: `choices[0].delta.tool_calls[0].function.arguments`."""
MAX_MEAN = 64
"""Characters of a piece, on the average; longer strings are texts of their own."""
_MAX_MEAN_OF_EVENTS = 256
"""As above, where a name says that they are pieces."""


_WORD = re.compile(r"[\W_]*(?:[A-Z]?[a-z]*|[A-Z]+)[\W_]*")


@dataclass(frozen=True)
class Part:
    """A piece of text in an item of a list."""

    index: int
    path: tuple[str | int, ...]
    """The keys and indexes that lead from the item to the piece; empty where the item is the piece."""
    text: str


def runs(items: Sequence[Any]) -> Iterator[list[Part]]:
    """The pieces of each text that stands in consecutive items of a list, all at the same place in their item."""
    run: list[Part] = []
    for index, item in enumerate(items):
        found = _text_in(item, 0)
        if found is None:
            continue  # events between the pieces, such as a first one with a role, do not end a text
        path, text = found
        if run and path != run[-1].path:
            if _is_text(run):
                yield run
            run = []
        run.append(Part(index, path, text))
    if _is_text(run):
        yield run


def _is_text(run: list[Part]) -> bool:
    if len(run) < 2:
        return False
    are_events = not _EVENT_KEYS.isdisjoint(run[0].path)
    longest = _MAX_MEAN_OF_EVENTS if are_events else MAX_MEAN
    return (are_events or not run[0].path or len(run) > 2) and sum(len(part.text) for part in run) <= longest * len(run)


def _text_in(item: Any, depth: int) -> tuple[tuple[str | int, ...], str] | None:
    if isinstance(item, str):
        return (), item
    if depth >= _MAX_DEPTH:
        return None
    if isinstance(item, dict):
        if depth == 0 and "role" in item:
            return None  # a message is a text of its own
        for key in _TEXT_KEYS:
            if key in item and (found := _text_in(item[key], depth + 1)) is not None:
                return (key, *found[0]), found[1]
        return None
    if isinstance(item, list) and item and depth:
        found = _text_in(item[0], depth + 1)
        return None if found is None else ((0, *found[0]), found[1])
    return None


def is_word(text: str) -> bool:
    """Whether a piece of a text is a word of the language, as a string of its own would begin, and not the rest of a secret."""
    return _WORD.fullmatch(text) is not None


def replaced(item: Any, path: Sequence[str | int], text: str) -> Any:
    """A copy of `item` with `text` at the end of `path`."""
    if not path:
        return text
    step, *rest = path
    if isinstance(item, dict):
        return {key: replaced(value, rest, text) if key == step else value for key, value in item.items()}
    return [replaced(item[0], rest, text), *item[1:]]


def holds_lists(data: bytes) -> bool:
    """Whether encoded JSON holds a list that begins with two strings."""
    return _STRINGS.search(data) is not None


def joined_lists(data: bytes) -> bytes:
    """The strings of each list in encoded JSON as one text, the texts in lines; those of JSON inside of strings too."""
    return b"\n".join([_joined(match[0]) for match in _LIST_OF_STRINGS.finditer(data)])


def _joined(strings: bytes) -> bytes:
    if b"\\" in strings or b'", "' in strings:
        return _BETWEEN.sub(b"", strings)
    return strings.replace(b'","', b"")  # most lists; the same at a fifth of the cost


def joined_texts(value: Any) -> Iterator[str]:
    """Every text of a JSON value that stands there in pieces."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
            for run in runs(item):
                yield "".join(part.text for part in run)
        elif isinstance(item, str) and "{" in item and len(item) > MAX_MEAN:
            documents = [document for _, _, document in regions(item)]
            stack.append(documents)
