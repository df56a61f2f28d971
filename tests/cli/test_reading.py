import contextlib
import io
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from rich.console import Console

import spanbridge as sb
from spanbridge.cli.traces import _table as traces_table

from .conftest import command

HOUR_NS = 3_600_000_000_000


def documents(text: str) -> list:
    """The JSON documents of a text, one after the other; fails where anything else is in it."""
    decoder = json.JSONDecoder()
    found = []
    text = text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


@pytest.fixture
def three_traces(recorded, tmp_path) -> str:
    """A store with three traces that differ in everything that can be filtered by."""
    address = f"sqlite:///{tmp_path}/three.db"
    now = time.time_ns()
    with recorded(address) as tracing:
        with tracing.agent_run(
            "cheap", trace_id="a1a1" * 8, session_id="s1", user_id="u1", tags=["red", "blue"]
        ) as run:
            with tracing.model_generation(model="gpt-4o-mini", provider="openai") as generation:
                generation.set(usage=sb.Usage(input_tokens=10, output_tokens=5))
            run.set(output="fine")
        with tracing.workflow_run("dear", trace_id="b2" * 16, tags=["red"]) as run:
            with tracing.model_generation(model="gpt-4o", provider="openai") as generation:
                generation.set(usage=sb.Usage(input_tokens=100_000, output_tokens=50_000))
            run.error(ValueError("no luck"))
        old = tracing.start_span("tool_call", "old", trace_id="a1a1b2b2" * 4, start_time=now - 3 * HOUR_NS)
        old.end(end_time=now - 2 * HOUR_NS)
    return address


@pytest.mark.parametrize(
    "arguments",
    [["traces"], ["show", "--last"], ["stats"], ["doctor"], ["scan"], ["tail", "--all", "--count", "1"]],
    ids=lambda arguments: arguments[0],
)
def test_json_is_one_document(cli, demo_store, arguments):
    """With --json every reading command prints one JSON document and nothing else."""
    result = cli(*arguments, "--store", demo_store, "--json")

    assert result.exit_code == 0
    assert len(documents(result.stdout)) == 1


def test_every_reading_command_is_covered(cli):
    """A command that takes --json stands in the test above; `media` and `redact` in tests of their own."""
    commands = [line.split()[0] for line in cli("--help").stdout.partition("Commands:")[2].splitlines() if line.strip()]

    assert [name for name in commands if "--json" in cli(name, "--help").stdout] == [
        "traces",
        "show",
        "media",
        "tail",
        "stats",
        "doctor",
        "redact",
        "scan",
    ]


def test_show_json_has_the_fields_of_a_span(cli, demo_store):
    """A trace is its id and its spans, each under the names that a span has in Python."""
    (shown,) = documents(cli("show", "--last", "--json", "--store", demo_store).stdout)
    with sb.open_store(demo_store) as store:
        trace = store.get_trace(shown["trace_id"])

    assert shown == {"trace_id": trace.trace_id, "spans": [span.to_dict() for span in trace.spans]}


def test_traces_json_is_the_page(cli, demo_store):
    """The list has the summaries that the store gives."""
    with sb.open_store(demo_store) as store:
        page = [trace.to_dict() for trace in store.list_traces()]

    assert documents(cli("traces", "--json", "--store", demo_store).stdout) == [page]


def test_show_takes_the_beginning_of_an_id(cli, three_traces):
    """The first characters are enough where they fit one trace, in either case."""
    (shown,) = documents(cli("show", "B2B2", "--json", "--store", three_traces).stdout)

    assert shown["trace_id"] == "b2" * 16


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("a1a", "trace id 'a1a': give its first 4 hexadecimal characters or more"),
        ("a1a1", f"trace id 'a1a1' fits several traces ({'a1a1' * 8}, {'a1a1b2b2' * 4}, ...): give more characters"),
        ("ffff", "holds no trace whose id begins with 'ffff'"),
    ],
)
def test_show_of_a_beginning_that_is_not_enough(cli, three_traces, prefix, message):
    """The error says whether it is too short, fits several traces, or none."""
    result = cli("show", prefix, "--store", three_traces)

    assert result.exit_code == 1
    assert result.stderr.endswith(f"{message}\n")
    assert len(result.stderr.splitlines()) == 1


