"""Calls of others' code that may hang."""

import threading
import time
from collections.abc import Iterator

import pytest

from spanbridge.bounded_calls import BoundedCalls

NOW, LATER = 0.0, 60.0


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_done_in_time():
    """It says what the function says, which gets the deadline."""
    deadlines: list[float] = []
    deadline = time.monotonic() + LATER

    assert BoundedCalls(lambda deadline: deadlines.append(deadline) is None, "done")(deadline)
    assert not BoundedCalls(lambda deadline: False, "failed")(deadline)
    assert deadlines == [deadline]


def test_however_often_one_that_hangs_is_called(go_on: threading.Event):
    """It holds one thread; when it comes back the next call gets through."""
    hanging = BoundedCalls(lambda deadline: go_on.wait(60), "hangs")

    assert [hanging(time.monotonic() + NOW) for _ in range(5)] == [False] * 5
    assert [thread.name for thread in threading.enumerate()].count("hangs") == 1
    go_on.set()
    assert hanging(time.monotonic() + LATER)


def test_where_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch):
    """It is called here: at the interpreter's end nobody else can."""
    callers: list[threading.Thread] = []

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert BoundedCalls(lambda deadline: callers.append(threading.current_thread()) is None, "none")(NOW)
    assert callers == [threading.current_thread()]
