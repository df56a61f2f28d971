"""Secrets of Kubernetes: each value under `data:` or `stringData:` of a manifest, whatever its name, a user's aside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from spanbridge.processors.key_names import split_words
from spanbridge.processors.matcher import Probe
from spanbridge.processors.placeholders import is_placeholder
from spanbridge.processors.text_rule import Budget, Span, TextRule, compiled, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST_DATA = "\0data of a secret"
"""Stands for the name of a mapping that holds nothing but secrets."""
_USERS = frozenset(("user", "username", "login", "email"))
"""By their last word, the names of what stands beside secrets in a manifest too."""
_KIND = re.compile(r"""(?m)^(?P<indent>[ ]{0,40}(?:- )?)kind:[ ]{1,4}["']?Secret["']?[ \t]{0,40}(?:#[^\n]*)?\r?$""")
_MAX_MANIFEST = 64 * 1024
"""Characters of a manifest that are looked at, before its kind and behind it."""
_ENTRY = re.compile(
    r"""(?m)^(?P<indent>[ ]{1,40})["']?(?P<name>[\w.-]{1,253})["']?:[ \t]{1,40}(?:"""
    r"""[|>][-+]?\d?[ \t]*\r?\n(?P<block>(?:(?P=indent)[ ][^\n]*\n)*(?:(?P=indent)[ ][^\n]+)?)"""
    r"""|(?P<line>[^\s#|>][^\n]*))"""
)


def holds_secret_data(mapping: dict[Any, Any], name: str) -> bool:
    """Whether a member of a decoded manifest holds nothing but secrets."""
    return name in ("data", "stringData") and mapping.get("kind") == "Secret"


def is_user(name: str) -> bool:
    """Whether a member of a manifest's data says whose the secrets are."""
    return not _USERS.isdisjoint(split_words(name)[-1:])


def _find(text: str, budget: Budget) -> Iterator[Span]:
    done = 0
    for kind in matches(_KIND, text, budget):
        if kind.start() < done:
            continue
        indent = len(kind["indent"])
        start, done = _bounds(text, done, kind, indent)
        deeper = f" {{{indent + 1}}}"
        data = rf"(?m)^ {{{indent}}}(?:data|stringData):[^\n]*\n(?P<v>(?:(?:{deeper}[^\n]*|[ \t\r]*)\n)*(?:{deeper}[^\n]+)?)"
        for block in compiled(data).finditer(text, start, done):
            for entry in _ENTRY.finditer(text, *block.span("v")):
                value = _scalar(entry["line"]) if entry["block"] is None else entry["block"].strip()
                if value and not is_user(entry["name"]) and not is_placeholder(value):
                    first = text.index(value, entry.start("line" if entry["block"] is None else "block"))
                    yield Span(first, first + len(value), "secret_manifest")


def _scalar(line: str) -> str:
    """The value of a line, without its quotes and a comment behind it."""
    quote = line[0]
    if quote in ("'", '"'):
        return line[1:].partition(quote)[0]
    return line.partition(" #")[0].rstrip()


def _bounds(text: str, done: int, kind: re.Match[str], indent: int) -> tuple[int, int]:
    """Where the manifest of a kind starts and ends: at `---`, or at a line that is less indented."""
    border = compiled(rf"(?m)^(?:---| {{0,{indent - 1}}}[^\s#])" if indent else r"(?m)^---")
    before = [match.end() for match in border.finditer(text, max(done, kind.start() - _MAX_MANIFEST), kind.start())]
    behind = border.search(text, kind.end(), kind.end() + _MAX_MANIFEST)
    start = before[-1] if before else max(done, kind.start() - _MAX_MANIFEST)
    return start, behind.start() if behind else min(len(text), kind.end() + _MAX_MANIFEST)


MANIFEST_RULE = TextRule((Probe(("kind",), r"kind[\\\"']{0,9} ?: {0,4}[\\\"']{0,9}Secret(?:[^A-Za-z]|$)", 0),), _find)
"""Its probe also lets a manifest in JSON pass, whose members the walk over decoded values masks."""
