"""What redaction finds, spares and costs: the labelled corpus of `tests/redaction`, payloads and hostile input, and two peers beside it.

The peers are measured where they are installed (`pip install detect-secrets logfire`), on a third of the corpus. logfire's scrubber blanks
values by words in them or in their key; detect-secrets looks for secrets line by line, so what it finds is replaced in the lines of
pretty-printed JSON.
"""

from __future__ import annotations

import atexit
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.subject import Comparison, Figures, Goal, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

SPANBRIDGE = "spanbridge"
WITH_RE2 = "spanbridge, re2 alone"
WITH_STDLIB_RE = "spanbridge, stdlib re"
PERSONAL = "spanbridge, pii=True"
LOGFIRE = "logfire scrubber"
DETECT_SECRETS = "detect-secrets"
MARKER = "[REDACTED]"
_ENTERED = ExitStack()


def _spanbridge() -> Callable[[Any], Any]:
    from spanbridge import SensitiveDataFilter

    return SensitiveDataFilter().redact


def _re2() -> Callable[[Any], Any]:
    sys.modules["hyperscan"] = None  # type: ignore[assignment] - how a platform without its wheel looks
    return _spanbridge()


def _stdlib_re() -> Callable[[Any], Any]:
    sys.modules["re2"] = None  # type: ignore[assignment] - how a platform without its wheel looks
    return _spanbridge()


def _personal() -> Callable[[Any], Any]:
    from spanbridge import SensitiveDataFilter

    return SensitiveDataFilter(pii=True).redact


def _logfire() -> Callable[[Any], Any]:
    from logfire._internal.scrubbing import Scrubber

    scrubber = Scrubber(patterns=None)
    # A value that is no mapping gets a key, as an attribute has one.
    return lambda value: scrubber.scrub_value(("attributes",), {"value": value})[0]["value"]


def _detect_secrets() -> Callable[[Any], Any]:
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    # For the whole process: entering it makes all plugins anew. What is not held on to is left again.
    _ENTERED.enter_context(default_settings())
    atexit.register(_ENTERED.close)
    file = Path(_ENTERED.enter_context(tempfile.TemporaryDirectory())) / "payload.txt"

    def redact(value: Any) -> Any:
        text = value if isinstance(value, str) else json.dumps(value, indent=0, ensure_ascii=False)
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        lines = text.split("\n")
        for secret in scan_file(str(file)):
            number = secret.line_number - 1
            if secret.secret_value and number < len(lines):
                lines[number] = lines[number].replace(secret.secret_value, MARKER)
        result = "\n".join(lines)
        if isinstance(value, str) or result == text:
            return value if result == text else result
        try:
            return json.loads(result)
        except ValueError:
            return result

    return redact


_MAKERS: dict[str, Callable[[], Callable[[Any], Any]]] = {
    SPANBRIDGE: _spanbridge,
    WITH_RE2: _re2,
    WITH_STDLIB_RE: _stdlib_re,
    PERSONAL: _personal,
    **({LOGFIRE: _logfire} if find_spec("logfire") else {}),
    **({DETECT_SECRETS: _detect_secrets} if find_spec("detect_secrets") else {}),
}
_FEW_CHUNKS = 1000
"""Chunks of real text for all but the filter as it is by default, which gets all."""
_UNSEEN = 20
"""Payloads before those that are measured, and as many that are: what comes first pays for what the engine learns."""
_SHORTEST_S = 0.0005
"""A growth is told from times that are longer."""


def measure(variant: str, quick: bool) -> Figures:
    """Shares in per cent, times in CPU microseconds per KB of JSON, growth as the factor per doubling."""
    from tests.redaction.negatives import negatives
    from tests.redaction.personal import personal_negatives, personal_positives
    from tests.redaction.positives import positives
    from tests.redaction.scoring import changed_chunks, library_chunks, score

    redact = _MAKERS[variant]()
    is_peer = variant in (LOGFIRE, DETECT_SECRETS)
    step = 20 if quick else 3 if is_peer else 1
    cases = (personal_positives(), personal_negatives()) if variant == PERSONAL else (positives(), negatives())
    figures = score(redact, cases[0][::step], cases[1][::step])
    chunks = library_chunks(100 if quick else None if variant == SPANBRIDGE else _FEW_CHUNKS)
    result = {
        "recall": 100 * figures.recall,
        "false positives": 100 * figures.false_positives,
        "collateral": 100 * figures.collateral_share,
        "broken": len(figures.broken) + len(figures.mutated) + len(figures.unstable),
        "real text": 100 * len(changed_chunks(redact, chunks)) / len(chunks),
    }
    return {**result, **_speed(redact, quick=quick, is_peer=is_peer)}


