"""`span.stream(...)`: a model's stream passes through unchanged, and the span records what passed."""

# Chunks of any type pass through here; their types are unknown on purpose.
# It is a part of the span, in a file of its own.
# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import codecs
from contextvars import copy_context
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any
from weakref import ref

from spanbridge.containment import contain
from spanbridge.tracing.chunks import Answer, reader_of
from spanbridge.tracing.collected import Collected
from spanbridge.tracing.context import RECORDING
from spanbridge.tracing.exceptions import status_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from spanbridge.tracing.active_span import Span


def open_stream(span: Span, iterable: Any) -> Any:
    """A `Stream` or `AsyncStream` over `iterable`; `iterable` itself where nothing is recorded."""
    if span._state != RECORDING:
        return iterable
    source = type(iterable)
    if hasattr(source, "__aiter__"):
        stream = AsyncStream(span, iterable)
    elif hasattr(source, "__iter__") or hasattr(source, "__getitem__"):
        stream = Stream(span, iterable)
    elif hasattr(source, "__enter__") or hasattr(source, "__aenter__"):
        return ManagedStream(span, iterable)
    else:
        return iterable  # whoever iterates over it is told what it would be told without us
    span._stream = ref(stream)
    return stream


class ManagedStream:
    """What stands for a stream until it is entered, as the helpers of OpenAI's and Anthropic's packages; has all else of them."""

    def __init__(self, span: Span, manager: Any) -> None:
        self._span = span
        self._manager = manager
        self._stream: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_manager"), name)

    def __enter__(self) -> Any:
        self._stream = open_stream(self._span, self._manager.__enter__())
        return self._stream

    def __exit__(self, *exc_info: Any) -> Any:
        try:
            return self._manager.__exit__(*exc_info)
        finally:
            self._finish()

    async def __aenter__(self) -> Any:
        self._stream = open_stream(self._span, await self._manager.__aenter__())
        return self._stream

    async def __aexit__(self, *exc_info: Any) -> Any:
        try:
            return await self._manager.__aexit__(*exc_info)
        finally:
            self._finish()

    def _finish(self) -> None:
        if isinstance(self._stream, _RecordedStream):
            self._stream._recording.finish("closed")


