"""A small tracer with a context of its own, and the bridge to it: what any tracer does that keeps its active span in a context variable."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from spanbridge.protocols import NativeContext

_active: ContextVar[Any] = ContextVar("toy_active", default=None)


class ToySpan:
    ids = itertools.count(1)

    def __init__(self, trace_id: int, parent_id: int | None, name: str = "") -> None:
        self.trace_id = trace_id
        self.span_id = next(self.ids)
        self.parent_id = parent_id
        self.name = name
        self.ends: list[Any] = []


class Activation:
    """What is active between `activate` and `deactivate`; where a generator's body is about, it asks what is in force."""

    def __init__(self, native: ToySpan, in_force: Any) -> None:
        self.native = native
        self.in_force = in_force
        self.before = _active.get()
        self.is_over = False

    def span(self) -> ToySpan | None:
        if self.in_force is not None:
            return self.in_force()
        return None if self.is_over else self.native


class ToyBridge:
    """Records what it is asked to do; `foreign` opens a span as other instrumentation does."""

    name = "toy"
    header_names = ("x-toy",)

    def __init__(self) -> None:
        self.spans: list[ToySpan] = []
        self.foreign_spans: dict[str, ToySpan] = {}
        self.calls: list[str] = []
        self.settings: Any = None

    # --- the other tracer ---

    def current(self) -> ToySpan | None:
        active = _active.get()
        while isinstance(active, Activation):
            active = active.span() or active.before
        return active

    @contextmanager
    def foreign(self, name: str):
        parent = self.current()
        span = ToySpan(999 if parent is None else parent.trace_id, None if parent is None else parent.span_id, name)
        self.foreign_spans[name] = span
        token = _active.set(span)
        try:
            yield span
        finally:
            _active.reset(token)

    def call(self, name: str) -> None:
        """An instrumented call."""
        with self.foreign(name):
            pass

    def parent_of(self, name: str) -> str | None:
        """The parent's span id, in hex, of a foreign span."""
        parent_id = self.foreign_spans[name].parent_id
        return None if parent_id is None else f"{parent_id:016x}"

    # --- the bridge ---

    def open(self, settings: Any) -> None:
        self.settings = settings

    def active(self) -> NativeContext | None:
        active = self.current()
        return None if active is None else NativeContext(active.trace_id, active.span_id, native=active)

    def start(self, start: Any) -> ToySpan:
        parent = start.parent or start.external
        span = ToySpan(start.trace_id, None if parent is None else parent.span_id)
        self.spans.append(span)
        return span

    def activate(self, native: ToySpan, in_force: Any = None) -> Any:
        activation = Activation(native, in_force)
        _active.set(activation)
        return activation

    def deactivate(self, token: Activation) -> None:
        token.is_over = True
        active = _active.get()
        if active is token:
            while isinstance(active, Activation) and active.is_over:
                active = active.before
            _active.set(active)

    def finish(self, native: ToySpan, record: Any) -> None:
        native.ends.append(record)

    def release(self, native: ToySpan, reason: str) -> None:
        native.ends.append(reason)

    def inject(self, native: Any, headers: dict[str, str]) -> None:
        headers["x-toy"] = f"{native.trace_id:x}/{native.span_id:x}"

    def extract(self, headers: Any) -> NativeContext | None:
        if "x-toy" not in headers:
            return None
        trace_id, span_id = headers["x-toy"].split("/")
        return NativeContext(int(trace_id, 16), int(span_id, 16))

    def flush(self, deadline: float) -> None:
        self.calls.append("flush")

    def close(self, deadline: float) -> None:
        self.calls.append("close")
