"""Secrets in text that was encoded for transport: percent-encoded, HTML-escaped and ASCII-escaped runs, base64 of text, and lines behind a
program's name.

A run is decoded, its text is searched as any other, and what is found is masked where it stands in the run: what surrounds it keeps its
encoding. Of base64 the whole run goes, because no part of it stands for a part of the text.
"""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING

from spanbridge.processors.credential_patterns import decode_base64
from spanbridge.processors.keyword_probes import OF_OTHER_LETTERS
from spanbridge.processors.matcher import Probe
from spanbridge.processors.text_rule import Budget, Find, Span, TextRule, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_LEVELS = 3
"""How often text that was encoded more than once is decoded."""
_PIECE = 64 * 1024
_OVERLAP = 4 * 1024
"""Characters of an encoded run that are decoded together, and by how many the next such piece overlaps."""
_RUN = re.compile(r"[^\s\"'<>`]+")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ENTITY = re.compile(r"(&(?:#\d{1,6}|#x[0-9A-Fa-f]{1,5}|[a-z]{2,6});)(?:\1)*")
_ESCAPES = re.compile(r"(?:\\{1,8}u(?!00[0-7]|[dD][89A-Fa-f])[0-9A-Fa-f]{4})+|(?:\\{1,8}x[89A-Fa-f][0-9A-Fa-f])+")
"""Letters beyond ASCII, no surrogates."""
_SIGNS = r"(?:2[0267Ff]|3[A-Ea-e]|5[BDbd]|7[BDbd])"
_ESCAPED_SIGNS = re.compile(rf"(?:\\{{1,8}}u00{_SIGNS})+|(?:\\{{1,8}}x{_SIGNS})+")
"""What stands around names and values, as text is escaped for the inside of a script or a page."""
_CODE = re.compile(r"\\[ux]([0-9A-Fa-f]+)")


def _codes(character: str, sign: str) -> list[str]:
    if character.isascii():
        return [character]
    return [f"u{ord(character):04x}"] if sign == "u" else [f"x{byte:02x}" for byte in character.encode()]


def _escaped_probe(sign: str) -> Probe:
    """The beginnings of words that say "secret" as ASCII alone writes them, at any depth: `\\u00f1` of JSON, `\\xc3\\xb1` of Python."""
    patterns: set[str] = set()
    gates: set[str] = set()
    for word in OF_OTHER_LETTERS:
        first = next(index for index, character in enumerate(word) if not character.isascii())
        codes = [code for character in word[first : first + 3] for code in _codes(character, sign)]
        patterns.add(word[:first] + "".join(rf"\\{{1,8}}{code}" if len(code) > 1 else code for code in codes))
        gates.add(rf"\{codes[0]}")
    return Probe(tuple(sorted(gates)), f"(?i)(?:{'|'.join(sorted(patterns))})")