def test_show_prints_the_tree(cli, demo_store):
    """People see each span's type, name, duration, tokens, cost and status, and the beginnings of what it holds."""
    result = cli("show", "--last", "--store", demo_store)
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert lines[0].startswith("trace ")
    assert any(line.startswith("workflow inventory  ") and line.endswith("ok") for line in lines)
    assert any(" model chat gpt-4o-mini  " in line and " in " in line and "  $0.0" in line for line in lines)
    assert any(
        "tool publish_report  " in line and "  error spanbridge.demo.client.ServerError" in line for line in lines
    )
    assert any("error HTTP 503: the place for reports is being prepared" in line for line in lines)
    assert any('in  {"sql": "SELECT name, version, size_bytes' in line for line in lines)
    assert any("out The largest is " in line for line in lines)
    assert any('event attempt failed {"will_retry": true}' in line for line in lines)


def test_show_span_prints_it_whole(cli, demo_store):
    """One span comes with everything that it holds; its id may be shortened."""
    (trace,) = documents(cli("show", "--last", "--json", "--store", demo_store).stdout)
    span = next(span for span in trace["spans"] if span["name"] == "publish_report")
    text = cli("show", trace["trace_id"], "--span", span["span_id"][:12], "--store", demo_store).stdout
    (document,) = documents(cli("show", "--last", "--span", span["span_id"], "--json", "--store", demo_store).stdout)

    assert document == span
    assert f"span_id {span['span_id']}\n" in text
    assert '    "api_key": "[REDACTED]",\n' in text
    assert "spanbridge.demo.client.ServerError: HTTP 503" in text


def test_show_of_an_unknown_span(cli, demo_store):
    """The error says where the ids are."""
    result = cli("show", "--last", "--span", "xyz", "--store", demo_store)

    assert result.exit_code == 1
    assert "has no span whose id begins with 'xyz'" in result.stderr
    assert "--ids` gives the ids" in result.stderr


def test_show_prints_ids_where_they_are_wanted(cli, demo_store):
    """With --ids each span's line begins with the id that --span takes."""
    (trace,) = documents(cli("show", "--last", "--json", "--store", demo_store).stdout)
    plain = cli("show", "--last", "--store", demo_store).stdout
    with_ids = cli("show", "--last", "--ids", "--store", demo_store).stdout

    assert all(span["span_id"] not in plain for span in trace["spans"])
    assert all(f"{span['span_id']}  " in with_ids for span in trace["spans"])


@pytest.fixture
def failed_trace(recorded, tmp_path) -> str:
    """A store with a trace whose root failed: an error with a stack, behind it two others."""
    address = f"sqlite:///{tmp_path}/failed.db"

    def charge() -> None:
        try:
            raise KeyError("account")
        except KeyError as error:
            raise ValueError("no such account") from error

    with recorded(address) as tracing, contextlib.suppress(RuntimeError), tracing.tool_call("charge"):
        try:
            charge()
        except ValueError:
            raise RuntimeError("the charge failed")  # noqa: B904 - its context is what is tested
    return address


def test_show_prints_what_is_behind_an_error(cli, failed_trace):
    """Below an error stand those that led to it, the nearest first."""
    lines = [line.strip() for line in cli("show", "--last", "--store", failed_trace).stdout.splitlines()]

    assert lines[2:] == [
        "error the charge failed",
        "context ValueError: no such account",
        "cause KeyError: 'account'",
    ]


