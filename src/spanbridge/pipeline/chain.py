"""The processor chain, in the order in which a record passes it; what fails in it fails closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Any

from spanbridge.containment import contain
from spanbridge.model.span import SpanRecord
from spanbridge.pipeline.structure import reset_structure, restore_structure, structure_of
from spanbridge.tracing.context import suppress

if TYPE_CHECKING:
    from spanbridge.media.step import MediaStep
    from spanbridge.pacing import Pace
    from spanbridge.processors.limits import Limits

Process = Callable[[SpanRecord], SpanRecord | None]


class Chain:
    """The application's processors, then media, the sensitive-data filter and the limits (redaction before cutting, always)."""

    def __init__(self, processors: Sequence[Any], limits: Limits, media: MediaStep | None = None) -> None:
        """`processors`: callables or objects with `process`, in order, the filter last.

        The last one may have `prescan(records)`, which looks at many records at once and returns those that have still to be
        passed to its `process`.
        """
        steps: list[tuple[str, Process]] = [
            (processor_name(processor), getattr(processor, "process", processor)) for processor in processors
        ]
        self._prescan: Callable[..., list[SpanRecord]] | None = (
            getattr(processors[-1], "prescan", None) if steps else None
        )
        self._filter = steps.pop() if self._prescan is not None else None
        self._own_steps = steps
        self.has_own_processors = bool(self._own_steps)
        """Whether processors of the application may change what is recorded."""
        self._media = media
        self._limits = limits

    def run(self, records: Sequence[SpanRecord], pace: Pace, *, hold_s: float = inf) -> Iterator[SpanRecord | None]:
        """Yields the records as they may leave, in their order, their documents written; None where a processor dropped one. Never raises.

        Args:
            records: They are looked at together, where that costs less.
            pace: Gets its pauses between two records.
            hold_s: How long the application's processors may hold back what they are done with.
        """
        start = 0
        while start < len(records):
            passed: list[SpanRecord | None] = [*records]
            if self._own_steps:
                passed = self._pass_own_steps(records, start, pace, hold_s)
            start += len(passed)
            yield from self._finish(passed, pace)

    def _pass_own_steps(
        self, records: Sequence[SpanRecord], start: int, pace: Pace, hold_s: float
    ) -> list[SpanRecord | None]:
        """What the application's processors make of the records from `start` on, in `hold_s`, and of one at least."""
        passed: list[SpanRecord | None] = []
        until = perf_counter() + hold_s
        for index in range(start, len(records)):
            with (
                suppress()
            ):  # a processor that calls what the application traces would make spans about spans, without end
                passed.append(self._pass_own(records[index]))
            if perf_counter() >= until:
                break
            pace.pause()
        return passed

    def _finish(self, results: list[SpanRecord | None], pace: Pace) -> Iterator[SpanRecord | None]:
        """What comes after the application's processors."""
        if self._media is not None:
            self._media.process_all([result for result in results if result is not None], pace.pause)
        left = self._prescanned(results)
        cut, pause = self._limits.apply, pace.pause
        for result in results:
            if result is not None and (left is None or id(result) in left):
                result = self._pass_filter(result)  # noqa: PLW2901 - it takes its place
            if result is not None:
                try:
                    cut(result)
                except Exception as error:  # noqa: BLE001
                    contain("processor limits", error)
                    withhold(result, "limits", type(error).__name__)
                    result.encode_document()
            yield result
            pause()

    def _prescanned(self, results: Sequence[SpanRecord | None]) -> set[int] | None:
        """The identities of the records that the filter has to look at one by one, none where there is no filter; None for all."""
        if self._prescan is None:
            return set()
        try:
            return set(map(id, self._prescan([result for result in results if result is not None])))
        except Exception as error:  # noqa: BLE001 - the filter fails again for those records that it cannot look at
            contain("prescan", error)
            return None

    def _pass_own(self, record: SpanRecord) -> SpanRecord | None:
        """The record as the application's processors leave it, its structure sound; its content withheld if one of them failed."""
        # The pipeline's, whatever a processor makes of it: the account depends on it.
        phase, structure = record.phase, structure_of(record)
        result: Any = record
        name = ""
        try:
            for name, process in self._own_steps:  # noqa: B007 - its last value names the one that failed
                result = process(result)
                if result is None:
                    reset_structure(record, structure)
                    record.phase = phase
                    return None
                _require_record(result)
            if result is not record or record.document:
                # It may be finished already, and in the hands of others: one that was read from a store, or returned before.
                result = result.unfinished_copy()
        except BaseException as error:  # noqa: BLE001 - a processor may raise SystemExit or CancelledError: nobody waits for them here
            contain(f"processor {name}", error)
            result = record
            result.document = b""
            reset_structure(result, structure)
            withhold(result, name, type(error).__name__)
        else:
            restore_structure(result, structure)
        result.phase = phase
        return result

    def _pass_filter(self, record: SpanRecord) -> SpanRecord | None:
        """The record as the filter leaves it; its content withheld if that failed."""
        if self._filter is None:
            return record
        name, process = self._filter
        try:
            result: Any = process(record)
            if result is not None:
                _require_record(result)
        except BaseException as error:  # noqa: BLE001 - as above
            contain(f"processor {name}", error)
            withhold(record, name, type(error).__name__)
            return record
        return result


def withhold(record: SpanRecord, processor: str, reason: str) -> None:
    """Takes all content from a record and says so in `attributes["withheld"]`; identity, type, times and status stay."""
    had_error = record.had_error()
    content: dict[str, Any] = {
        "name": record.type.value,
        "attributes": {"withheld": b'{"processor":"%b","reason":"%b"}' % (_ascii(processor), _ascii(reason))},
    }
    if had_error:
        content["error"] = {"type": "Error", "message": "[withheld]"}
    record.replace_content(content)
    record.media = ()
    record.is_withheld = True
    record.model = None


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
