"""Text that is redacted while it flows: what can no longer become part of a secret goes on at once, the rest waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.masking_styles import quoted
from spanbridge.processors.pattern_rules import unfinished_key
from spanbridge.processors.text_rule import Budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.processors.text_rule import Span
    from spanbridge.processors.text_search import TextSearch

_CONTEXT = 1024
"""Characters of what went on that are still looked at: the name before a value, the header before a cookie."""
_MAX_HELD = 128 * 1024
"""Characters that are held back at most: the longest private key, twice."""
_WORD = re.compile(r"[\x1b!-~]{1,8192}\s?\Z")
"""The last word, and the space behind it: it may go on, and what follows may say what it is."""
_DELIMITER = re.compile(r"[\"',;(){}\[\]<>|`](?=[^\"',;(){}\[\]<>|`]*\Z)")
"""Where the last part of a long word begins that no format can span, such as compact JSON without a secret."""
_LONG_WORD = 64
_BEGUN = re.compile(
    r"""(?ix)
    -----[A-Z -]{0,60}\Z                                                     # a private key's first line
    | \b(?:echo|printf)\s[^\n|]{0,200}(?:\|[^\n]{0,80})?\Z                  # perhaps piped into a prompt for a password
    | \bcrypt\([^()\n]{0,200}\Z                                             # perhaps a password and its salt
    | <input\b[^>]{0,400}\Z                                                 # perhaps of the type password
    | (?:passw|secret|phrase|token|key|pwd)[\w.-]{0,24}\\{0,7}["'`]?\s{0,4}[:=]\s{0,4}\\{0,7}["'`][^"'`\n]{0,200}\Z   # an open quote
    | (?:phrase|mnemonic)(?:[ ]is)?[\\"':= ]{1,8}(?:[a-z]{3,8}[ ]){0,23}[a-z]{0,8}\Z       # words of a recovery phrase
    | phrase[^"'`“\n]{0,24}["'`“][^"'`”\n]{0,200}\Z                          # words in quotes
    | (?:\b[A-Z]-)?\b\d{3}[ -]?\d{1,5}[ ](?:[ia]?|[ia]s(?:[ ](?:[yt][a-z]{0,3})?(?:[ ][\w-]{0,24}){0,5})?)\Z    # "123456 is your ..."
    | (?:typ|enter|fill|inputt?)(?:ed|ing|e|s)?[ ]\\{0,3}["'`][^\s"'`]{0,80}(?:["'`](?:[ ][a-z]{0,12}){0,5})?\Z   # into which field
    | ["'`][^\s"'`]{5,80}["'`][ ](?:is?|as?|was?|(?:[ia]s|was)[ ](?:[tymoiha][a-z]{0,3}(?:[ ][a-z]{0,12}){0,3})?)?\Z # "..." is the password
    | [/:,][ ]?[^\s"'`/]{5,80}[ ](?:\([a-z]{0,12})?\Z                          # bob / ... (password)
    | \bnet[ ]use[ ][^\n]{0,200}\Z                                          # ... /user:bob
    | \bcode(?:[ ]is)?:?[ ]\d[^\n]{0,90}\Z                                   # and what it is for
    | \binsert[ ]into[ ][^()]{1,128}(?:\([^()]{0,400}(?:\)\s{0,40}[^;]{0,500})?)?\Z   # rows below columns
    | \bset[ ][`"\[]?\w{0,24}value[`"\]]?[ ]?=[^;\n]{0,400}\Z                     # where a name says what it is
    | <[\w:]{0,40}(?:passw|secret|token|key|pwd)[^<>\n]{0,100}>\s{0,60}[^<\s]{0,200}\s{0,60}\Z    # an element's text
    """
)
"""What has begun and says only later whether it is a secret."""

_NUMBER = re.compile(
    r"""(?x)(?<!\w)(?:
    [A-Za-z]{2}\d\d(?:[ \u00a0-]?[A-Za-z0-9]{4}){0,7}(?:[ \u00a0-]?[A-Za-z0-9]{1,4})?
    | [+(]{0,2}\d{1,19}(?:[ .\u00a0()/-]{1,2}\d{1,19}){0,9}
    )[ .\u00a0()/-]{0,2}\Z"""
)
"""Groups of digits that more may follow, where personal data is looked for."""


class RedactingStream:
    """Redacts one text that arrives in pieces, cut anywhere: `feed` each piece, at the end `flush`.

    Both return text that may go on, perhaps none: together it is the whole text with its secrets replaced. Held back is the last word, and
    what has begun to look like a secret. Not for several threads at once. Where looking fails, "[WITHHELD]" stands for what was held.
    """

    def __init__(self, search: TextSearch, scope: str = "") -> None:
        self._search = search
        self._scope = scope
        self._context = ""
        self._held = ""
        self._ended_in_mask = False

    def feed(self, text: str) -> str:
        """What of the text so far may go on now."""
        self._held += text
        return self._release(is_end=False)

    def flush(self) -> str:
        """The rest, at the end of the text; the stream is new again afterwards."""
        rest = self._release(is_end=True)
        self._context = ""
        self._ended_in_mask = False
        return rest

    def _release(self, *, is_end: bool) -> str:
        if not self._held:
            return ""
        window = self._context + self._held
        start = len(self._context)
        try:
            matched = self._search.candidates(window)
            spans = self._search.spans(window, Budget(None), matched) if matched else []
            end = len(window) if is_end or len(self._held) > _MAX_HELD else self._end(window, spans, bool(matched))
            released = self._masked(window, spans, start, max(start, end))
        except Exception:  # noqa: BLE001 - fails closed: an application's own recogniser may raise anything
            self._context, self._held = "", ""
            return "[WITHHELD]"
        end = max(start, end)
        self._held = window[end:]
        self._context = window[max(0, end - _CONTEXT) : end]
        return released

    def _end(self, window: str, spans: Sequence[Span], suspicious: bool) -> int:
        """Up to where nothing that arrives later can change what becomes of the text."""
        end = len(window)
        word = _WORD.search(window, max(0, end - 8193))
        if word is not None:
            end = word.start()
            if not suspicious and word.end() - end > _LONG_WORD and (part := _DELIMITER.search(window, end)):
                end = part.end()
        begun = _BEGUN.search(window, max(0, len(window) - 700))
        if begun is not None:
            end = min(end, begun.start())
        number = _NUMBER.search(window, max(0, len(window) - 64)) if self._search.kinds else None
        if number is not None:
            end = min(end, number.start())
        key = unfinished_key(window)
        if key is not None:
            end = min(end, key)
        for span in spans:
            if span.end >= len(window) - 1 or span.start < end < span.end:
                end = min(end, span.start)
        return end

    def _masked(self, window: str, spans: Sequence[Span], start: int, end: int) -> str:
        parts: list[str] = []
        at = start
        for span in spans:
            if span.end <= at or span.start >= end:
                continue
            parts.append(window[at : max(span.start, at)])
            if span.start >= start or not self._ended_in_mask:
                mask = self._search.mask(span.rule, window[span.start : span.end], self._scope)
                parts.append(quoted(mask, window, span))
            at = span.end
        parts.append(window[at:end])
        if end > start:
            self._ended_in_mask = at >= end
        return "".join(parts)
