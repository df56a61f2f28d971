"""A forked child finds nothing in the middle: what other threads are at is done first."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forking import in_child, needs_fork, until_a_fork_waits
from spanbridge import forks
from spanbridge.storage.sqlite import SQLiteStore
from spanbridge.storage.sqlite_writer import BatchWriter
from storage.contract import span

IMPORTING = """
import os, sys, threading, types, warnings
warnings.simplefilter("ignore")
import spanbridge as sb
from spanbridge import forks

begun, go_on = threading.Event(), threading.Event()
sys.modules["gate"] = types.SimpleNamespace(begun=begun, go_on=go_on)

def importing(record):
    import imported_late
    return record

def go_on_when_a_fork_waits():
    while not forks.is_waiting():
        pass
    go_on.set()

sb.configure(store=False, processors=[importing], exporters=["memory"])
with sb.tool_call("parent"):
    pass
assert begun.wait(60)
threading.Thread(target=go_on_when_a_fork_waits).start()
child = os.fork()
with sb.tool_call("after"):
    pass
assert sb.flush(20)
if child == 0:
    print(sb.stats()["exporters"]["memory"]["delivered"], flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""

FORKING_THREADS = """
import os, signal, sys, threading, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from spanbridge.storage.sqlite import SQLiteStore
from storage.contract import span

store = SQLiteStore(Path(sys.argv[1]), create=True)
enough = threading.Event()
exits = []

def write():
    while not enough.is_set():
        store.write([span(1)])

def fork():
    for _ in range(10):
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            store.write([span(os.getpid())])
            os._exit(0)
        exits.append(os.waitpid(child, 0)[1])

writer, *forkers = threads = [threading.Thread(target=target) for target in (write, fork, fork, fork)]
for thread in threads:
    thread.start()
for thread in forkers:
    thread.join()
enough.set()
writer.join()
print(exits.count(0), "of", len(exits))
"""


@needs_fork
def test_an_import_in_the_background_is_done_before_a_fork():
    """Its module's lock would stay taken in the child: the pipeline there would wait for it for ever."""
    Path("imported_late.py").write_text("import gate\ngate.begun.set()\ngate.go_on.wait()\n")

    done = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    """A store that holds a span."""
    with SQLiteStore(tmp_path / "traces.db", create=True) as store:
        store.write([span(1)])
        yield store


def writes_in_child(store: SQLiteStore) -> bool:
    return in_child(lambda: store.write([span(os.getpid() % 1000 + 10, parent=1)]) is None)


@needs_fork
def test_a_store_lets_a_fork_go_first(monkeypatch: pytest.MonkeyPatch, store: SQLiteStore):
    """Its thread takes the lock again as soon as it has given it back; a fork would wait in vain, and the child be cut off."""
    write = BatchWriter.write

    def write_when_none_waits(writer: BatchWriter, batch: Any) -> None:
        while forks.is_waiting():
            pass
        write(writer, batch)

    def work() -> None:
        with store._write_lock:
            until_a_fork_waits()
        store.write([span(2, parent=1)])

    monkeypatch.setattr(BatchWriter, "write", write_when_none_waits)
    monkeypatch.setattr(forks, "FORK_WAIT_S", 20)
    thread = threading.Thread(target=work)
    thread.start()

    assert writes_in_child(store)
    thread.join()


@needs_fork
def test_other_threads_take_short_turns_while_a_fork_waits(store: SQLiteStore):
    """A store beside threads that compute waits for the interpreter after each row, and the fork for the store."""
    before = sys.getswitchinterval()
    intervals: list[float] = []

    def work() -> None:
        with store._write_lock:
            until_a_fork_waits()
            while sys.getswitchinterval() == before:
                pass
            intervals.append(sys.getswitchinterval())

    thread = threading.Thread(target=work)
    thread.start()

    assert writes_in_child(store)
    thread.join()
    assert intervals[0] < before == sys.getswitchinterval()


@needs_fork
def test_forks_of_several_threads_at_once(tmp_path: Path):
    """None gives back what another one holds. In a program of its own: not every package's hooks bear such forks."""
    program = [sys.executable, "-c", FORKING_THREADS, str(tmp_path / "traces.db")]

    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}

    done = subprocess.run(program, capture_output=True, text=True, check=False, env=environment)

    assert (done.stdout, done.stderr, done.returncode) == ("30 of 30\n", "", 0)
