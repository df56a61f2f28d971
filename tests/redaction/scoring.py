"""What a filter makes of labelled cases, in the figures that the README quotes."""

from __future__ import annotations

import copy
import html
import json
import re
import sysconfig
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cases import Case

Redact = Callable[[Any], Any]

_FRAGMENT_SHARE = 0.4
_SHORTEST_FRAGMENT = 12
_ESCAPE = re.compile(r'\\+(?:u([0-9A-Fa-f]{4})|([nrtbf"\'/\\]))')
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass
class Score:
    """The figures of one run; each list holds the cases at fault with what came out."""

    positives: int = 0
    negatives: int = 0
    missed: list[tuple[Case, Any]] = field(default_factory=list)
    collateral: list[tuple[Case, Any]] = field(default_factory=list)
    changed: list[tuple[Case, Any]] = field(default_factory=list)
    broken: list[tuple[Case, Any]] = field(default_factory=list)
    mutated: list[tuple[Case, Any]] = field(default_factory=list)
    unstable: list[tuple[Case, Any]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Share of the positive cases from which every secret is gone."""
        return 1 - len(self.missed) / max(self.positives, 1)

    @property
    def false_positives(self) -> float:
        """Share of the negative cases that changed in any way."""
        return len(self.changed) / max(self.negatives, 1)

    @property
    def collateral_share(self) -> float:
        """Share of the positive cases in which something beside the secret was lost."""
        return len(self.collateral) / max(self.positives, 1)

    def rows(self) -> list[tuple[str, str]]:
        """The figures as a table's rows."""
        return [
            ("recall", f"{self.recall:.2%} of {self.positives}"),
            ("false positives", f"{self.false_positives:.2%} of {self.negatives}"),
            ("collateral damage", f"{self.collateral_share:.2%}"),
            ("broken JSON", str(len(self.broken))),
            ("mutated inputs", str(len(self.mutated))),
            ("unstable results", str(len(self.unstable))),
        ]


def score(redact: Redact, positives: Iterable[Case], negatives: Iterable[Case]) -> Score:
    """Runs `redact` on every case."""
    result = Score()
    for case in positives:
        result.positives += 1
        redacted = _run(redact, case, result)
        text = visible(redacted)
        if any(remains(secret, text) for secret in case.secrets):
            result.missed.append((case, redacted))
        plain = strip_punctuation(text)
        if any(strip_punctuation(keep) not in plain for keep in case.keeps):
            result.collateral.append((case, redacted))
    for case in negatives:
        result.negatives += 1
        redacted = _run(redact, case, result)
        if not same(redacted, case.value):
            result.changed.append((case, redacted))
    return result


def _run(redact: Redact, case: Case, result: Score) -> Any:
    before = copy.deepcopy(case.value)
    redacted = redact(case.value)
    if not same(before, case.value):
        result.mutated.append((case, redacted))
    if not _still_json(before, redacted):
        result.broken.append((case, redacted))
    again = redact(redacted)
    if not same(again, redacted):
        result.unstable.append((case, again))
    return redacted


def same(one: Any, two: Any) -> bool:
    """Equal in value and type, number spelling and key order included."""
    return repr(one) == repr(two)


def visible(value: Any) -> str:
    """All text of a value, as it is and with escapes, percent codes and entities undone."""
    texts = list(_texts(value))
    joined = "\n".join(texts)
    run = "".join(texts)
    forms = [joined, run]
    current = joined
    for _ in range(3):
        current = html.unescape(urllib.parse.unquote(unescape(current)))
        if current == forms[-1]:
            break
        forms.append(current)
    return "\n".join(forms)


def unescape(text: str) -> str:
    """Backslash escapes undone, however often they were escaped."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else _CONTROL.get(match[2], match[2]), text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)


def remains(secret: str, text: str) -> bool:
    """Whether a secret is still in a text: whole, or a fragment of 40 % of it and at least 12 characters."""
    if secret in text:
        return True
    size = max(_SHORTEST_FRAGMENT, int(len(secret) * _FRAGMENT_SHARE))
    if len(secret) <= size:
        return False
    # Every fragment of the size holds one of these pieces whole, or is looked for itself.
    return any(secret[at : at + size] in text for at in range(len(secret) - size + 1))


_PUNCTUATION = re.compile(r"[\s\\\"']+")


def strip_punctuation(text: str) -> str:
    """A text without what encoding adds to it."""
    return _PUNCTUATION.sub("", text)


def _still_json(before: Any, after: Any) -> bool:
    """Whether every string that was JSON still is, with the same keys."""
    if isinstance(before, str) and isinstance(after, str):
        shape = _json(before)
        return shape is _NO_JSON or (_json(after) is not _NO_JSON and type(_json(after)) is type(shape))
    if isinstance(before, dict) and isinstance(after, dict):
        return len(before) == len(after) and all(map(_still_json, before.values(), after.values()))
    if isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        return len(before) == len(after) and all(map(_still_json, before, after))
    return True


_NO_JSON = object()


def _json(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "["):
        return _NO_JSON
    try:
        return json.loads(text)
    except ValueError:
        return _NO_JSON


# ── real text ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_LINES = 30


def library_chunks(limit: int | None = None) -> list[str]:
    """The source of the standard library in chunks of 30 lines: real text that holds no secret."""
    root = Path(sysconfig.get_paths()["stdlib"])
    chunks: list[str] = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if "site-packages" in parts or "test" in parts or "tests" in parts or "__pycache__" in parts:
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        chunks += ["".join(lines[at : at + _LINES]) for at in range(0, len(lines), _LINES)]
        if limit is not None and len(chunks) >= limit:
            return chunks[:limit]
    return chunks


def changed_chunks(redact: Redact, chunks: Sequence[str]) -> list[tuple[str, str]]:
    """The chunks that `redact` changes, with what it makes of them."""
    results = ((chunk, redact(chunk)) for chunk in chunks)
    return [(chunk, result) for chunk, result in results if result != chunk]


def by_group(faults: Iterable[tuple[Case, Any]]) -> Counter[str]:
    """How many faults each group of cases has."""
    return Counter("/".join(case.name.split("/")[:2]) for case, _ in faults)
