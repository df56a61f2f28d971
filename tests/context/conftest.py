"""Nothing may be heard of a trace: no log line, no unraisable exception, no word from an event loop."""

from __future__ import annotations

import gc
import importlib.util
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNNERS = ["asyncio", "uvloop", "trio"]


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Fails the test for every log line and for every exception that Python could only print; a test that expects one clears the list."""
    heard: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: heard.append(f"unraisable: {report.exc_value!r}"))
    with caplog.at_level(logging.INFO):
        yield heard
        gc.collect()
    heard += [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.INFO]
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
    if name == "trio":
        import trio

        return trio.run
    import asyncio

    if name == "uvloop":
        if importlib.util.find_spec("uvloop") is None:
            pytest.skip("uvloop has no wheel here")
        import uvloop

        new_loop: Any = uvloop.new_event_loop
    else:
        new_loop = asyncio.new_event_loop

    def run(function: Any, *args: Any) -> Any:
        # asyncio.Runner is newer than Python 3.10.
        loop = new_loop()
        try:
            return loop.run_until_complete(function(*args))
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    return run
