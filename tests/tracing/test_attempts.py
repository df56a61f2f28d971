"""Retries: one span per attempt under one parent, through the application's own loop and through tenacity."""

# ruff: noqa: RET503 - the last attempt returns or raises

from __future__ import annotations

import asyncio

import pytest
import tenacity

import spanbridge as sb
from spanbridge.testing import capture_spans

NO_WAIT = {"wait": tenacity.wait_none(), "stop": tenacity.stop_after_attempt(3)}


class Flaky:
    """Fails as often as it is told to."""

    def __init__(self, failures, error=TimeoutError):
        self.calls = 0
        self._failures = failures
        self._error = error

    def __call__(self):
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error(f"call {self.calls}")
        return "answer"

    async def later(self):
        """The same, asynchronously."""
        await asyncio.sleep(0)
        return self()


def own_loop(flaky):
    for attempt in sb.attempts(3):
        with attempt:
            return flaky()


def loop_that_catches(flaky):
    for attempt in sb.attempts():
        try:
            with attempt:
                return flaky()
        except TimeoutError:
            if flaky.calls == 3:
                raise


def tenacity_loop(flaky):
    for attempt in sb.attempts(tenacity.Retrying(reraise=True, **NO_WAIT)):
        with attempt:
            return flaky()


def tenacity_decorator(flaky):
    return sb.attempts(tenacity.Retrying(reraise=True, **NO_WAIT), name="attempt")(flaky.__call__)()


def own_decorator(flaky):
    return sb.attempts(3, name="attempt")(flaky.__call__)()


def async_loop(flaky):
    async def run():
        async for attempt in sb.attempts(tenacity.AsyncRetrying(reraise=True, **NO_WAIT)):
            with attempt:
                return await flaky.later()

    return asyncio.run(run())


def async_own_loop(flaky):
    async def run():
        async for attempt in sb.attempts(3):
            async with attempt:
                return await flaky.later()

    return asyncio.run(run())


def async_decorator(flaky):
    @sb.attempts(tenacity.AsyncRetrying(reraise=True, **NO_WAIT))
    async def attempt():
        return await flaky.later()

    return asyncio.run(attempt())


def async_own_decorator(flaky):
    @sb.attempts(3)
    async def attempt():
        return await flaky.later()

    return asyncio.run(attempt())


LOOPS = pytest.mark.parametrize(
    "loop",
    [
        own_loop,
        loop_that_catches,
        tenacity_loop,
        tenacity_decorator,
        own_decorator,
        async_loop,
        async_own_loop,
        async_decorator,
        async_own_decorator,
    ],
)


@LOOPS
def test_one_span_per_attempt(captured_spans, loop):
    """Side by side under the step, the last one ok; the step has no error."""
    with sb.workflow_step("step"):
        assert loop(Flaky(2)) == "answer"

    step, *attempts = captured_spans.spans
    assert (str(step.status), step.attributes["retry_count"]) == ("ok", 2)
    assert {span.parent_span_id for span in attempts} == {step.span_id}
    assert [span.attributes["attempt"] for span in attempts] == [1, 2, 3]
    assert [str(span.status) for span in attempts] == ["error", "error", "ok"]
    assert [span.attributes.get("retry_reason") for span in attempts] == [None, "TimeoutError", "TimeoutError"]
    assert [span.error and span.error["message"] for span in attempts] == ["call 1", "call 2", None]
    first, second, third = attempts
    assert "retry_delay_ms" not in first.attributes
    assert second.attributes["retry_delay_ms"] >= 0
    assert third.links == [{"trace_id": step.trace_id, "span_id": second.span_id, "type": "retry_of"}]


@LOOPS
def test_no_retry(captured_spans, loop):
    """One attempt, and the step says nothing of retries."""
    with sb.workflow_step("step"):
        assert loop(Flaky(0)) == "answer"

    step, attempt = captured_spans.spans
    assert "retry_count" not in step.attributes
    assert attempt.attributes["attempt"] == 1


@LOOPS
def test_all_fail(captured_spans, loop):
    """The last exception leaves the step, which is an error then."""
    with pytest.raises(TimeoutError, match="call 3"), sb.workflow_step("step"):
        loop(Flaky(9))

    step, *attempts = captured_spans.spans
    assert [str(span.status) for span in (step, *attempts)] == ["error"] * 4
    assert step.error["message"] == "call 3"


@LOOPS
def test_unconfigured(loop):
    """Without a configuration the loop works as it does with one."""
    assert loop(Flaky(2)) == "answer"
    with pytest.raises(TimeoutError, match="call 3"):
        loop(Flaky(9))


def test_retry_error(captured_spans):
    """Without `reraise` tenacity's RetryError is what leaves the step."""
    with pytest.raises(tenacity.RetryError), sb.workflow_step("step"):
        for attempt in sb.attempts(tenacity.Retrying(**NO_WAIT)):
            with attempt:
                Flaky(9)()
    with pytest.raises(tenacity.RetryError), sb.workflow_step("step"):
        sb.attempts(tenacity.Retrying(**NO_WAIT))(Flaky(9).__call__)()

    spans = captured_spans.spans
    assert [span.attributes.get("attempt") for span in spans] == [None, 1, 2, 3, None, 1, 2, 3]
    assert spans[0].error["type"] == "tenacity.RetryError"


def test_retries_because_of_a_result(captured_spans):
    """There is no exception to name."""
    answers = iter([None, None, "answer"])
    retrying = tenacity.Retrying(retry=tenacity.retry_if_result(lambda value: value is None), **NO_WAIT)
    assert sb.attempts(retrying)(lambda: next(answers))() == "answer"

    answers = iter([None, "answer"])
    for attempt in sb.attempts(retrying):
        with attempt:
            answer = next(answers)
        attempt.retry_state.set_result(answer)

    reasons = [span.attributes.get("retry_reason") for span in captured_spans.spans]
    assert reasons == [None, "result", "result", None, "result"]


