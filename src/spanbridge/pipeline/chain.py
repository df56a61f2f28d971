"""The processor chain, in the order in which a record passes it; what fails in it fails closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.model.span import SpanRecord

if TYPE_CHECKING:
    from spanbridge.processors.limits import Limits

Process = Callable[[SpanRecord], SpanRecord | None]


class Chain:
    """The application's processors, then the sensitive-data filter, then the limits (redaction before cutting, always)."""

    def __init__(self, processors: Sequence[Any], limits: Limits) -> None:
        """`processors`: callables or objects with `process`, in order, the filter last."""
        self._steps: list[tuple[str, Process]] = [
            (processor_name(processor), getattr(processor, "process", processor)) for processor in processors
        ]
        self.has_own_processors = any(name != "sensitive_data" for name, _ in self._steps)
        """Whether processors of the application may change what the filter lets through."""
        self._limits = limits

    def run(self, record: SpanRecord) -> SpanRecord | None:
        """The record as it may leave, its `document` written; None: a processor dropped it. Never raises."""
        result: Any = record
        phase = record.phase
        name = "limits"
        try:
            for step, process in self._steps:
                name = step
                result = process(result)
                if result is None:
                    return None
                _require_record(result)
            name = "limits"
            self._limits.apply(result)
        except BaseException as error:  # noqa: BLE001 - a processor may raise SystemExit or CancelledError: nobody waits for them here
            contain(f"processor {name}", error)
            result = record
            withhold(record, name, type(error).__name__)
            record.encode_document()
        result.phase = phase  # the pipeline's, whatever a processor made of it: the account depends on it
        return result


def withhold(record: SpanRecord, processor: str, reason: str) -> None:
    """Takes all content from a record and says so in `attributes["withheld"]`; identity, type, times and status stay."""
    had_error = record.content().get("error") is not None
    content: dict[str, Any] = {
        "name": record.type.value,
        "attributes": {"withheld": b'{"processor":"%b","reason":"%b"}' % (_ascii(processor), _ascii(reason))},
    }
    if had_error:
        content["error"] = {"type": "Error", "message": "[withheld]"}
    record.replace_content(content)


def _require_record(result: Any) -> None:
    if not isinstance(result, SpanRecord):
        raise TypeError(f"a processor returns a SpanRecord or None, not {type(result).__name__}")


def processor_name(processor: Any) -> str:
    """`processor.name`, else the function's or class's name."""
    name = getattr(processor, "name", None) or getattr(processor, "__name__", None) or type(processor).__name__
    return str(name)


def _ascii(text: str) -> bytes:
    return "".join(character for character in text if character.isalnum() or character in "_.<>").encode(
        "ascii", "replace"
    )