def test_show_span_prints_the_stack(cli, failed_trace):
    """One span's error is printed as Python prints it, line by line."""
    (trace,) = documents(cli("show", "--last", "--json", "--store", failed_trace).stdout)
    (span,) = trace["spans"]
    text = cli("show", "--last", "--span", span["span_id"], "--store", failed_trace).stdout
    lines = text.partition("\nerror\n")[2].splitlines()

    assert lines[0] == "  Traceback (most recent call last):"
    assert lines[1].startswith(f'    File "{__file__}", line ')
    assert [lines[number] for number in (3, 4, 5)] == [
        "  RuntimeError: the charge failed",
        "  context ValueError: no such account",
        "  cause KeyError: 'account'",
    ]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], ["dear", "cheap", "old"]),
        (["--status", "error"], ["dear"]),
        (["--type", "agent_run"], ["cheap"]),
        (["--name", "old"], ["old"]),
        (["--session", "s1"], ["cheap"]),
        (["--user", "u1"], ["cheap"]),
        (["--tag", "red"], ["dear", "cheap"]),
        (["--tag", "red", "--tag", "blue"], ["cheap"]),
        (["--environment", "test"], ["dear", "cheap", "old"]),
        (["--environment", "other"], []),
        (["--model", "gpt-4o"], ["dear"]),
        (["--errors"], ["dear"]),
        (["--min-duration", "3599"], ["old"]),
        (["--min-tokens", "16"], ["dear"]),
        (["--min-cost", "0.1"], ["dear"]),
        (["--since", "1h"], ["dear", "cheap"]),
        (["--since", "1w"], ["dear", "cheap", "old"]),
        (["--order", "-cost", "--limit", "2"], ["dear", "cheap"]),
        (["--order", "started_at"], ["old", "cheap", "dear"]),
    ],
    ids=" ".join,
)
def test_traces_are_filtered(cli, three_traces, filters, names):
    """Each option leaves the traces that fit it, in the order that was asked for."""
    result = cli("traces", "--json", "--store", three_traces, *filters)

    assert [trace["name"] for trace in json.loads(result.stdout)] == names


def test_traces_go_on_where_a_list_ended(cli, three_traces):
    """A list that was cut says how to go on, beside the output; the last one does not."""
    first = cli("traces", "--limit", "2", "--store", three_traces, "--json")
    more, _, cursor = first.stderr.strip().partition(" --cursor ")
    rest = cli("traces", "--cursor", cursor, "--store", three_traces, "--json")

    assert more == "There are more:"
    assert [trace["name"] for trace in json.loads(first.stdout) + json.loads(rest.stdout)] == [
        "dear",
        "cheap",
        "old",
    ]
    assert rest.stderr == ""


def test_traces_prints_a_table(cli, three_traces):
    """People see one line for each trace, with the id that `show` takes."""
    lines = cli("traces", "--store", three_traces).stdout.splitlines()

    assert lines[0].split() == [
        "started",
        "trace",
        "type",
        "name",
        "status",
        "duration",
        "spans",
        "errors",
        "tokens",
        "cost",
        "session",
    ]
    assert lines[1].split()[2:6] == ["b2b2b2b2b2b2", "workflow_run", "dear", "error"]
    assert lines[2].split()[2:6] == ["a1a1a1a1a1a1", "agent_run", "cheap", "ok"]
    assert lines[2].split()[-1] == "s1"
    assert "1h00m" in lines[3]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (200, "started trace type name status duration spans errors tokens cost session"),
        (104, "started trace type name status duration spans tokens cost"),
        (90, "started trace type name status duration tokens"),
        (75, "started trace type name status duration"),
        (65, "started trace type name status"),
        (60, "trace type name status"),
        (35, "trace type name status"),
    ],
)
def test_a_narrow_terminal_loses_the_less_important(three_traces, width, columns):
    """Columns go before a name or a type is cut short."""
    with sb.open_store(three_traces) as store:
        page = store.list_traces()
    console = Console(width=width, file=io.StringIO())
    console.print(traces_table(page, width))
    lines = console.file.getvalue().splitlines()

    assert lines[0].split() == columns.split()
    assert max(map(len, lines)) <= width
    assert width < 60 or {"workflow_run", "dear", "error"} <= set(lines[1].split())


