"""Exporters and helpers for tests of the pipeline: what arrives, and a hand on when and how."""

from __future__ import annotations

import threading
from typing import Any

from spanbridge.pipeline.delivery import Runner


class ScriptedExporter:
    """Answers each batch with the next of its `answers` (called if callable, raised if an exception), then delivers.

    `batches` holds the names of the spans of every batch that was tried; `delivered` those of the batches that went through.
    """

    def __init__(self, *answers: Any, name: str = "scripted") -> None:
        self.name = name
        self.answers = list(answers)
        self.batches: list[list[str]] = []
        self.delivered: list[str] = []
        self.calls: list[str] = []
        self.called = threading.Semaphore(0)

    def export(self, batch: Any) -> Any:
        names = [record.name for record in batch]
        self.batches.append(names)
        self.called.release()
        answer = self.answers.pop(0) if self.answers else None
        if callable(answer) and not isinstance(answer, type):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            self.delivered += names
        return answer

    def flush(self, deadline: float) -> None:
        self.calls.append("flush")

    def shutdown(self, deadline: float) -> None:
        self.calls.append("shutdown")


class HangingExporter(ScriptedExporter):
    """Hangs in `export` until `release` is set."""

    def __init__(self, name: str = "hanging") -> None:
        super().__init__(name=name)
        self.entered = threading.Event()
        self.release = threading.Event()

    def export(self, batch: Any) -> Any:
        self.entered.set()
        self.release.wait()
        return super().export(batch)


class GivenTime:
    """The clock of `delivery`, which goes on only while a runner waits: no test sleeps.

    Waits of runners for work still wait; pauses between tries end at once, and advance the clock by what they asked for.
    """

    def __init__(self, monkeypatch: Any) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        given = self

        class Time:
            @staticmethod
            def monotonic() -> float:
                return given.now

        def wait_until_over(runner: Runner, wait_s: float, requested_s: float) -> bool:
            condition = runner._state
            original_wait = condition.wait
            pausing = threading.current_thread()

            def wait(timeout: float | None = None) -> bool:
                if threading.current_thread() is not pausing:  # a flush that waits meanwhile lets the others go on
                    return original_wait(timeout)
                given.pauses.append(timeout or 0.0)
                given.now += timeout or 0.0
                return False

            condition.wait = wait  # type: ignore[method-assign] - in this pause only
            try:
                return pause(runner, wait_s, requested_s)
            finally:
                condition.wait = original_wait  # type: ignore[method-assign]

        pause = Runner._pause
        monkeypatch.setattr("spanbridge.pipeline.delivery.time", Time)
        monkeypatch.setattr("spanbridge.pipeline.delivery.random.uniform", lambda low, high: 1.0)
        monkeypatch.setattr(Runner, "_pause", wait_until_over)


def accounted(stats: dict[str, Any], *, open_spans: int = 0) -> None:
    """Asserts what holds while nothing moves: every span, and every span at each exit, is somewhere; `open_spans` are open.

    `open` is counted where spans are, and the store's exit keeps its own account: neither follows from the other numbers.
    """
    spans = stats["spans"]
    assert spans["open"] == open_spans, stats
    assert spans["started"] == spans["open"] + spans["stored"] + spans["abandoned"] + sum(spans["dropped"].values()), (
        stats
    )
    assert all(
        count >= 0 for count in (spans["open"], spans["stored"], spans["abandoned"], *spans["dropped"].values())
    ), stats
    store = stats["exporters"].get("store")
    for name, exporter in stats["exporters"].items():
        counts = (exporter["delivered"], exporter["pending"], exporter["expired"], *exporter["rejected"].values())
        assert all(count >= 0 for count in counts), stats
        if store is None:
            assert sum(counts) == spans["stored"] + spans["abandoned"], stats
        elif name == "store":
            lost = {f"store_{reason}": count for reason, count in store["rejected"].items()}
            assert store["delivered"] == spans["stored"] + spans["abandoned"], stats
            assert lost == {reason: n for reason, n in spans["dropped"].items() if reason.startswith("store_")}, stats
        else:
            assert sum(counts) == sum((store["delivered"], store["pending"], *store["rejected"].values())), stats
