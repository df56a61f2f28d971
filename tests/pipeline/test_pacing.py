import os
import sys

import pytest

from spanbridge import pacing
from spanbridge.pacing import PAUSE_S, SHORT_TURN_S, SLICE_NS, Pace, awaited, short_turns
from spanbridge.processors import text_rule


@pytest.fixture
def interval():
    """The interpreter's own switch interval, put back after the test."""
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_short_turns_end_with_their_block(interval):
    """Inside, whoever waits gets the interpreter soon; afterwards, also after an error, as before."""
    with pytest.raises(KeyError), short_turns():
        inside = sys.getswitchinterval()
        raise KeyError

    assert inside == pytest.approx(SHORT_TURN_S)
    assert sys.getswitchinterval() == interval


def test_what_the_application_sets_stays(interval):
    """An interval that the application sets meanwhile, or had set shorter before, is left alone."""
    with short_turns():
        sys.setswitchinterval(0.002)
    meanwhile = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    with short_turns():
        inside = sys.getswitchinterval()

    assert meanwhile == pytest.approx(0.002)
    assert inside == pytest.approx(0.0001)


@pytest.fixture
def pauses(monkeypatch):
    """How long each pause was asked to be; the clock stands still until it is set."""
    clock = FakeClock()
    monkeypatch.setattr(pacing, "time", clock)
    return clock


class FakeClock:
    def __init__(self):
        self.now_ns = 0
        self.slept = []

    def perf_counter_ns(self):
        return self.now_ns

    def thread_time(self):
        return self.now_ns / 1e9

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now_ns += int(seconds * 1e9)


def test_each_slice_ends_with_a_pause(pauses):
    """Within a slice there is no pause; after it one, and then a new slice begins."""
    pace = Pace()
    within = pace.pause()
    pauses.now_ns += SLICE_NS
    after = pace.pause()
    begun = pace.pause()

    assert (within, after, begun) == (False, True, False)
    assert pauses.slept == [PAUSE_S]


def test_who_hurries_does_not_pause(pauses):
    """A backlog is worked off without pauses."""
    pace = Pace(hurries=True)
    pauses.now_ns += 10 * SLICE_NS

    assert not pace.pause()
    assert pauses.slept == []


def test_nobody_pauses_while_somebody_waits(pauses):
    """As long as one of several callers waits, in whatever order they leave."""
    pace = Pace()
    pauses.now_ns += 10 * SLICE_NS
    first, second = awaited(), awaited()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    one_left = pace.pause()
    second.__exit__(None, None, None)
    none_left = pace.pause()

    assert (one_left, none_left) == (False, True)


def test_redacting_pauses_for_nobody_while_somebody_waits(pauses, monkeypatch):
    """The budget of a dirty span stops as any background work does, and not under a flush."""
    monkeypatch.setattr(text_rule, "time", pauses)
    budget = text_rule.Budget(1.0)
    pauses.now_ns += 10 * SLICE_NS
    with awaited():
        budget.pause()
    under_a_flush = list(pauses.slept)
    pauses.now_ns += 10 * SLICE_NS
    budget.pause()

    assert (under_a_flush, len(pauses.slept)) == ([], 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_waits_for_nobody(pauses):
    """Whoever waited in the parent is not there in the child: its pipeline pauses as ever."""
    pace = Pace()
    pauses.now_ns += 10 * SLICE_NS
    with awaited():
        child = os.fork()
        if child == 0:
            os._exit(0 if pace.pause() else 1)
        _, status = os.waitpid(child, 0)

    assert status == 0
