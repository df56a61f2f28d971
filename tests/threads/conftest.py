"""The instrumentation, on during a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import spanbridge as sb

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def instrumented() -> Iterator[None]:
    """Threads are instrumented during the test, and not after it."""
    sb.instrument_threads()
    yield
    sb.uninstrument_threads()
