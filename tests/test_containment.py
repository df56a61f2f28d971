"""What is contained, and what is the application's own."""

import functools
import signal
import sys
import threading

import pytest

import spanbridge as sb
from spanbridge.containment import contain

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


class TimeIsUp(Exception):
    """As Celery's SoftTimeLimitExceeded."""


_raised = threading.Event()


def raise_time_is_up(_number, _frame):
    if not _raised.is_set():
        _raised.set()
        raise TimeIsUp


class Limit:
    def exceeded(self, _number, _frame):
        raise_time_is_up(_number, _frame)


@pytest.fixture(params=[raise_time_is_up, Limit().exceeded], ids=["function", "method"])
def on_signal(request):
    _raised.clear()
    before = signal.signal(signal.SIGUSR1, request.param)
    yield
    signal.signal(signal.SIGUSR1, before)


class Interrupting:
    """Sends the signal to who waits for it, again where it came just before the wait: then CPython looks at it when that is over."""

    name = "interrupting"

    def export(self, batch):
        pass

    def flush(self, _deadline):
        while not _raised.wait(0.05):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    shutdown = flush


@pytest.mark.parametrize("wait", [sb.Observability.flush, sb.Observability.shutdown])
def test_a_time_limit_ends_a_wait(wait, on_signal):
    """What a signal handler raises while the application waits for a flush or a shutdown reaches the application."""
    observability = sb.Observability(store=False, exporters=[Interrupting()])
    with observability.agent_run("x"):
        pass

    with pytest.raises(TimeIsUp):
        wait(observability, 60)
    observability.shutdown()


def test_a_time_limit_in_a_call(on_signal, contained_places):
    """So does what it raises in the middle of a call that contains everything else; the same from a sampler stays outside."""

    def sampler(_root):
        signal.raise_signal(signal.SIGUSR1)
        return True

    with sb.Observability(store=False, sampling=sampler) as observability, pytest.raises(TimeIsUp):
        observability.start_span("generic", "x")
    with sb.Observability(store=False, sampling=functools.partial(raise_time_is_up_later, None)) as observability:
        observability.start_span("generic", "x").end()
        assert observability.stats()["ignored"] == {"sampler_error": 1}
    assert contained_places() == {"sampler"}


def raise_time_is_up_later(_number, _frame):
    raise TimeIsUp


def test_on_another_thread_it_is_contained(on_signal, contained_places):
    """No handler runs there: an exporter that calls one by hand fails like any other."""
    failed = threading.Event()

    def on_thread():
        try:
            raise_time_is_up(None, None)
        except TimeIsUp as error:
            contain("on a thread", error)
        failed.set()

    threading.Thread(target=on_thread).start()
    assert failed.wait(10)
    assert contained_places() == {"on a thread"}
