"""What a message with a 2 MB image costs its caller, beside one plain encoding of the same message to JSON.

Both are measured by turns in one process, since they differ by less than two processes do, and as processor time of the calling thread: a
span wakes the pipeline, and on a busy machine the clock would show who else wants the processor then.
"""

from __future__ import annotations

import base64
import random
from statistics import median
from time import thread_time_ns
from typing import TYPE_CHECKING, Any

import orjson

import spanbridge as sb
from benchmarks.subject import Comparison, Figures, Goal, Subject

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE_BYTES = 2_000_000
BASE64, RAW = "base64 in a data URL", "raw bytes"


def measure(variant: str, quick: bool) -> Figures:
    """Processor microseconds of a span with the message ("span") and of its encoding ("encoding") at the median, and their ratio."""
    image = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(IMAGE_BYTES)
    text: Any = {"type": "text", "text": "What is in this picture? " * 20}
    if variant == BASE64:
        url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
        part: Any = {"type": "image_url", "image_url": {"url": url}}
    else:
        part = {"inline_data": {"mime_type": "image/png", "data": image}}
    messages: Any = [{"role": "user", "content": [text, part]}]

    def encode() -> None:
        orjson.dumps(messages, _base64)

    def trace() -> None:
        with sb.model_generation(model="gpt-5.4", provider="openai", input=messages):
            pass

    sb.configure(service_name="media", store="sqlite:///traces.db")
    figures: dict[str, list[float]] = {"span": [], "encoding": []}
    for number in range(10 if quick else 200):
        for name, call in (("encoding", encode), ("span", trace)):
            sb.flush()
            duration = _microseconds(call)
            if number >= 5:
                figures[name].append(duration)
    sb.shutdown()
    span, encoding = median(figures["span"]), median(figures["encoding"])
    return {"span": span, "encoding": encoding, "ratio": span / encoding}


def _base64(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else None


def _microseconds(call: Callable[[], None]) -> float:
    start = thread_time_ns()
    call()
    return (thread_time_ns() - start) / 1e3


SUBJECT = Subject(
    "media",
    (BASE64, RAW),
    measure,
    tuple(
        Comparison(f"2 MB image, {what}", variant, figure, unit, goal=goal)
        for variant in (BASE64, RAW)
        for what, figure, unit, goal in (
            ("its encoding", "encoding", "us", None),
            ("its span", "span", "us", None),
            ("span / encoding", "ratio", "x", Goal(1.2, 1.2)),
        )
    ),
)