def test_stats_sums_up(cli, three_traces):
    """The store's totals, and its traces by status, type and model."""
    summary = json.loads(cli("stats", "--json", "--store", three_traces).stdout)
    text = cli("stats", "--store", three_traces).stdout

    assert (summary["traces"], summary["spans"], summary["error_count"]) == (3, 5, 1)
    assert summary["traces_by_status"] == {"error": 1, "ok": 2}
    assert summary["traces_by_type"] == {"workflow_run": 1, "agent_run": 1, "tool_call": 1}
    assert summary["traces_by_model"] == {"gpt-4o": 1, "gpt-4o-mini": 1}
    assert (summary["input_tokens"], summary["output_tokens"]) == (100_010, 50_005)
    assert summary["size_bytes"] > 0
    assert "input tokens      100,010" in text


def test_an_empty_store(cli, tmp_path):
    """A list is empty; what needs a trace says how to get one."""
    address = f"sqlite:///{tmp_path}/empty.db"
    with sb.open_store(address, create=True) as store:
        store.write([])

    assert cli("traces", "--json", "--store", address).stdout == "[]\n"
    assert cli("traces", "--store", address).stderr == "No traces.\n"
    assert json.loads(cli("stats", "--json", "--store", address).stdout)["traces"] == 0
    result = cli("show", "--last", "--store", address)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: the store holds no traces yet: run an application that is traced with it (`spanbridge demo` does)\n"
    )


@pytest.mark.parametrize(
    "arguments", [["traces"], ["show", "--last"], ["show", "abcd"], ["tail"], ["stats"]], ids=" ".join
)
def test_a_missing_store(cli, tmp_path, arguments):
    """One line says what is missing and how to get it; nothing is created."""
    result = cli(*arguments, "--store", f"sqlite:///{tmp_path}/none.db", "--json")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"Error: there is no store at {tmp_path}/none.db: run an application that is traced with this store first "
        "(`spanbridge demo` does), or name another file\n"
    )
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["show", "abcd", "--last"],
        ["traces", "--since", "yesterday"],
        ["traces", "--limit", "0"],
        ["traces", "--status", "fine"],
        ["traces", "--order", "name"],
        ["tail", "--count", "0"],
        ["demo", "--questions", "99"],
        ["demo", "--secret", " "],
        ["demo", "--secret", "\udcff"],
        ["fly"],
    ],
    ids=lambda arguments: ascii(" ".join(arguments)),
)
def test_a_wrong_command_line(cli, arguments):
    """Exit code 2, and nothing on standard output."""
    result = cli(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr


def test_the_configured_store_is_read(cli, three_traces, monkeypatch):
    """Without --store the configuration says which one."""
    monkeypatch.setenv("SPANBRIDGE_STORE", three_traces)

    assert len(json.loads(cli("traces", "--json").stdout)) == 3


def test_the_default_store_is_read(cli):
    """Where nothing is configured it is the file in the user's state folder."""
    with sb.Observability() as tracing, tracing.agent_run("here"):
        pass

    assert [trace["name"] for trace in json.loads(cli("traces", "--json").stdout)] == ["here"]


def test_a_store_that_is_switched_off(cli, monkeypatch):
    """The error names who switched it off, and the option that helps."""
    monkeypatch.setenv("SPANBRIDGE_STORE", "off")
    result = cli("traces")

    assert result.exit_code == 1
    assert result.stderr == (
        "Error: the store is switched off (environment variable SPANBRIDGE_STORE): name the one that you mean with --store\n"
    )


def test_a_named_store_needs_no_configuration(cli, three_traces, monkeypatch):
    """A configuration that is wrong stops nobody who names the store."""
    monkeypatch.setenv("SPANBRIDGE_NONSENSE", "1")

    assert cli("traces", "--store", three_traces).exit_code == 0
    assert cli("traces").stderr.startswith("Error: Unknown setting SPANBRIDGE_NONSENSE")


HOSTILE = {
    "colour": "a\x1b[31mred",
    "title": "a\x1b]0;title\x07",
    "link": "a\x1b]8;;https://example.com\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "a\x1b]52;c;aGk=\x07",
    "c1": "a\x9b2Jb\x85c",
    "bidi": "abc\u202edef\u2066ghi\u2069",
    "line": "first\r\nsecond\u2028third",
    "delete": "a\x7fb",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_content_is_neutralised(cli, recorded, tmp_path, text):
    """What a trace holds never reaches a terminal as a control sequence, in no command; JSON still holds it."""
    address = f"sqlite:///{tmp_path}/hostile.db"
    with (
        recorded(address) as tracing,
        tracing.tool_call(text, input={text: text}, session_id=text, tags=[text], metadata={text: text}) as tool,
    ):
        tool.event(text, {text: text})
        tool.set(output=text)
        tool.error(ValueError(text))
    commands = (["traces"], ["show", "--last"], ["stats"], ["tail", "--all", "--count", "1"])
    (span,) = json.loads(cli("show", "--last", "--json", "--store", address).stdout)["spans"]
    one_span = cli("show", "--last", "--span", span["span_id"], "--store", address)
    results = [cli(*arguments, *option, "--store", address) for arguments in commands for option in ([], ["--json"])]

    assert span["output"] == text
    for result in (*results, one_span):
        assert result.exit_code == 0
        assert not set(result.stdout) & set("\x07\x1b\x7f\x85\x9b\r\u2028\u202e\u2066\u2069")


def test_a_hostile_argument_is_neutralised(cli):
    """Neither does what was typed, where an error quotes it."""
    result = cli("traces", "--store", "evil\x1b[31m")

    assert result.exit_code == 1
    assert "\x1b" not in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="SIGINT ends a process on POSIX only")
