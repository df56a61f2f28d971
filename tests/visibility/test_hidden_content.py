"""Hidden input and output: absent from the bytes of every exit, with all that may quote them."""

from __future__ import annotations

import asyncio
import logging
import pickle

import pytest

import spanbridge as sb
from visibility.conftest import parents

TEXT = "Where does Ms Fern live"
"""What is to be hidden; it holds nothing that the filter would find."""


def test_hidden_text_leaves_nowhere(exits):
    """Not as input, and in no event, error, attribute or log of the span, nor of those that the exception passes."""
    exits.configure()
    with (
        pytest.raises(ValueError, match=TEXT),
        sb.agent_run("agent"),
        sb.tool_call("tool", input={"q": TEXT}, hide_input=True) as tool,
    ):
        tool.set(input=[TEXT], instructions=TEXT)
        tool.set(**{"gen_ai.input.messages": TEXT, "llm.input_messages.0.message.content": TEXT})
        tool.event("asked", {"text": TEXT})
        tool.set(output="a small answer")
        raise ValueError(f"cannot answer {TEXT!r}")
    seen = exits.read()

    for spans in (seen.store, seen.memory):
        agent, tool = spans["agent"], spans["tool"]
        assert (tool.input, tool.output, tool.attributes["hidden"]) == (None, "a small answer", ["input"])
        assert tool.error["type"] == agent.error["type"] == "ValueError"
        assert tool.error["message"] == agent.error["message"] == "[hidden]"
        assert "test_hidden_content.py" in tool.error["stack"]
        assert [event["name"] for event in tool.events] == ["asked"]
    assert parents(seen.jsonl) == {"agent": None, "tool": "agent"}
    assert TEXT.encode() not in exits.all_bytes()


def test_hidden_output(exits):
    """What a span gives back, by `set`, `end`, a decorator or a stream."""
    exits.configure()
    with sb.model_generation(model="m", input="a question", hide_output=True) as generation:
        for _ in generation.stream(iter([TEXT])):
            pass
        generation.set(output=TEXT, **{"gen_ai.output.messages": [TEXT]})
    sb.start_span("tool_call", "by hand", output=TEXT, hide_output=True).end(output=TEXT)

    @sb.tool_call(hide_output=True)
    def decorated(question):
        return TEXT

    @sb.tool_call(hide_output=True)
    def generator():
        yield TEXT

    decorated("a question")
    list(generator())
    seen = exits.read()

    assert seen.store["chat m"].input == "a question"
    assert seen.store["decorated"].input == {"question": "a question"}
    assert {str(span.attributes["hidden"]) for span in seen.store.values()} == {"['output']"}
    assert TEXT.encode() not in exits.all_bytes()


def test_for_the_rest_of_a_trace(exits):
    """`"trace"` holds for the span, and for all that start in its trace after it; other traces are not concerned."""
    exits.configure()
    with sb.agent_run("before", input="seen"), sb.tool_call("switch", input=TEXT, hide_input="trace"):
        with sb.model_generation(model="m", input=TEXT):
            pass
        asyncio.run(ask())
    with sb.agent_run("other trace", input="seen too"):
        pass
    seen = exits.read()

    inputs = {name: span.input for name, span in seen.store.items()}
    assert inputs == {"before": "seen", "switch": None, "chat m": None, "in a task": None, "other trace": "seen too"}
    assert TEXT.encode() not in exits.all_bytes()


async def ask():
    """A span in a task of the same trace."""
    with sb.tool_call("in a task", input=TEXT):
        pass


@pytest.mark.parametrize("setting", ["hide_input", "hide_output"])
def test_by_configuration(exits, setting):
    """For all spans."""
    exits.configure(**{setting: True})
    with sb.agent_run("agent") as agent, sb.tool_call("tool", **{setting.removeprefix("hide_"): TEXT}):
        agent.set(**{setting.removeprefix("hide_"): TEXT})
        agent.event("said", {"text": TEXT})
    seen = exits.read()

    assert all(span.attributes["hidden"] == [setting.removeprefix("hide_")] for span in seen.store.values())
    assert TEXT.encode() not in exits.all_bytes()


def test_an_exception_that_was_caused_by_a_hidden_one(captured_spans):
    """The one that is raised from it may quote it; one that has nothing to do with it keeps its message."""
    with pytest.raises(RuntimeError), sb.agent_run("agent"):
        try:
            with sb.tool_call("tool", hide_input=True):
                raise ValueError(TEXT)
        except ValueError as error:
            raise RuntimeError(f"failed: {error}") from error
    with pytest.raises(RuntimeError), sb.agent_run("another"):
        raise RuntimeError("something else")

    agent, _, another = captured_spans.spans
    assert agent.error["message"] == "[hidden]"
    assert [cause["message"] for cause in agent.error["causes"]] == ["[hidden]"]
    assert another.error["message"] == "something else"


def test_recorded_errors(captured_spans):
    """`span.error` with an exception and with a text."""
    with sb.tool_call("tool", hide_output=True) as tool:
        tool.error(ValueError(TEXT))
        tool.error(TEXT)

    assert captured_spans.spans[0].error == {"type": "Error", "message": "[hidden]"}


def test_the_exception_is_the_application_s(captured_spans):
    """It is raised as it was, and tells the application all that it knows."""
    error = ValueError(TEXT)
    with pytest.raises(ValueError) as caught, sb.tool_call("tool", hide_input=True):
        raise error

    assert caught.value is error
    assert str(error) == TEXT
    assert error.args == (TEXT,)


