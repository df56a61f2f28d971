"""Text that came in pieces: consecutive strings of one list (`["pass", "word=x"]`, token events, deltas of a stream) read as one text."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from spanbridge.processors.json_text import regions
from spanbridge.processors.key_names import looks_like_credential
from spanbridge.processors.matcher import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_EVENT_NAMES = "[dD]elta|[cC]hunk|token|partial_json|event|candidates|artifact|artifact-update"
EVENT_PROBE = Probe(
    ("delta", "chunk", "token", "partial_json", "event", "candidates", "artifact", "done"),
    rf"(?:(?:{_EVENT_NAMES})\\*\":? ?\\*[{{\[\":,}}]|done\\*\": ?false)",
    0,
)
"""What the prefilter looks for: names of events in a stream."""
_EVENT = re.compile(rf"(?:{_EVENT_NAMES}|stream)(?![a-z])")
_STRING = rb'[^"\\]*(?:(?!\1")\\+(?!\\)"?[^"\\]*)*'
_WITH_QUOTES = rb'[^"\\]*(?:\\.[^"\\]*)*'
_LIST_OF_STRINGS = re.compile(
    rb'\[(?:(\\+)"%b\1"(?:, ?\1"%b\1")+|"%b"(?:, ?"%b")+)' % (_STRING, _STRING, _WITH_QUOTES, _WITH_QUOTES)
)
"""A list that begins with two strings, perhaps in JSON inside of a string."""
_TEXT_KEYS = (
    "delta", "textDelta", "choices", "content", "text", "token", "partial_json", "arguments", "data", "chunk", "output_text", "reasoning",
    "reasoning_content", "thinking", "transcript", "function", "tool_calls", "parts", "candidates", "value", "output", "input",
    "argsTextDelta", "inputTextDelta",
)  # fmt: skip
"""The members of an event that hold its text, or lead to it; without one of them, a member that is a container leads to it."""
_EVENT_KEYS = ("type", "event", "kind", "object")
"""The members of an event that say what it is."""
_MAX_DEPTH = 8
"""Levels from an item to its text: `choices[0].delta.tool_calls[0].function.arguments`."""
_MAX_MEAN = 1024
"""Characters of a piece, on the average, where nothing says that a list is a stream; longer strings are texts of their own."""
_SHORTEST_STREAM = 64
"""Characters of a string that may hold a list of events."""

_WORD = re.compile(r"[\W_]*(?:[A-Z]?[a-z]*|[A-Z]+)[\W_]*")
_COMPLETE = re.compile(
    r"""(?x)
    (?P<variable>[A-Z][A-Z0-9_]{0,63}=.*) | (?P<setting>[a-z][a-z_.-]{0,63}=[^&]*) | (?P<flag>--?[A-Za-z][A-Za-z-]*(?:=.*)?)
    | (?P<header>[A-Za-z][A-Za-z0-9-]*:[ ].*\S) | (?P<sentence>[A-Z][a-z']*[ ].*[.!?])
    """
)
"""A string that is a thing of its own."""
_NAME = re.compile(
    r"[A-Za-z]?[a-z]+(?:[-_.:/](?:[A-Z]?[a-z0-9]+|\d+[A-Z]))+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
"""A string that is no rest of a secret: `gpt-4o`, `Llama-3.1-70B`, `user:42`, a UUID."""
_MIXED = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9]|.*?[a-z][A-Z].*?[a-z][A-Z])[\w+/=-]{12,}")
"""What only generated words are: of two cases and digits, or of many changes of case."""


class Run(NamedTuple):
    """A text in pieces, which stand in some items of a list, all at the same place in their item."""

    numbers: list[int]
    """Of the items."""
    pieces: list[str]
    path: tuple[str | int, ...]
    """The keys and indexes that lead from an item to its piece; empty where the items are the pieces."""
    is_stream: bool
    """Whether the items say so. Where they do not, they may be things of their own."""

    @property
    def text(self) -> str:
        """The pieces together."""
        return "".join(self.pieces)


def runs(items: Sequence[Any]) -> Iterator[Run]:
    """The texts that stand in consecutive items of a list."""
    numbers: list[int] = []
    pieces: list[str] = []
    path: tuple[str | int, ...] = ()
    for number, item in enumerate(items):
        if type(item) is str:
            here, piece = (), item
        elif (found := _text_in(item, 0)) is not None:
            here, piece = found
        else:
            continue  # events between the pieces, such as a first one with a role, do not end a text
        if pieces and (
            here != path
            or (piece[:1] == "{" and _are_documents(pieces[-1], piece))
            or (not here and are_complete(pieces[-1], piece))
        ):
            if run := _run(numbers, pieces, path, items):
                yield run
            numbers, pieces = [], []
        path = here
        numbers.append(number)
        pieces.append(piece)
    if run := _run(numbers, pieces, path, items):
        yield run


def _are_documents(before: str, after: str) -> bool:
    """Whether two strings are JSON objects, such as the arguments of two calls; the second one begins with a brace."""
    return before[:1] == "{" and before[-1:] == after[-1:] == "}"


def are_complete(before: str, after: str) -> bool:
    """Whether two strings are things of their own, both of a kind: `["API_KEY=", "HOME=/root"]`."""
    if "=" not in after and " " not in after and after[:1] != "-":
        return False  # most pieces, at once
    second = _COMPLETE.fullmatch(after)
    first = second and _COMPLETE.fullmatch(before)
    return second is not None and first is not None and first.lastgroup == second.lastgroup


def _run(numbers: list[int], pieces: list[str], path: tuple[str | int, ...], items: Sequence[Any]) -> Run | None:
    if len(pieces) < 2:
        return None
    first = items[numbers[0]]
    is_stream = isinstance(first, dict) and (
        first.get("done") is False
        or any(isinstance(step, str) and _EVENT.search(step) for step in path)
        or any(isinstance(kind := first.get(key), str) and _EVENT.search(kind) for key in _EVENT_KEYS)
    )
    if is_stream or sum(map(len, pieces)) <= _MAX_MEAN * len(pieces):
        return Run(numbers, pieces, path, is_stream)
    return None


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
        for key, value in item.items():
            if type(value) is dict and key not in _TEXT_KEYS and (found := _text_in(value, depth + 1)) is not None:
                return (key, *found[0]), found[1]
        return None
    if isinstance(item, list) and item and depth:
        found = _text_in(item[0], depth + 1)
        return None if found is None else ((0, *found[0]), found[1])
    return None


def may_hold_events(text: str) -> bool:
    """Whether a string may be an event of a stream, written as JSON."""
    return "{" in text and _EVENT.search(text) is not None


def goes_on(rest: str, item: str) -> bool:
    """Whether a secret that a string ends with goes on in the next one, `item`, with `rest`: one generated word, no name."""
    return (looks_like_credential(rest) or _MIXED.match(rest) is not None) and _NAME.fullmatch(item) is None


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


def joined_lists(data: bytes) -> list[tuple[int, bytes]]:
    """The strings of each list in encoded JSON as one text, and where the list starts; those of JSON inside of strings too."""
    return [(match.start(), _joined(match[0], match[1] or b"")) for match in _LIST_OF_STRINGS.finditer(data)]


def _joined(strings: bytes, backslashes: bytes) -> bytes:
    if b"\\" in strings or b'", "' in strings:
        return _between(backslashes).sub(b"", strings)
    return strings.replace(b'","', b"")  # most lists; the same at a fifth of the cost


@lru_cache(maxsize=64)
def _between(backslashes: bytes) -> re.Pattern[bytes]:
    """What stands between two strings, with these backslashes before each quote."""
    return re.compile(rb'(?<!\\)%b", ?%b"' % ((re.escape(backslashes),) * 2))


def joined_texts(value: Any) -> Iterator[str]:
    """Every text of a JSON value that stands there in pieces."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
            texts = [text for text in item if isinstance(text, str) and may_hold_events(text)]
            if len(texts) > 1:
                stack.append([document for text in texts for _, _, document in regions(text)])
            for run in runs(item):
                yield run.text
        elif isinstance(item, str) and "{" in item and len(item) > _SHORTEST_STREAM:
            stack.append([document for _, _, document in regions(item)])
