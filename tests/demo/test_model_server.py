import http.client
import json

import pytest

from spanbridge.demo.client import ServerError, post
from spanbridge.demo.model_server import MAX_BODY_BYTES, running_server
from spanbridge.demo.packages import TOOLS
from spanbridge.demo.policy import next_step


@pytest.fixture
def server():
    with running_server(report_key="the-key") as running:
        yield running


def ask(server, *messages, tools=TOOLS):
    return post(
        server.host, server.port, "/v1/chat/completions", {"model": "m", "messages": list(messages), "tools": tools}
    )


QUESTION = {"role": "user", "content": "Which installed distribution is the largest?"}


def test_a_reply_has_the_shape_of_a_chat_completion(server):
    """Choices, finish reason, tool calls with JSON arguments, and token counts that add up."""
    reply = ask(server, QUESTION)
    (choice,) = reply["choices"]
    (call,) = choice["message"]["tool_calls"]
    usage = reply["usage"]

    assert choice["finish_reason"] == "tool_calls"
    assert call["function"]["name"] == "query_packages"
    assert "size_bytes" in json.loads(call["function"]["arguments"])["sql"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert reply["model"].startswith("gpt-4o-mini")


def test_the_same_question_gets_the_same_reply(server):
    """The model is deterministic; a repeated prompt is cached in whole blocks."""
    first, second = ask(server, QUESTION), ask(server, QUESTION)

    assert (second["id"], second["choices"]) == (first["id"], first["choices"])
    assert first["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    cached = second["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert 0 < cached <= second["usage"]["prompt_tokens"]
    assert cached % 128 == 0


def test_tool_results_lead_to_an_answer(server):
    """What the tool said is what the answer says."""
    call = ask(server, QUESTION)["choices"][0]["message"]
    rows = [
        {"name": "big", "version": "1.0", "size_bytes": 2_000_000},
        {"name": "small", "version": "2", "size_bytes": 5_000},
    ]
    result = {"role": "tool", "tool_call_id": call["tool_calls"][0]["id"], "content": json.dumps(rows)}
    choice = ask(server, QUESTION, call, result)["choices"][0]

    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == "The largest is big 1.0 with 2.0 MB, followed by small 2 with 0.0 MB."


def test_a_model_without_tools_calls_none(server):
    """It says what it was not offered."""
    choice = ask(server, QUESTION, tools=[])["choices"][0]

    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == "I cannot answer that: I was not offered the tool query_packages."


@pytest.mark.parametrize("document", [{}, {"messages": "no list"}, {"messages": []}, {"messages": [{"role": "user"}]}])
def test_what_is_no_request_is_refused(server, document):
    """The server answers 400, and goes on."""
    with pytest.raises(ServerError, match="HTTP 400: not a chat completion request"):
        post(server.host, server.port, "/v1/chat/completions", document)

    assert ask(server, QUESTION)["choices"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", {}),
        (b"[]", {}),
        (b"", {}),
        (b"", {"Content-Length": "x"}),
        (b"", {"Content-Length": str(MAX_BODY_BYTES + 1)}),
    ],
)
def test_what_is_no_json_object_is_refused(server, body, headers):
    """A body that is empty, too long or something else gets 400."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    connection.request("POST", "/v1/chat/completions", body, headers)
    status = connection.getresponse().status
    connection.close()

    assert status == 400


@pytest.mark.parametrize(("error", "is_reported"), [(ConnectionResetError(), False), (ValueError("a fault"), True)])
def test_a_client_that_goes_away_is_no_error(server, capsys, error, is_reported):
    """Faults of the server are reported, a connection that was cut is not."""
    try:
        raise error
    except (ConnectionError, ValueError):
        server.handle_error(None, ("127.0.0.1", 1))

    assert (capsys.readouterr().err != "") is is_reported


def test_an_unknown_path(server):
    """There is nothing else."""
    with pytest.raises(ServerError, match="HTTP 404"):
        post(server.host, server.port, "/v1/embeddings", {"input": "x"})


def test_reports_need_the_key_and_a_second_try(server):
    """The wrong key is refused each time; with the right one the first try fails and the second does not."""
    right, wrong = {"Authorization": "Bearer the-key"}, {"Authorization": "Bearer another"}

    def send(headers):
        return post(server.host, server.port, "/reports", {"report": "text"}, headers)

    with pytest.raises(ServerError, match="HTTP 401"):
        send(wrong)
    with pytest.raises(ServerError, match="HTTP 503"):
        send(right)
    assert send(right) == {"report_id": "report-1", "characters": 4}
    assert server.reports == ["text"]


def test_a_question_of_another_kind():
    """Anything else is answered with what is installed in all."""
    question = {"role": "user", "content": "Hello?"}
    calls = next_step([question], TOOLS)
    results = [[{"distributions": 2, "files": 7, "size_bytes": 1_500_000}], ["a", "b"]]
    messages = [question, *({"role": "tool", "content": json.dumps(result)} for result in results)]

    assert [call.name for call in calls] == ["query_packages", "list_distributions"]
    assert next_step(messages, TOOLS) == "2 distributions with 7 files are installed, 1.5 MB in all: a, b, ..."


def test_a_tool_that_failed():
    """An error in place of rows is no reason to make something up."""
    messages = [QUESTION, {"role": "tool", "content": json.dumps({"error": "no such table"})}]

    assert next_step(messages, TOOLS) == "No distribution is installed."
