"""What is recorded of an exception: type, message, frames and causes; the frames become text off the caller's thread."""

# Values of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from spanbridge.model.conversions import exception_message, type_name
from spanbridge.model.hidden_exceptions import HIDDEN, mark, may_quote, members_of, own

if TYPE_CHECKING:
    from types import TracebackType

MAX_CAUSES = 8
FIRST_FRAMES = 20
LAST_FRAMES = 80


def capture_exception(error: BaseException, *, hides: bool = False) -> dict[str, Any]:
    """`{"type", "message", "frames", "causes"}` of `error`, free of references to frames and locals.

    `hides`: the messages may quote what the span hides, and are hidden too, here and on all spans that the exception passes through
    after this one, itself or as the cause of another.
    """
    behind = _behind(error)
    hides = hides or may_quote(error)
    if hides:
        mark(error)
    return {
        "type": type_name(type(error)),
        "message": HIDDEN if hides else exception_message(error),
        "frames": _frames(own(error, "__traceback__")),
        "causes": [
            {
                "type": type_name(type(cause)),
                "message": HIDDEN if hides else exception_message(cause),
                "relation": relation,
            }
            for relation, cause in behind
        ],
    }


def render_exception(captured: dict[str, Any]) -> dict[str, Any]:
    """`ErrorInfo` of what `capture_exception` returned: frames become the text that Python prints."""
    frames = captured.pop("frames", None)
    if frames:
        first, skipped, last = frames
        with_source = captured["message"] != HIDDEN
        lines = ["Traceback (most recent call last):\n", *_format(first, with_source)]
        if skipped:
            lines.append(f"  [{skipped} frames left out]\n")
        lines += _format(last, with_source)
        lines.append(f"{captured['type']}: {captured['message']}\n")
        captured["stack"] = "".join(lines)
    if not captured.get("causes"):
        captured.pop("causes", None)
    return captured


def status_of(error: BaseException) -> str:
    """The status of a span that `error` leaves: "error", "cancelled", or "ok" for an exit that is no failure."""
    if isinstance(error, KeyboardInterrupt) or _is_cancellation(error):
        return "cancelled"
    if isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "ok"
    return "error"


def _is_cancellation(error: BaseException) -> bool:
    """asyncio's and trio's word for it, known without importing either."""
    for module, name in (("asyncio", "CancelledError"), ("trio", "Cancelled")):
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, getattr(loaded, name)):
            return True
    members = members_of(error)  # a group is one where all its members are, as of a cancelled nursery
    return bool(members) and all(map(_is_cancellation, members))


def _frames(traceback: TracebackType | None) -> tuple[list[Any], int, list[Any]] | None:
    """(file, line, function) of the first and last frames, outermost first, and how many lie between."""
    first: list[Any] = []
    rest: list[Any] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frame = (code.co_filename, traceback.tb_lineno, code.co_name)
        (first if len(first) < FIRST_FRAMES else rest).append(frame)
        traceback = traceback.tb_next
    if not first:
        return None
    skipped = max(0, len(rest) - LAST_FRAMES)
    return first, skipped, rest[skipped:]


def _format(frames: list[Any], with_source: bool) -> list[str]:
    """As Python prints them; without the lines of source, which hold literals, where messages are hidden."""
    from traceback import FrameSummary, StackSummary  # noqa: PLC0415 - heavy, and needed off the caller's thread only

    source = None if with_source else ""
    return StackSummary.from_list(
        [FrameSummary(file, line, function, lookup_line=False, line=source) for file, line, function in frames]
    ).format()


def _behind(error: BaseException) -> list[tuple[str, BaseException]]:
    """The exceptions behind `error` and how each stands to the one before it, the nearest first."""
    behind: list[tuple[str, BaseException]] = []
    seen = {id(error)}
    pending: list[tuple[str, BaseException]] = []

    def look_behind(item: BaseException) -> None:
        pending.extend(("member", member) for member in members_of(item))
        if (cause := own(item, "__cause__")) is not None:
            pending.append(("cause", cause))
        elif (context := own(item, "__context__")) is not None and not own(item, "__suppress_context__"):
            pending.append(("context", context))

    look_behind(error)
    while pending and len(behind) < MAX_CAUSES:
        relation, cause = pending.pop(0)
        if id(cause) not in seen:
            seen.add(id(cause))
            behind.append((relation, cause))
            look_behind(cause)
    return behind