def raised_from_none(error):
    raise RuntimeError(f"failed: {error}") from None


def raised_from(error):
    raise RuntimeError(f"failed: {error}") from error


def raised_often(error):
    for number in range(20):
        try:
            raise RuntimeError(f"{number} failed: {error}")
        except RuntimeError as failure:
            error = failure
    raise error


def raised_after_pickling(error):
    wrapped = RuntimeError(f"failed: {error}")
    wrapped.__cause__ = error
    with pytest.raises(RuntimeError), sb.agent_run("between"):
        raise wrapped
    raise pickle.loads(pickle.dumps(wrapped))


class ManyErrorsExceptionGroup(Exception):
    """As the package `exceptiongroup` makes them."""

    def __init__(self, message, exceptions):
        super().__init__(message)
        self.exceptions = exceptions


def raised_in_a_group(error):
    raise ManyErrorsExceptionGroup(f"failed: {error}", (ValueError("another"), error))


@pytest.mark.parametrize(
    "raise_again", [raised_from_none, raised_from, raised_often, raised_after_pickling, raised_in_a_group]
)
def test_exceptions_that_quote_a_hidden_one(captured_spans, raise_again):
    """However they came about."""
    with pytest.raises(Exception, match=TEXT), sb.agent_run("agent"):
        try:
            with sb.tool_call("tool", hide_input=True):
                raise ValueError(TEXT)
        except ValueError as error:
            raise_again(error)

    assert TEXT.encode() not in b"".join(span.document for span in captured_spans.spans)


def test_attempts_of_a_step_that_hides(captured_spans):
    """Their exceptions quote the same."""
    with pytest.raises(ValueError, match=TEXT), sb.workflow_step("step", input=TEXT, hide_input=True):
        for attempt in sb.attempts(2):
            with attempt:
                raise ValueError(TEXT)

    assert [span.error["message"] for span in captured_spans.spans] == ["[hidden]"] * 3


def test_an_internal_span_in_one_that_hides(captured_spans):
    """What is told of the internal one is told of the one that hides."""
    sb.instrument_logging()
    with sb.tool_call("tool", input=TEXT, hide_input=True), sb.workflow_run("inner", internal=True):
        logging.getLogger("app").warning(TEXT)
    sb.uninstrument_logging()

    (tool,) = captured_spans.spans
    assert [event["attributes"]["message"] for event in tool.events] == ["[hidden]"]


def test_attributes_that_may_quote(captured_spans):
    """Those of the type that hold no content stay, and numbers; others go, whatever dialect they are of."""
    with sb.model_generation(model="m", temperature=0.5, hide_input=True, instructions_used=3) as generation:
        generation.set(provider="openai", finish_reason="stop", usage=sb.Usage(1, 2), ratio=0.5, cached=True)
        generation.set(**{"pydantic_ai.all_messages": TEXT, "x": {"deep": TEXT}, "y": [TEXT], "z": TEXT})

    (span,) = captured_spans.spans
    assert span.attributes.keys() == {
        "cached", "cost_context", "finish_reason", "hidden", "instructions_used", "model", "provider", "ratio", "temperature", "usage"
    }  # fmt: skip


@pytest.mark.parametrize("change", ["set", "end"])
def test_hidden_afterwards(captured_spans, change):
    """What was recorded before is taken back."""
    span = sb.start_span("tool_call", "tool", input=TEXT, output=TEXT, quoted=TEXT, count=1)
    span.event("asked", {"text": TEXT})
    span.error(ValueError(TEXT))
    getattr(span, change)(hide_input=True, hide_output=True, input=TEXT, output=TEXT, again=TEXT)
    span.end()

    (record,) = captured_spans.spans
    assert (record.input, record.output, record.error["message"]) == (None, None, "[hidden]")
    assert record.attributes == {"count": 1, "hidden": ["input", "output"]}
    assert TEXT.encode() not in record.document


def test_a_word_that_is_misspelt(captured_spans):
    """What may have been meant to be hidden is, and the fault is counted."""
    with sb.agent_run("agent", input=TEXT, hide_input="Trace"), sb.tool_call("tool", input=TEXT):
        pass

    assert [span.input for span in captured_spans.spans] == [None, None]
    assert sb.stats()["ignored"] == {"invalid_hide_input": 1}


def test_the_same_trace_under_another_local_root(captured_spans):
    """As where two requests of one trace reach this process."""
    incoming = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with sb.extract(incoming), sb.agent_run("first", input=TEXT, hide_input="trace"):
        pass
    with sb.extract(incoming), sb.agent_run("second", input=TEXT):
        pass
    with sb.agent_run("another trace", input=TEXT):
        pass

    assert [span.input for span in captured_spans.spans] == [None, None, TEXT]


async def test_an_exception_as_a_value(captured_spans):
    """As `asyncio.gather(..., return_exceptions=True)` gives it to the next step."""

    async def tool():
        with sb.tool_call("tool", hide_input=True):
            raise ValueError(TEXT)

    with sb.agent_run("agent") as agent:
        (error,) = await asyncio.gather(tool(), return_exceptions=True)
        agent.set(output=[error], metadata={"error": error})
        agent.event("failed", {"error": error})
        with sb.model_generation(model="m", input=[{"role": "tool", "content": error}]):
            pass

    agent, *_ = captured_spans.spans
    assert agent.output == [{"type": "ValueError", "message": "[hidden]"}]
    assert TEXT.encode() not in b"".join(span.document for span in captured_spans.spans)