_ESCAPED = (_escaped_probe("u"), _escaped_probe("x"))
_ESCAPED_WORDS = re.compile("|".join(probe.pattern.removeprefix("(?i)") for probe in _ESCAPED), re.IGNORECASE)
_COLOUR = re.compile(r"(?:\x1b|\\{1,8}(?:x1b|u001b|033))\[[\d;]{0,8}[mK]")
"""Of a terminal."""
_LINE_PREFIX = re.compile(r"(?m)^[ \t]{0,8}[A-Za-z][\w.-]{0,48}[-_]\d{1,3} {1,24}\| ?")
"""What Docker Compose writes before each line of a container: `db-1  | `."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,65536}={0,2}")
_WORDS = (
    "uthorization", "earer ", "assword", "secret", "Secret", "api_key", "apiKey", "api-key", "Api-Key", "_token", 'oken":', "oken: ",
    "sk-ant-", "sk-proj-", "github_pat_", "_SECRET", "_TOKEN", "PASSWORD", "API_KEY",
)  # fmt: skip
"""What base64 of text with a secret holds, without a first letter that may have either case; none shorter than six bytes."""


def encoded_rules(search: Callable[[str, Budget], list[Span]]) -> tuple[TextRule, ...]:
    """The rules that decode; `search` finds the secrets in a decoded text."""

    def deeper(text: str, budget: Budget) -> list[Span]:
        if budget.level >= MAX_LEVELS:
            return []
        budget.level += 1
        try:
            return search(text, budget)
        finally:
            budget.level -= 1

    def percent(text: str, budget: Budget) -> Iterator[Span]:
        for run in matches(_RUN, text, budget):
            for start, piece in _pieces(run[0]):
                if "%" in piece:
                    decoded, starts = _decoded(piece, _PERCENT, _unquote, plus="=" in piece)
                    yield from _mapped(deeper(decoded, budget), starts, run.start() + start)

    def anywhere(
        pattern: re.Pattern[str], decode: Callable[[str], str] | None, sign: re.Pattern[str] | None = None
    ) -> Find:
        """Of text with spaces and line breaks all is one run; a piece of it is decoded where `sign` stands in it. None: to nothing."""
        mapped = _mapped if decode else _mapped_between

        def find(text: str, budget: Budget) -> Iterator[Span]:
            for start, piece in _pieces(text):
                if sign is not None and not sign.search(piece):
                    continue
                decoded, starts = _decoded(piece, pattern, decode or _nothing)
                if len(decoded) < len(piece):
                    yield from mapped(deeper(decoded, budget), starts, start)

        return find

    def base64_text(text: str, budget: Budget) -> Iterator[Span]:
        for run in matches(_BASE64, text, budget):
            if _BASE64_WORDS.search(run[0]) and (decoded := _text_of(run[0])) is not None:
                found = deeper(decoded, budget)
                if found:
                    yield Span(run.start(), run.end(), found[0].rule)

    return (
        TextRule((Probe((" | ",), r"[-_][0-9]{1,3} {1,24}\| ", 27, r" \| "),), anywhere(_LINE_PREFIX, None)),
        TextRule((Probe(("\x1b[", "1b[", "033["), r"(?:\x1b|1b|033)\[[0-9mK]", 0),), anywhere(_COLOUR, None)),
        TextRule(
            (
                Probe(("%",), r"%(?:2[02BFbf]|3[ADad]|40|5[BCbc]|7[Bb]|0[ADad]|25)[^ \"]{0,256}%[0-9A-F]", 0),
                Probe(
                    ("%",),
                    r"%(?:6[1-9A-Fa-f]|7[0-9Aa]|[C-Ec-e][0-9A-Fa-f]%[89ABab][0-9A-Fa-f])[A-Za-z0-9%_.+-]{0,32}=",
                    0,
                ),
            ),
            percent,
        ),
        TextRule((Probe(("&",), r"&(?:quot|apos|amp|[lg]t|#x?[0-9A-Fa-f]{2,4});", 0),), anywhere(_ENTITY, _unescape)),
        TextRule(
            (Probe((r"\u00", r"\x"), r"\\(?:u00|x)(?:2[267]|3[ADad])", 0),), anywhere(_ESCAPED_SIGNS, _unescape_letters)
        ),
        TextRule(_ESCAPED, anywhere(_ESCAPES, _unescape_letters, _ESCAPED_WORDS)),
        TextRule(
            (
                Probe(
                    tuple(sorted({form.lower() for form in _BASE64_FORMS})), "|".join(map(re.escape, _BASE64_FORMS)), 0
                ),
                Probe(
                    tuple(sorted({form.lower() for form in _HEAD_FORMS})),
                    f"(?:{'|'.join(_HEAD_FORMS)})[A-Za-z0-9+/_-]{{16}}",
                    0,
                ),
            ),
            base64_text,
        ),
    )


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    for start in range(0, len(text), _PIECE):
        yield start, text[start : start + _PIECE + _OVERLAP]


def _nothing(_: str) -> str:
    return ""


def _unescape(references: str) -> str:
    return html.unescape(references) or references  # to no character: `&#xFFFE;`


def _unescape_letters(codes: str) -> str:
    if "u" in codes:
        return "".join(chr(int(code, 16)) for code in _CODE.findall(codes))
    return bytes.fromhex("".join(_CODE.findall(codes))).decode("utf-8", "replace")


def _unquote(codes: str) -> str:
    return bytes.fromhex(codes.replace("%", "")).decode("utf-8", "replace")


def _decoded(
    text: str, pattern: re.Pattern[str], decode: Callable[[str], str], *, plus: bool = False
) -> tuple[str, list[int]]:
    """A text with the matches of a pattern decoded, and for each of its characters where it started before."""

    def plain(part: str) -> str:
        return part.replace("+", " ") if plus else part

    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for match in pattern.finditer(text):
        parts.append(plain(text[at : match.start()]))
        starts.extend(range(at, match.start()))
        new = decode(match[0])
        parts.append(new)
        start, size = match.span()[0], match.end() - match.start()
        # All characters of a run of codes take as many places each; bytes that make one character together share theirs out.
        if new and size % len(new) == 0:  # a few codes stand for nothing
            starts.extend(range(start, match.end(), size // len(new)))
        else:
            starts.extend([start + size * index // len(new) for index in range(len(new))])
        at = match.end()
    parts.append(plain(text[at:]))
    starts.extend(range(at, len(text) + 1))
    return "".join(parts), starts


def _mapped(spans: list[Span], starts: list[int], offset: int) -> Iterator[Span]:
    for span in spans:
        yield Span(offset + starts[span.start], offset + starts[span.end], span.rule)


def _mapped_between(spans: list[Span], starts: list[int], offset: int) -> Iterator[Span]:
    """As `_mapped`, where what was decoded stands for nothing: what a span ends in front of is none of it."""
    for span in spans:
        yield Span(offset + starts[span.start], offset + starts[span.end - 1] + 1, span.rule)


def _text_of(run: str) -> str | None:
    """The text that a run of base64 stands for; None where it stands for something else."""
    data = decode_base64(run)
    if data is None:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if all(character.isprintable() or character in "\r\n\t" for character in text) else None


def _within_base64(word: str) -> set[str]:
    """How base64 may write a word: one form for each of the three places where a group of three bytes may begin."""
    forms: set[str] = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + word.encode()).decode().rstrip("=")
        whole = (before + len(word)) // 3 * 4
        # The first characters hold bits of what stands before, the last ones of what comes after.
        forms.add(encoded[(0, 2, 3)[before] : whole])
    return forms


_HEADS = (
    "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk-proj-", "sk-ant-", "sk_live_", "sk_test_", "AKIA", "ASIA",
    "AIza", "gsk_", "npm_", "pypi-",
)  # fmt: skip
"""What a key begins with that is encoded alone, as in the data of a Kubernetes secret."""
_HEAD_FORMS = sorted(base64.b64encode(head.encode()).decode()[: len(head) * 4 // 3] for head in _HEADS)
_BASE64_FORMS = sorted({form for word in _WORDS for form in _within_base64(word)})
_BASE64_WORDS = re.compile(
    f"{'|'.join(map(re.escape, _BASE64_FORMS))}|(?:^|[^A-Za-z0-9+/_-])(?:{'|'.join(_HEAD_FORMS)})[A-Za-z0-9+/_-]{{16}}"
)
