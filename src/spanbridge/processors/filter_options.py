"""The options of the sensitive-data filter: checked once, when it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spanbridge.errors import ConfigurationError
from spanbridge.processors.key_names import split_words
from spanbridge.processors.masking_styles import STYLES
from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import Budget, Span, TextRule, matches


def check_options(pii: Any, style: Any, marker: Any, extra_keys: Any) -> None:
    """Raises ConfigurationError for the first option that is not usable."""
    if not isinstance(pii, bool):
        raise ConfigurationError(f"pii={pii!r} is not a bool; use True or False")
    if style not in STYLES:
        raise ConfigurationError(f"style={style!r} is unknown; use one of {', '.join(map(repr, STYLES))}")
    if not isinstance(marker, str) or re.fullmatch(r"[^\s\"'`\\]{1,64}", marker) is None or not marker.isprintable():
        raise ConfigurationError(
            f"marker={marker!r} is not usable; use 1 to 64 characters without white space, quotes and backslashes"
        )
    if isinstance(extra_keys, str) or not isinstance(extra_keys, Sequence):
        raise ConfigurationError(f"extra_keys={extra_keys!r} is not a list of names; use extra_keys=[...]")
    for key in extra_keys:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(key, str) or not split_words(key):
            raise ConfigurationError(f"extra_keys holds {key!r}, which is no name; use words such as 'tax_number'")


_REFUSED = re.compile(r"[+*}]\??\)[+*{]|[+*][+*]")
_ENCODING_DEPENDENT = re.compile(r"\\[^dw.+*?()\[\]{}|-]|[\"/^$]|[^ -~]|\(\?|\[\^|\.(?=[*+?{])")


def checked_patterns(patterns: Any) -> list[tuple[str, str]]:
    """The rules and patterns of `extra_patterns`; raises ConfigurationError for one that is not usable."""
    if not isinstance(patterns, Mapping):
        raise ConfigurationError(
            f"extra_patterns={patterns!r} is not a mapping; use extra_patterns={{'rule': r'pattern'}}"
        )
    checked: list[tuple[str, str]] = []
    for rule, pattern in patterns.items():  # pyright: ignore[reportUnknownVariableType]
        place = f"extra_patterns[{rule!r}]={pattern!r}"
        if not isinstance(rule, str) or re.fullmatch(r"[a-z][a-z0-9_]{0,63}", rule) is None:
            raise ConfigurationError(
                f"{place}: the rule's name is not usable; use lower-case letters, digits and underscores"
            )
        try:
            compiled = re.compile(pattern)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType, reportCallIssue]
        except (re.error, TypeError) as error:
            raise ConfigurationError(f"{place} is no regular expression ({error}); correct it") from error
        if compiled.search("") is not None:  # pyright: ignore[reportUnknownMemberType]
            raise ConfigurationError(f"{place} matches the empty text; make it match at least one character")
        if _REFUSED.search(pattern) or re.search(r"\(\?<?[=!]|\\[1-9]|\(\?P=", pattern):  # pyright: ignore[reportUnknownArgumentType]
            raise ConfigurationError(
                f"{place} repeats a repetition, looks around or refers back, so it can run away; rewrite it without"
            )
        checked.append((rule, pattern))  # pyright: ignore[reportUnknownArgumentType]
    return checked


def own_rule(rule: str, pattern: str) -> TextRule:
    """An application's own format. Without a probe that encoding cannot hide from, it is tried on every text."""
    compiled = re.compile(pattern)

    def find(text: str, budget: Budget) -> Iterator[Span]:
        for match in matches(compiled, text, budget):
            if match.end() > match.start():
                yield Span(match.start(), match.end(), rule)

    core = pattern.removeprefix(r"\b").removesuffix(r"\b")
    probes = () if _ENCODING_DEPENDENT.search(core) else (Probe(("",), core),)
    return TextRule(probes, find)