def test_tail_follows_what_is_written(recorded, tmp_path):
    """Spans appear as they are written, one JSON line each; an interrupt ends it without a word."""
    address = f"sqlite:///{tmp_path}/followed.db"
    with recorded(address) as tracing:
        with tracing.generic("before"):
            pass
        tracing.flush()
        with subprocess.Popen(
            command("tail", "--json", "--store", address), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            started = process.stderr.readline()
            with tracing.generic("after"):
                pass
            tracing.flush()
            line = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read() + process.stderr.read()

    assert started == "Following new spans; Ctrl-C ends.\n"
    assert json.loads(line)["name"] == "after"
    assert (process.returncode, rest) == (0, "")


def test_tail_ends_after_count(cli, three_traces):
    """--count N prints N spans, in the order of their writing."""
    result = cli("tail", "--all", "--count", "4", "--json", "--store", three_traces)
    lines = cli("tail", "--all", "--count", "4", "--store", three_traces).stdout.splitlines()

    assert len(result.stdout.splitlines()) == len(lines) == 4
    assert "  a1a1a1a1a1a1  model chat gpt-4o-mini  " in lines[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize(
    "arguments",
    [("traces",), ("traces", "--json"), ("show", "--last"), ("stats",), ("scan",)],
    ids=" ".join,
)
def test_an_output_that_takes_no_more(demo_store, arguments):
    """One line says why and what to do; neither a stack nor what the interpreter says at its end."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(*arguments, "--store", demo_store), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    line = "Error: the output cannot be written (No space left on device): send it to another place\n"
    assert (done.returncode, done.stderr) == (1, line)


@pytest.mark.skipif(os.name != "posix", reason="a pipe without a reader is an error on POSIX only")
@pytest.mark.parametrize("arguments", [["traces"], ["show", "--last"], ["show", "--last", "--json"]], ids=" ".join)
def test_a_broken_pipe_is_silent(demo_store, arguments):
    """Who stops reading hears nothing more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = subprocess.run(
            command(*arguments, "--store", demo_store), stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)

    assert process.stderr == ""


def test_a_terminal_without_unicode(demo_store):
    """Characters that the output's encoding does not know are replaced."""
    process = subprocess.run(
        command("show", "--last", "--store", demo_store),
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )

    assert b"workflow inventory" in process.stdout
    assert process.stdout.isascii()


def test_help_names_every_command():
    """`python -m spanbridge` is the same program."""
    process = subprocess.run(command("--help"), capture_output=True, text=True, check=True)
    names = [line.split()[0] for line in process.stdout.partition("Commands:")[2].splitlines() if line.strip()]

    assert names == ["demo", "traces", "show", "media", "tail", "stats", "doctor", "redact", "scan"]
