import pytest

import spanbridge as sb
from spanbridge.tracing import clock

SECOND = 1_000_000_000


class Clocks:
    """A wall clock and a monotonic clock that stand still until they are set."""

    def __init__(self):
        self.wall = 1_700_000_000 * SECOND
        self.monotonic = 50 * SECOND

    def advance(self, ns):
        self.wall += ns
        self.monotonic += ns


@pytest.fixture
def clocks(monkeypatch):
    clocks = Clocks()
    monkeypatch.setattr(clock, "time_ns", lambda: clocks.wall)
    for module in ("spanbridge.tracing.clock", "spanbridge.tracing.active_span", "spanbridge.tracing.starting"):
        monkeypatch.setattr(f"{module}.perf_counter_ns", lambda: clocks.monotonic)
    monkeypatch.setattr(clock, "_offset_ns", clocks.wall - clocks.monotonic)
    return clocks


def test_times_are_nanoseconds_since_the_epoch(clocks, captured_spans):
    """A span starts at the wall clock's time and lasts as long as the monotonic clock says."""
    start = clocks.wall
    with sb.agent_run("a"):
        clocks.advance(7)

    (span,) = captured_spans.spans
    assert (span.started_at, span.ended_at) == (start, start + 7)


def test_a_step_of_the_wall_clock_within_a_trace(clocks, captured_spans):
    """A wall clock that is set back while a trace runs does not turn its times around."""
    start = clocks.wall
    with sb.agent_run("root"):
        clocks.advance(10)
        clocks.wall -= 3600 * SECOND
        with sb.tool_call("child"):
            clocks.advance(10)

    spans = {span.name: (span.started_at, span.ended_at) for span in captured_spans.spans}
    assert spans == {"root": (start, start + 20), "child": (start + 10, start + 20)}


@pytest.mark.parametrize("step", [3600 * SECOND, -3600 * SECOND])
def test_the_next_root_follows_the_wall_clock(step, clocks, captured_spans):
    """After a step of the wall clock, or a sleep of the machine, the next trace has the right time."""
    with sb.agent_run("a"):
        pass
    clocks.wall += step
    expected = clocks.wall
    with sb.agent_run("b"):
        pass

    assert {span.name: span.started_at for span in captured_spans.spans}["b"] == expected


def test_small_drift_is_left_alone(clocks):
    """Within a second the anchor stays: traces that follow each other do not jump."""
    before = clock.clock_offset_ns()
    clocks.wall += clock.MAX_DRIFT_NS

    assert clock.clock_offset_ns() == before
    assert clock.now_ns() == before + clocks.monotonic