def _speed(redact: Callable[[Any], Any], *, quick: bool, is_peer: bool) -> Figures:
    from tests.redaction.payloads import FULL_OF_SECRETS, HOSTILE, chat, opaque, unseen

    figures: Figures = {}
    for name, make in {"unseen": unseen, "opaque": opaque}.items():
        count = 2 if quick or is_peer else _UNSEEN
        values = [make(20_000, seed) for seed in range(2 * count)]
        for value in values[:count]:
            redact(value)
        start = time.thread_time()
        for value in values[count:]:
            redact(value)
        figures[name] = (time.thread_time() - start) * 1e6 / sum(map(_kilobytes, values[count:]))
    for kind in ("clean", "dirty"):
        for size in (2_000, 20_000) if quick or is_peer else (2_000, 20_000, 200_000):
            value = chat(size, dirty=kind == "dirty")
            figures[f"{kind} {size // 1000}"] = _cpu_us(redact, value, 2 if is_peer or quick else 20) / _kilobytes(
                value
            )
    size = 1_000 if quick or is_peer else 20_000
    worst, worst_full, growth = 0.0, 0.0, 0.0
    for name, make in {**HOSTILE, **FULL_OF_SECRETS}.items():
        one, two = make(size), make(2 * size)
        times = [_cpu_us(redact, value, 1 if is_peer or quick else 3) for value in (one, two)]
        cost = times[0] / _kilobytes(one)
        worst, worst_full = (max(worst, cost), worst_full) if name in HOSTILE else (worst, max(worst_full, cost))
        if times[0] > 1e6 * _SHORTEST_S:
            growth = max(growth, times[1] / times[0] * _kilobytes(one) * 2 / _kilobytes(two))
    return {**figures, "hostile": worst, "full": worst_full, "growth": growth}


def _cpu_us(redact: Callable[[Any], Any], value: Any, rounds: int) -> float:
    redact(value)
    best = float("inf")
    for _ in range(rounds):
        start = time.thread_time()
        redact(value)
        best = min(best, time.thread_time() - start)
    return best * 1e6


def _kilobytes(value: Any) -> float:
    return len(json.dumps(value, ensure_ascii=False).encode()) / 1000


_SHARES = (
    ("recall", Goal(99, 99, at_least=True)),
    ("false positives", Goal(0.5, 0.5)),
    ("collateral", Goal(0.3, 0.3)),
    ("real text", Goal(0.03, 0.03)),
)
_PERSONAL_GOALS = {"recall": Goal(98, 98, at_least=True), "false positives": Goal(1, 1)}
_TIMES = (
    ("clean 20", Goal(3, 3)),
    ("unseen", None),
    ("opaque", None),
    ("dirty 20", Goal(40, 40)),
    ("hostile", Goal(150, 150)),
    ("full", None),
)
_WHAT = {
    "recall": "secrets gone",
    "false positives": "look-alikes changed",
    "collateral": "text around secrets lost",
    "real text": "chunks of real source changed",
    "clean 20": "20 KB of chat, clean, again",
    "unseen": "20 KB never seen before",
    "opaque": "20 KB of base64 never seen",
    "dirty 20": "20 KB of chat, dirty",
    "hostile": "worst hostile input, 20 KB",
    "full": "worst input full of secrets",
}


def _share(figure: str, variant: str, goal: Goal) -> Comparison:
    goals = {SPANBRIDGE: goal, WITH_RE2: goal, WITH_STDLIB_RE: goal, PERSONAL: _PERSONAL_GOALS.get(figure)}
    return Comparison(_WHAT[figure], variant, figure, "%", goal=goals.get(variant))


SUBJECT = Subject(
    "redaction",
    tuple(_MAKERS),
    measure,
    (
        *(_share(figure, variant, goal) for figure, goal in _SHARES for variant in _MAKERS),
        *(Comparison("broken, mutated, unstable", variant, "broken", "cases") for variant in _MAKERS),
        *(
            Comparison(_WHAT[figure], variant, figure, "us/KB", goal=goal if variant == SPANBRIDGE else None)
            for figure, goal in _TIMES
            for variant in _MAKERS
        ),
        *(
            Comparison("growth per doubling", variant, "growth", "times", goal=Goal(2.3, 2.3))
            for variant in (SPANBRIDGE, WITH_RE2, WITH_STDLIB_RE)
        ),
    ),
    max_rounds=1,
)