class Recording:
    """What is recorded of one stream, and how it ends.

    Not part of the stream itself: that has `__getattr__`, and so each look at an attribute of it costs several times as much.
    """

    def __init__(self, span: Span, iterator: Any) -> None:
        self.iterator = iterator
        self.is_open = True
        self.owns_span = span._by_hand and span._token is None
        """Whether the span ends with the stream."""
        self.body = span.new_body() if self.owns_span else None
        """Where the span is current while the source runs: in a block, it is so anyway."""
        self._span = span
        self._answer = Answer()
        self._collected = Collected(span._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
        self._read: Callable[[Answer, Any], str | None] | None = None
        self._decoder: Any = None
        self._records_output = True
        self._count = 0
        self._first_at: int | None = None

    def take_span(self, *, with_output: bool) -> bool:
        """Makes the stream, where it is not over, end the span; whether it will. `with_output`: whether its text is recorded."""
        self._records_output = with_output
        self.owns_span = self.is_open
        if self.owns_span:
            self.body = self._span.new_body()
        return self.owns_span

    def passed(self, chunk: Any) -> None:
        """Records what has passed."""
        self._count += 1
        if type(chunk) is not str:
            try:
                chunk = self._without_reader(chunk) if self._read is None else self._read(self._answer, chunk)
            except Exception as error:  # noqa: BLE001 - a foreign chunk
                contain("reading a chunk", error)
                return
            # An item is kept as it is, but what a reader finds is text or nothing.
            if chunk is None or (self._read is not None and not (isinstance(chunk, str) and chunk)):
                if self._first_at is None and self._answer.has_begun:
                    self._begin()
                return
        if self._first_at is None and (type(chunk) is not str or chunk):
            self._begin()
        self._collected.add(chunk)

    def _without_reader(self, chunk: Any) -> Any:
        """Bytes as text, None where they hold no whole character; what the reader for this form of chunk finds; else the chunk itself."""
        if isinstance(chunk, (bytes, bytearray, memoryview)):
            # A character may be split over two chunks.
            self._decoder = self._decoder or codecs.getincrementaldecoder("utf-8")("replace")
            return self._decoder.decode(bytes(chunk)) or None
        self._read = reader_of(chunk)
        return chunk if self._read is None else self._read(self._answer, chunk)

    def _begin(self) -> None:
        self._first_at = self._span._trace.clock_offset_ns + perf_counter_ns()

    def exhausted(self) -> None:
        """The source has come to its end."""
        # A stream of a form that says when it is complete, and did not, was cut.
        answer = self._answer
        self.finish("cut" if answer.must_finish and not answer.is_finished else None)

    def failed(self, error: BaseException) -> None:
        """An exception came out of the source."""
        if isinstance(error, GeneratorExit):
            self.finish("closed")
        else:
            self.finish("cancelled" if status_of(error) == "cancelled" else "cut", error)

    def finish(self, incomplete: str | None, error: BaseException | None = None) -> None:
        """Records what was received, once, and ends a span that the stream owns."""
        if not self.is_open:
            return
        self.is_open = False
        span = self._span
        if span._state != RECORDING:
            return
        span._stream = None
        try:
            output = self._answer.output(self._collected.value()) if self._records_output else None
            span.set(output=output, **self._attributes(incomplete))
        except Exception as failure:  # noqa: BLE001
            contain("span.stream", failure)
        if self.owns_span:
            if error is None:
                span.end()
            else:
                span._end_with(error)

    def _attributes(self, incomplete: str | None) -> dict[str, Any]:
        attributes: dict[str, Any] = {"chunk_count": self._count}
        if incomplete is not None:
            attributes["incomplete"] = incomplete
        answer = self._answer
        if self._span._opener.info.is_model:
            attributes["streaming"] = True
            attributes["completion_start_time"] = self._first_at
            attributes["usage"] = answer.usage
            attributes["finish_reason"] = answer.finish_reason
            attributes["response_model"] = answer.response_model
            attributes["response_id"] = answer.response_id
        return {name: value for name, value in attributes.items() if value is not None}


class _RecordedStream:
    """What sync and async streams share: they have the attributes of what they wrap, and a recording."""

    _recording: Recording

    def __getattr__(self, name: str) -> Any:
        # What the provider's stream has besides: `response`, `headers`, `get_final_message`, ...
        return getattr(object.__getattribute__(self, "_source"), name)

    def break_off(self) -> None:
        """The span is about to end, before the stream does."""
        self._recording.owns_span = False
        self._recording.finish("closed")

    def take_span(self, *, with_output: bool) -> bool:
        """Makes the stream, where it is not over, end the span; whether it will."""
        return self._recording.take_span(with_output=with_output)

    @property
    def owns_span(self) -> bool:
        """Whether the span ends with the stream."""
        return self._recording.owns_span

    def __del__(self) -> None:
        # `__init__` may have failed.
        recording = self.__dict__.get("_recording")
        if recording is not None and recording.is_open:
            # Nobody will take the rest. In a context of its own: a finaliser may run in the midst of a change to the current one.
            copy_context().run(recording.finish, "garbage_collected")


class Stream(_RecordedStream):
    """A recorded iterator. It has the attributes of what it wraps; leaving it early, closing or dropping it ends the recording."""

    def __init__(self, span: Span, iterable: Any) -> None:
        self._recording = Recording(span, iter(iterable))
        self._source = iterable

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        recording = self._recording
        try:
            body = recording.body
            chunk = next(recording.iterator) if body is None else body.next_of(recording.iterator)
        except StopIteration:
            recording.exhausted()
            raise
        except BaseException as error:
            recording.failed(error)
            raise
        if recording.is_open:
            recording.passed(chunk)
        return chunk

    def close(self) -> Any:
        """Closes the source; what was received is recorded, as incomplete where the stream was not exhausted."""
        recording = self._recording
        close = getattr(recording.iterator, "close", None) or getattr(self._source, "close", None)
        try:
            if close is None or recording.body is None:
                return None if close is None else close()
            recording.body.resume()
            try:
                return close()
            finally:
                recording.body.rest()
        finally:
            recording.finish("closed")

    def __enter__(self) -> Self:
        if hasattr(type(self._source), "__enter__"):
            self._source.__enter__()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        try:
            if hasattr(type(self._source), "__exit__"):
                return self._source.__exit__(exc_type, exc, traceback)
            return self.close()
        finally:
            self._recording.finish("closed")


class AsyncStream(_RecordedStream):
    """A recorded async iterator; see `Stream`."""

    def __init__(self, span: Span, iterable: Any) -> None:
        self._recording = Recording(span, aiter(iterable))
        self._source = iterable

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        recording = self._recording
        try:
            body = recording.body
            if body is None:
                chunk = await anext(recording.iterator)
            else:
                body.resume()
                try:
                    chunk = await anext(recording.iterator)
                finally:
                    body.rest()
        except StopAsyncIteration:
            recording.exhausted()
            raise
        except BaseException as error:
            recording.failed(error)
            raise
        if recording.is_open:
            recording.passed(chunk)
        return chunk

    async def aclose(self) -> None:
        """Closes the source; what was received is recorded, as incomplete where the stream was not exhausted."""
        recording = self._recording
        close = (
            getattr(recording.iterator, "aclose", None)
            or getattr(self._source, "aclose", None)
            or getattr(self._source, "close", None)
        )
        try:
            if close is None or recording.body is None:
                await _awaited(close)
                return
            recording.body.resume()
            try:
                await _awaited(close)
            finally:
                recording.body.rest()
        finally:
            recording.finish("closed")

    close = aclose

    async def __aenter__(self) -> Self:
        if hasattr(type(self._source), "__aenter__"):
            await self._source.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        try:
            if hasattr(type(self._source), "__aexit__"):
                return await self._source.__aexit__(exc_type, exc, traceback)
            return await self.aclose()
        finally:
            self._recording.finish("closed")


async def _awaited(close: Any) -> None:
    """Calls `close`, if there is one, and awaits what it returns, if that can be awaited."""
    if close is not None and hasattr(closing := close(), "__await__"):
        await closing
