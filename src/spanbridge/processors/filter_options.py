"""The options of the sensitive-data filter: checked once, when it is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from spanbridge.errors import ConfigurationError
from spanbridge.processors.key_names import Classifier, split_words
from spanbridge.processors.masking_styles import STYLES
from spanbridge.processors.matcher import Probe
from spanbridge.processors.pattern_check import matches_nothing, run_away
from spanbridge.processors.personal_data import PERSONAL_KINDS
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.text_rule import Budget, Span, TextRule, matches

Recognizer = Callable[[str], Iterable[tuple[int, int, str]]]
"""An application's own: of a text it says where something starts and ends, in characters, and what to call it."""
_SHORTEST_KEY = 16
_MARKER = re.compile(r"[^\s\"'`\\&;,=#%?@/|]{3,64}")
"""Of a length that values do not hold by chance, without what addresses, forms and tables are made of."""
_RULE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def check_options(style: Any, marker: Any, extra_keys: Any) -> None:
    """Raises ConfigurationError for the first option that is not usable."""
    if style not in STYLES:
        raise ConfigurationError(f"style={style!r} is unknown; use one of {', '.join(map(repr, STYLES))}")
    if not isinstance(marker, str) or _MARKER.fullmatch(marker) is None or not marker.isprintable():
        raise ConfigurationError(
            f"marker={marker!r} is not usable; use 3 to 64 characters, none of them white space, a quote, a backslash or one of &;,=#%?@/|"
        )
    if isinstance(extra_keys, str) or not isinstance(extra_keys, Sequence):
        raise ConfigurationError(f"extra_keys={extra_keys!r} is not a list of names; use extra_keys=[...]")
    for key in extra_keys:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(key, str) or not split_words(key):
            raise ConfigurationError(f"extra_keys holds {key!r}, which is no name; use words such as 'tax_number'")


def checked_kinds(pii: Any) -> frozenset[str]:
    """The kinds of personal data that `pii` asks for; raises ConfigurationError for what it cannot mean."""
    if isinstance(pii, bool):
        return frozenset(PERSONAL_KINDS if pii else ())
    if isinstance(pii, str) or not isinstance(pii, Collection):
        raise ConfigurationError(f"pii={pii!r} is neither a bool nor a list of kinds; use True, False or pii=['email']")
    for kind in pii:  # pyright: ignore[reportUnknownVariableType]
        if kind not in PERSONAL_KINDS:
            raise ConfigurationError(f"pii holds {kind!r}, which is unknown; use some of {', '.join(PERSONAL_KINDS)}")
    return frozenset(pii)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def checked_recognizers(recognizers: Any) -> Sequence[Recognizer]:
    """`recognizers` if it is a list of callables; raises ConfigurationError."""
    if not isinstance(recognizers, Sequence) or isinstance(recognizers, str):
        raise ConfigurationError(f"recognizers={recognizers!r} is not a list of functions; use recognizers=[...]")
    for recognizer in recognizers:  # pyright: ignore[reportUnknownVariableType]
        if not callable(recognizer):  # pyright: ignore[reportUnknownArgumentType]
            raise ConfigurationError(
                f"recognizers holds {recognizer!r}, which cannot be called; use a function of a text"
            )
    return recognizers  # pyright: ignore[reportUnknownVariableType]


def checked_index_key(key: Any) -> bytes | None:
    """`index_key` as bytes; raises ConfigurationError for one that is too short to keep tokens from being guessed."""
    if key is None:
        return None
    data = key.encode() if isinstance(key, str) else key
    if not isinstance(data, bytes) or len(data) < _SHORTEST_KEY:
        # The key is not quoted: it is a secret.
        raise ConfigurationError(f"index_key is not usable; use at least {_SHORTEST_KEY} random bytes, kept secret")
    return data


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
        if not isinstance(rule, str) or _RULE_NAME.fullmatch(rule) is None:
            raise ConfigurationError(
                f"{place}: the rule's name is not usable; use lower-case letters, digits and underscores"
            )
        if not isinstance(pattern, str):
            raise ConfigurationError(f"{place} is no text; give the pattern as it is written, as in r'EMP-[0-9]{{6}}'")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ConfigurationError(f"{place} is no regular expression ({error}); correct it") from error
        if matches_nothing(pattern):
            raise ConfigurationError(f"{place} matches the empty text; make it match at least one character")
        if reason := run_away(pattern):
            raise ConfigurationError(f"{place} can run away: it {reason}")
        checked.append((rule, pattern))
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


def stems_of(names: Sequence[str]) -> str:
    """An application's own names in any spelling, as a pattern; empty for none."""
    return "|".join(r"[\W_]?".join(map(re.escape, split_words(name))) for name in names)


_NAME_BEFORE = re.compile(r"[\w.-]{0,64}")
_OWN_VALUE = (
    r"(?P<rest>[\w.-]{0,24})"
    r"""(?:[\\"'`\])]{0,9}[ \t]{0,4}(?:=>|:=|[:=](?!=))[ \t]{0,4}|[ ](?P<is>is[ :]{1,2})|(?P<flag>[ ]))"""
    r"""[\\"'`]{0,9}(?P<v>[^\s"'`\\,;&|<>(){}\[\]]{1,256})"""
)


def own_names_rule(stems: str, classify: Classifier) -> TextRule:
    """Whatever an operator puts behind an application's own names, `taxNumber=7`; of other names the value must look like a secret."""
    pattern = re.compile(f"(?:{stems}){_OWN_VALUE}", re.IGNORECASE)

    def find(text: str, budget: Budget) -> Iterator[Span]:
        for match in matches(pattern, text, budget):
            before = _NAME_BEFORE.match(text[max(0, match.start() - 64) : match.start()][::-1])
            prefix = before[0][::-1] if before else ""
            value = match["v"].rstrip(".,:!?")
            is_told = (match["flag"] is None or prefix.startswith("-")) and (match["is"] is None or not value.isalpha())
            if (
                value
                and is_told
                and not is_placeholder(value)
                and classify(prefix + text[match.start() : match.end("rest")])
            ):
                yield Span(match.start("v"), match.start("v") + len(value), "assignment")

    return TextRule((Probe(("",), f"(?i)(?:{stems})"),), find)


def recognizer_rule(recognize: Recognizer) -> TextRule:
    """An application's own recogniser, tried on every text. What it answers is checked: a wrong answer withholds, as an error does."""

    def find(text: str, budget: Budget) -> Iterator[Span]:
        budget.pause()
        for start, end, rule in recognize(text):
            if not 0 <= start < end <= len(text) or _RULE_NAME.fullmatch(rule) is None:
                raise ValueError(f"a recognizer answered ({start!r}, {end!r}, {rule!r})")
            yield Span(start, end, rule)

    return TextRule((), find)