def test_the_pause_is_measured(captured_spans):
    """From the end of one attempt to the start of the next, as tenacity slept."""
    slept = []
    retrying = tenacity.Retrying(
        wait=tenacity.wait_fixed(0.02), stop=tenacity.stop_after_attempt(2), after=slept.append
    )
    sb.attempts(retrying)(Flaky(1).__call__)()

    assert captured_spans.spans[1].attributes["retry_delay_ms"] >= 20
    assert len(slept) == 1


def test_exceptions_that_are_not_retried(captured_spans):
    """They leave at once; so does a cancellation."""
    with pytest.raises(TimeoutError):
        sb.attempts(3, retry_on=(ConnectionError,))(Flaky(1).__call__)()
    with pytest.raises(asyncio.CancelledError):
        sb.attempts(3)(Flaky(1, asyncio.CancelledError).__call__)()

    assert [str(span.status) for span in captured_spans.spans] == ["error", "cancelled"]


def test_type_name_and_options(captured_spans):
    """Attempts may be spans of any type, with what that type's opener takes."""
    for attempt in sb.attempts(2, type="tool_call", name="charge", input={"cents": 5}, tool_type="function"):
        with attempt as span:
            span.set(output="paid")

    (span,) = captured_spans.spans
    assert (str(span.type), span.name, span.input, span.output) == ("tool_call", "charge", {"cents": 5}, "paid")
    assert span.attributes == {"attempt": 1, "max_attempts": 2, "tool_type": "function"}


def test_inside_a_generator(captured_spans):
    """An attempt whose body yields is not the parent of what its consumer does."""

    def chunks():
        for attempt in sb.attempts(2):
            with attempt, sb.tool_call("inside"):
                yield 1

    with sb.agent_run("agent"):
        for _ in chunks():
            with sb.tool_call("outside"):
                pass

    captured_spans.assert_tree("""
        agent_run agent [ok]
          generic attempt 1 [ok]
            tool_call inside [ok]
          tool_call outside [ok]
    """)


def test_an_attempt_that_is_not_entered(captured_spans):
    """It is no reason for another."""
    assert [attempt.number for attempt in sb.attempts()] == [0]
    assert captured_spans.spans == []


def test_what_tenacity_tells_its_callbacks(captured_spans):
    """The function that is decorated, and the call's arguments; what a callback returns is the result."""
    seen = []

    def give_up(state):
        seen.append((state.fn.__name__, state.args, state.kwargs))
        return "default"

    @sb.attempts(tenacity.Retrying(retry_error_callback=give_up, **NO_WAIT))
    def fetch(order, *, fast):
        raise TimeoutError

    assert fetch(5, fast=True) == "default"
    assert seen == [("fetch", (5,), {"fast": True})]
    assert [span.name for span in captured_spans.spans] == ["fetch"] * 3


def test_links_of_one_s_own(captured_spans):
    """One, or several, as openers take them, beside the link to the attempt before."""
    with sb.tool_call("linked") as linked:
        pass
    for attempt in sb.attempts(2, links=linked):
        with attempt:
            if attempt.number == 1:
                raise TimeoutError

    _, first, second = captured_spans.spans
    ours = {"trace_id": linked.trace_id, "span_id": linked.span_id}
    assert first.links == [ours]
    assert second.links == [{"trace_id": first.trace_id, "span_id": first.span_id, "type": "retry_of"}, ours]


def test_two_loops_in_one_step(captured_spans):
    """Their retries add up."""
    with sb.workflow_step("step"):
        own_loop(Flaky(2))
        tenacity_loop(Flaky(1))

    assert captured_spans.spans[0].attributes["retry_count"] == 3


@pytest.mark.parametrize("retry_on", [[ValueError], "ValueError", ValueError("x"), (ValueError, 1), None])
def test_what_is_no_exception(retry_on):
    """Told where the loop is made, not where it fails."""
    with pytest.raises(sb.ConfigurationError, match="retry_on"):
        sb.attempts(3, retry_on=retry_on)


def test_generators_are_not_decorated():
    """A call of one fails nowhere."""
    with pytest.raises(sb.ConfigurationError, match="generator"):

        @sb.attempts(3)
        def items():
            yield 1


@pytest.mark.parametrize("source", [dict, [], {}])
def test_containers_decide_nothing(source):
    """They are refused too."""
    with pytest.raises(sb.ConfigurationError, match=r"attempts\("):
        sb.attempts(source)


@pytest.mark.parametrize("source", [0, -1, True, "3", 2.5, range(3), tenacity.retry])
def test_what_decides_nothing(source):
    """Refused, by its value."""
    with pytest.raises(sb.ConfigurationError, match=r"attempts\("):
        sb.attempts(source)


def test_sync_and_async_are_not_mixed():
    """Told where the function is decorated."""

    async def later():
        pass

    with pytest.raises(sb.ConfigurationError, match="AsyncRetrying"):
        sb.attempts(tenacity.Retrying())(later)
    with pytest.raises(sb.ConfigurationError, match="Retrying"):
        sb.attempts(tenacity.AsyncRetrying())(lambda: None)


def test_hidden_attempts():
    """Attempts of an excluded type leave their children under the step."""
    with capture_spans(exclude_span_types=["generic"]) as captured:
        with sb.workflow_step("step"):
            for attempt in sb.attempts(2):
                with attempt, sb.tool_call("tool"):
                    Flaky(0)()
        captured.assert_tree("""
            workflow_step step [ok]
              tool_call tool [ok]
        """)
