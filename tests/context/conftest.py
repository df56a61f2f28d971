"""Nothing may be heard of a trace: no log line, no unraisable exception, no word from an event loop."""

from __future__ import annotations

import functools
import gc
import importlib.util
import logging
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNNERS = ["asyncio", "uvloop", "trio"]


class _Listener(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(record.getMessage())


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fails the test for every warning in a log and for every exception that Python could only print; a test that expects one takes it."""
    heard: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: heard.append(f"unraisable: {report.exc_value!r}"))
    listener = _Listener(heard)
    logging.getLogger().addHandler(listener)
    yield heard
    gc.collect(1)
    logging.getLogger().removeHandler(listener)
    assert not heard


@pytest.fixture(params=RUNNERS)
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs an async function to its end, under each of the event loops that there are."""
    return runner(request.param)


@pytest.fixture(params=RUNNERS[:2])
def run_asyncio(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """As `run`, under asyncio only: with its own loop and with uvloop."""
    return runner(request.param)


def runner(name: str) -> Callable[..., Any]:
    if name == "uvloop" and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop has no wheel here")
    backend = "trio" if name == "trio" else "asyncio"
    options = {"use_uvloop": name == "uvloop"} if backend == "asyncio" else {}
    return functools.partial(anyio.run, backend=backend, backend_options=options)
