"""For tests of applications: the spans that a test recorded, and a readable tree to assert on.

pytest finds the fixture `captured_spans` as soon as spanbridge is installed:

    def test_support(captured_spans):
        answer("Where is my order?")

        captured_spans.assert_tree('''
            agent_run support [ok]
              model_generation chat gpt-5.4 [ok]
              tool_call search [error] ValueError
        ''')
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

# pytest imports this module at every start: nothing of spanbridge loads before the fixture is used.

if TYPE_CHECKING:
    from collections.abc import Generator

    from spanbridge.exporters.memory import InMemoryExporter
    from spanbridge.model.span import SpanRecord
    from spanbridge.observability import Observability

FLUSH_TIMEOUT_S = 5.0


class CapturedSpans:
    """What a test recorded. Reading it flushes first: spans that ended are there, also when they ended a moment ago."""

    def __init__(self, observability: Observability, exporter: InMemoryExporter) -> None:
        self._observability = observability
        self._exporter = exporter
        self._is_capturing = True

    @property
    def observability(self) -> Observability:
        """The configuration in force during the test: the application's own where it made one."""
        if self._is_capturing:
            from spanbridge.observability import default_observability  # noqa: PLC0415 - loads with the first use

            self._observability = default_observability() or self._observability
        return self._observability

    def end(self) -> None:
        """Lets go of the configuration in force; what was captured stays."""
        self._observability = self.observability
        self._is_capturing = False

    @property
    def spans(self) -> list[SpanRecord]:
        """The ended spans in the order in which they started, as the processors left them."""
        self.flush()
        return sorted(self._exporter.spans, key=lambda span: span.started_at)

    @property
    def open(self) -> list[SpanRecord]:
        """The spans that have not ended, as they are now; in the order in which they started."""
        self.flush()
        return sorted(self._exporter.running, key=lambda span: span.started_at)

    def flush(self) -> None:
        """Waits until every span that ended is captured. Raises TimeoutError if that takes more than five seconds."""
        if not self.observability.flush(FLUSH_TIMEOUT_S):
            raise TimeoutError(f"the spans were not delivered within {FLUSH_TIMEOUT_S} s: {self.observability.stats()}")

    def clear(self) -> None:
        """Forgets what was captured so far."""
        self.flush()
        self._exporter.clear()

    def tree(self) -> str:
        """The spans as indented text, the same for every run: `type name [status] error`; see `span_tree.to_text`."""
        from spanbridge.exporters.span_tree import to_text  # noqa: PLC0415 - loads with the first use

        return to_text(self.spans)

    def assert_tree(self, expected: str) -> None:
        """Raises AssertionError with a line-by-line difference unless `tree()` is `expected`.

        The common indentation of `expected` and blank lines around it do not count.
        """
        __tracebackhide__ = True
        from textwrap import dedent  # noqa: PLC0415 - loads with the first use

        wanted, actual = dedent(expected.rstrip()).strip("\n"), self.tree()
        if wanted != actual:
            raise AssertionError(_difference(wanted, actual))


@contextmanager
def capture_spans(**settings: Any) -> Generator[CapturedSpans]:
    """Captures spans for a block, and puts the configuration from before in force again, which was not touched.

    Spans go to memory only: no store, no other exporter, no bridge; every trace is recorded. `settings` are those of
    `spanbridge.configure` and come before these; all others are the application's own, from its variables and files.
    An application that calls `spanbridge.configure` itself inside the block gets what it asks for, its store too, and the capture goes on
    beside it. What it records with an `Observability` of its own is not captured.
    """
    from spanbridge.exporters.memory import InMemoryExporter  # noqa: PLC0415 - loads with the first use
    from spanbridge.observability import temporarily  # noqa: PLC0415

    exporter = InMemoryExporter(with_running=True)
    defaults: dict[str, Any] = {
        "service_name": "test",
        "environment": "test",
        "store": False,
        "bridge": False,
        "sampling": 1.0,
        "disabled": False,
    }
    with temporarily(exporter, **{**defaults, "exporters": [], **settings}) as observability:
        captured = CapturedSpans(observability, exporter)
        try:
            yield captured
        finally:
            captured.end()


@pytest.fixture
def captured_spans() -> Generator[CapturedSpans]:
    """The spans that the test records; see `spanbridge.testing.CapturedSpans`."""
    with capture_spans() as captured:
        yield captured


def _difference(wanted: str, actual: str) -> str:
    from difflib import ndiff  # noqa: PLC0415 - loads with the first failure

    lines = ndiff(wanted.splitlines(), actual.splitlines() or ["(no spans)"])
    # Without the lines that point at single characters: they are longer than what they explain.
    shown = [line.rstrip() for line in lines if not line.startswith("?")]
    return "\n".join(["the recorded spans differ (- expected, + recorded):", *shown])
