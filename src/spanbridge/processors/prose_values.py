# ruff: noqa: RUF001 - full-width signs are what some languages write
"""Values in sentences: `the password is hunter2`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from spanbridge.processors.key_names import Sensitivity, looks_like_credential
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.quoted_values import QUOTE, closing
from spanbridge.processors.value_words import (
    before_other_script,
    is_mixed_word,
    is_secret_word,
    is_technical_term,
    names_itself,
)

if TYPE_CHECKING:
    from spanbridge.processors.places import Found

_OPENING = re.compile(
    r"(?:<(?:b|strong|em|i|code|kbd|tt|span|mark)\b[^<>\n]{0,60}>){0,3}(?:[«»‹›][ \u00a0\u202f]?|[(*_「『“”„‘’‚]{0,3}\u00a0?)"
)
_WORD = re.compile(r"""[^\s"'`<>\\」』”“»«›‹’\x1b\u200b]{4,8192}""")
_SENTENCE_ENDS = ".,;:!?)*_。，"
_FIELD = re.compile("[a-z]+(?:_[a-z]+)+")
"""What Markdown quotes as code: `project_id` of a credential."""
_SPACE = re.compile(r"\s")
_MIN_QUOTED, _MAX_QUOTED = 4, 200


def prose_value(text: str, at: int, level: Sensitivity, *, only_likely: bool = False) -> Found:
    """One word at `at` that is no word of the language, `only_likely` not even in quotes."""
    if (before := _OPENING.match(text, at)) is not None:
        at = before.end()
    opening = QUOTE.match(text, at)
    if opening is not None:
        start, end = opening.end(), closing(text, opening)
        if opening[2] == "`" and _FIELD.fullmatch(text, start, end):
            return ()
        return ((start, end),) if _is_quoted_secret(text[start:end], level, only_likely=only_likely) else ()
    word = _WORD.match(text, at)
    if word is None:
        return ()
    start, end = word.start(), _end_of_word(text, *word.span())
    value = text[start:end]
    is_secret = is_secret_word(value, level) and not (
        names_itself(value) or is_technical_term(value) or is_placeholder(value)
    )
    return ((start, end),) if is_secret else ()


def _is_quoted_secret(value: str, level: Sensitivity, *, only_likely: bool) -> bool:
    """Whether what a sentence quotes is a secret: any word is behind `the password is`."""
    is_word = _MIN_QUOTED <= len(value) <= _MAX_QUOTED and not _SPACE.search(value) and not names_itself(value)
    is_likely = looks_like_credential(value) or (
        level is Sensitivity.STRONG and is_word and (not only_likely or is_mixed_word(value))
    )
    return is_likely and not is_placeholder(value)


def _end_of_word(text: str, start: int, end: int) -> int:
    """Where a word ends without what ends the sentence: of `hunter2!).` the `hunter2`."""
    end = before_other_script(text, start, end)
    while end > start and text[end - 1] in _SENTENCE_ENDS:
        if text[end - 1] == "!" and text[end : end + 1] == " " and not text[end + 1 : end + 2].isupper():
            break  # no end of a sentence
        end -= 1
    return end
