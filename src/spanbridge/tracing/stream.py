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
from spanbridge.tracing.body import Body
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
    is_async = hasattr(type(iterable), "__aiter__")
    stream = AsyncStream(span, iterable) if is_async else Stream(span, iterable)
    span._stream = ref(stream)
    return stream


class _RecordedStream:
    """What sync and async streams share: what is recorded, and how it ends."""

    def __init__(self, span: Span, iterable: Any) -> None:
        self._source = iterable
        self._span = span
        self._is_open = True
        self._owns_span = span._by_hand and span._token is None
        self._body = Body(span) if self._owns_span else None
        """Where the span is current while the source runs: in a block, it is so anyway."""
        self._answer = Answer()
        self._collected = Collected(span._tracer.max_payload_bytes)  # pyright: ignore[reportOptionalMemberAccess]
        self._read: Callable[[Answer, Any], str | None] | None = None
        self._decoder: Any = None
        self._count = 0
        self._first_at: int | None = None

    def __getattr__(self, name: str) -> Any:
        # What the provider's stream has besides: `response`, `headers`, `get_final_message`, ...
        return getattr(object.__getattribute__(self, "_source"), name)

    def break_off(self) -> None:
        """The span is about to end, before the stream does."""
        self._owns_span = False
        self._finish("closed")

    def take_span(self) -> bool:
        """Makes the stream, where it is not over, end the span; whether it will."""
        self._owns_span = self._is_open
        if self._owns_span:
            self._body = Body(self._span)
        return self._owns_span

    @property
    def owns_span(self) -> bool:
        """Whether the span ends with the stream."""
        return self._owns_span

    def _passed(self, chunk: Any) -> None:
        """Records what has passed."""
        self._count += 1
        if type(chunk) is not str:
            try:
                if self._read is None:
                    chunk = self._without_reader(chunk)
                if self._read is not None:
                    text = self._read(self._answer, chunk)
                    chunk = text if isinstance(text, str) and text else None
            except Exception as error:  # noqa: BLE001 - a foreign chunk
                contain("reading a chunk", error)
                return
            if self._first_at is None and self._answer.has_begun:
                self._begin()
            if chunk is None:
                return
        if self._first_at is None and chunk:
            self._begin()
        self._collected.add(chunk)

    def _without_reader(self, chunk: Any) -> Any:
        """Bytes as text, None where they hold no whole character; any other chunk as it is, after looking for a reader of its form."""
        if isinstance(chunk, (bytes, bytearray, memoryview)):
            # A character may be split over two chunks.
            self._decoder = self._decoder or codecs.getincrementaldecoder("utf-8")("replace")
            return self._decoder.decode(bytes(chunk)) or None
        self._read = reader_of(chunk)
        return chunk

    def _begin(self) -> None:
        self._first_at = self._span._trace.clock_offset_ns + perf_counter_ns()

    def _exhausted(self) -> None:
        # A stream of a form that says when it is complete, and did not, was cut.
        answer = self._answer
        self._finish("cut" if answer.must_finish and not answer.is_finished else None)

    def _failed(self, error: BaseException) -> None:
        """An exception came out of the source."""
        if isinstance(error, GeneratorExit):
            self._finish("closed")
        else:
            self._finish("cancelled" if status_of(error) == "cancelled" else "cut", error)

    def _finish(self, incomplete: str | None, error: BaseException | None = None) -> None:
        """Records what was received, once, and ends a span that the stream owns."""
        if not self._is_open:
            return
        self._is_open = False
        span = self._span
        if span._state != RECORDING:
            return
        span._stream = None
        try:
            span.set(output=self._answer.output(self._collected.value()), **self._attributes(incomplete))
        except Exception as failure:  # noqa: BLE001
            contain("span.stream", failure)
        if self._owns_span:
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


class Stream(_RecordedStream):
    """A recorded iterator. It has the attributes of what it wraps; leaving it early, closing or dropping it ends the recording."""

    def __init__(self, span: Span, iterable: Any) -> None:
        self._iterator = iter(iterable)
        super().__init__(span, iterable)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            if self._body is None:
                chunk = next(self._iterator)
            else:
                self._body.resume()
                try:
                    chunk = next(self._iterator)
                finally:
                    self._body.rest()
        except StopIteration:
            self._exhausted()
            raise
        except BaseException as error:
            self._failed(error)
            raise
        if self._is_open:
            self._passed(chunk)
        return chunk

    def close(self) -> Any:
        """Closes the source; what was received is recorded, as incomplete where the stream was not exhausted."""
        close = getattr(self._iterator, "close", None) or getattr(self._source, "close", None)
        try:
            if close is None or self._body is None:
                return None if close is None else close()
            self._body.resume()
            try:
                return close()
            finally:
                self._body.rest()
        finally:
            self._finish("closed")

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
            self._finish("closed")

    def __del__(self) -> None:
        _collect(self)


class AsyncStream(_RecordedStream):
    """A recorded async iterator; see `Stream`."""

    def __init__(self, span: Span, iterable: Any) -> None:
        self._iterator = aiter(iterable)
        super().__init__(span, iterable)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            if self._body is None:
                chunk = await anext(self._iterator)
            else:
                self._body.resume()
                try:
                    chunk = await anext(self._iterator)
                finally:
                    self._body.rest()
        except StopAsyncIteration:
            self._exhausted()
            raise
        except BaseException as error:
            self._failed(error)
            raise
        if self._is_open:
            self._passed(chunk)
        return chunk

    async def aclose(self) -> None:
        """Closes the source; what was received is recorded, as incomplete where the stream was not exhausted."""
        close = (
            getattr(self._iterator, "aclose", None)
            or getattr(self._source, "aclose", None)
            or getattr(self._source, "close", None)
        )
        try:
            if close is None or self._body is None:
                await _awaited(close)
                return
            self._body.resume()
            try:
                await _awaited(close)
            finally:
                self._body.rest()
        finally:
            self._finish("closed")

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
            self._finish("closed")

    def __del__(self) -> None:
        _collect(self)


def _collect(stream: Any) -> None:
    """Nobody will take the rest. In a context of its own: a finaliser may run in the midst of a change to the current one."""
    # `__init__` may have failed.
    if stream.__dict__.get("_is_open"):
        copy_context().run(stream._finish, "garbage_collected")


async def _awaited(close: Any) -> None:
    """Calls `close`, if there is one, and awaits what it returns, if that can be awaited."""
    if close is not None and hasattr(closing := close(), "__await__"):
        await closing
