import io
import logging
import os
import re
import subprocess
import sys
import threading

import pytest

from forking import in_child, needs_fork, until_a_fork_waits
from spanbridge.exporters import console
from spanbridge.exporters.console import ConsoleExporter
from spanbridge.model.span import Status
from spanbridge.model.span_types import SpanType
from spanbridge.protocols import Rejected

DEADLINE = 0.0


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_prints_a_trace_when_its_root_has_ended(make_span, output):
    """Children wait for their root; then the whole tree is printed, once."""
    root = make_span("support", type=SpanType.AGENT_RUN)
    child = make_span("search", parent=root, type=SpanType.TOOL_CALL)
    exporter = ConsoleExporter(output)

    exporter.export([child])
    before = output.getvalue()
    exporter.export([root])

    assert before == ""
    assert output.getvalue().splitlines() == [
        f"trace {root.trace_id}",
        "└── agent support  20ms  ok",
        "    └── tool search  20ms  ok",
    ]


def test_a_child_behind_its_root_in_one_batch(make_span, output):
    """Within a batch the order does not matter."""
    root = make_span("root")
    child = make_span("child", parent=root)

    ConsoleExporter(output).export([root, child])

    assert "    └── span child" in output.getvalue()


def test_late_spans_have_their_own_lines(make_span, output):
    """A span whose tree was printed already is printed alone, and so are the spans below it."""
    root = make_span("root")
    late = make_span("late", parent=root)
    later = make_span("later", parent=late)
    exporter = ConsoleExporter(output)
    exporter.export([root])

    exporter.export([late])
    exporter.export([later])

    assert output.getvalue().splitlines()[2:] == ["span late  20ms  ok", "span later  20ms  ok"]


def test_a_second_root_in_the_same_trace_has_its_own_tree(make_span, output):
    """Two runs under one parent of another tracer share a trace; each is printed as a tree."""
    exporter = ConsoleExporter(output)
    exporter.export([make_span("first")])
    second = make_span("second")
    exporter.export([make_span("child", parent=second)])

    exporter.export([second])

    assert output.getvalue().splitlines()[-2:] == ["└── span second  20ms  ok", "    └── span child  20ms  ok"]


def test_waits_for_roots_that_still_run(make_span, output):
    """A trace with two roots is printed when the last of them has ended."""
    exporter = ConsoleExporter(output)
    running = make_span("slow", status=Status.RUNNING)
    exporter.export([running, make_span("fast")])
    before = output.getvalue()

    exporter.export([make_span("slow", span_id=running.span_id)])

    assert before == ""
    assert output.getvalue().count("span slow") == 1
    assert output.getvalue().count("span fast") == 1


def test_dropped_spans_leave_the_tree(make_span, output):
    """A span that a processor took back is not printed; its children attach to its parent."""
    root = make_span("root")
    dropped = make_span("dropped", parent=root, status=Status.RUNNING)
    child = make_span("child", parent=dropped)
    exporter = ConsoleExporter(output)
    exporter.export([dropped, child])

    exporter.export([make_span("dropped", parent=root, span_id=dropped.span_id, phase="dropped"), root])

    assert output.getvalue().splitlines()[1:] == ["└── span root  20ms  ok", "    └── span child  20ms  ok"]


def test_shutdown_prints_what_is_open(make_span, output):
    """A trace whose root has not ended is printed at the shutdown, as it stands."""
    root = make_span("root", status=Status.RUNNING)
    exporter = ConsoleExporter(output)
    exporter.export([root, make_span("child", parent=root)])

    exporter.shutdown(DEADLINE)

    assert output.getvalue().splitlines()[1:] == ["└── span root  running", "    └── span child  20ms  ok"]


def test_open_traces_are_bounded(make_span, output):
    """Of too many traces without a root the oldest are printed and let go."""
    lost = make_span("lost")
    exporter = ConsoleExporter(output)

    for number in range(console.MAX_OPEN_TRACES + 2):
        orphan = make_span(f"orphan{number}", trace_id=f"{number + 1:032x}", parent_span_id=lost.span_id)
        exporter.export([orphan])

    assert re.findall(r"orphan\d+", output.getvalue()) == ["orphan0", "orphan1"]


def test_open_spans_are_bounded(make_span, output, monkeypatch):
    """Of a trace with too many spans those that are there are printed, and later ones follow."""
    monkeypatch.setattr(console, "MAX_OPEN_SPANS", 10)
    root = make_span("root", status=Status.RUNNING)
    exporter = ConsoleExporter(output)

    exporter.export([root, *(make_span(f"child{number}", parent=root) for number in range(30))])
    printed = output.getvalue()
    exporter.export([make_span("last", parent=root)])

    assert printed.count("child") == 30
    assert output.getvalue().splitlines()[-1] == "span last  20ms  ok"


def test_what_was_printed_is_forgotten_in_time(make_span, output, monkeypatch):
    """The memory of printed spans is bounded: after many others a late span opens a tree of its own."""
    monkeypatch.setattr(console, "MAX_REMEMBERED_SPANS", 3)
    root = make_span("root", trace_id="1" * 32)
    exporter = ConsoleExporter(output)
    exporter.export([root])
    for number in range(5):
        exporter.export([make_span("other", trace_id=f"{number + 2:032x}")])
    before = output.getvalue()

    exporter.export([make_span("late", parent=root)])

    assert output.getvalue() == before
    exporter.shutdown(DEADLINE)
    assert output.getvalue().endswith(f"trace {'1' * 32}\n└── span late  20ms  ok\n")


def test_content_is_harmless(make_span, output):
    """No control character of a span's content reaches the terminal."""
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    error = {"type": hostile, "message": hostile}

    ConsoleExporter(output).export(
        [make_span(hostile, input=hostile, output={hostile: [hostile]}, error=error, status=Status.ERROR)]
    )

    assert "owned" in output.getvalue()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", output.getvalue())


def test_content_can_be_left_out(make_span, output):
    """With show_content=False neither input nor output nor the error's message is printed."""
    error = {"type": "ValueError", "message": "m3ssage"}
    span = make_span("s", input="inp", output="outp", error=error, status=Status.ERROR)

    ConsoleExporter(output, show_content=False).export([span])

    assert output.getvalue().splitlines()[1] == "└── span s  20ms  error ValueError"


def test_width(make_span, output):
    """A line ends at the given width."""
    ConsoleExporter(output, width=30).export([make_span("a" * 100)])

    assert max(map(len, output.getvalue().splitlines()[1:])) == 30


def test_live_tree(make_span, terminal):
    """On a terminal a running trace is drawn as it grows; when it has ended the live tree goes and the final one stays."""
    root = make_span("support", type=SpanType.AGENT_RUN, status=Status.RUNNING)
    tool = make_span("search", parent=root, type=SpanType.TOOL_CALL)
    exporter = ConsoleExporter(terminal, width=100)

    exporter.export([root])
    first = without_escapes(terminal.getvalue())
    exporter.export([tool])
    second = without_escapes(terminal.getvalue())
    exporter.export([make_span("support", type=SpanType.AGENT_RUN, span_id=root.span_id)])
    final = terminal.getvalue()

    assert "agent support  running" in first
    assert "tool search  20ms  ok" in second.removeprefix(first)
    # Drawn again in place: the lines before were erased.
    assert "\x1b[2K" in final
    assert without_escapes(final).rstrip().splitlines()[-2:] == [
        "└── agent support  20ms  ok",
        "    └── tool search  20ms  ok",
    ]
    # The cursor that the live tree hid is back.
    assert final.rindex("\x1b[?25h") > final.rindex("\x1b[?25l")


def test_live_can_be_switched_off(make_span, terminal):
    """With live=False nothing is drawn before the root has ended, on a terminal neither."""
    root = make_span("root", status=Status.RUNNING)
    exporter = ConsoleExporter(terminal, live=False)

    exporter.export([root])
    before = terminal.getvalue()
    exporter.export([make_span("root", span_id=root.span_id)])

    assert before == ""
    assert without_escapes(terminal.getvalue()).splitlines()[1:] == ["└── span root  20ms  ok"]


def test_prints_of_the_application_survive(make_span, terminal, monkeypatch):
    """While a tree is live, the application's prints to the same terminal appear above it; afterwards its stream is its own."""
    monkeypatch.setattr(sys, "stdout", terminal)
    exporter = ConsoleExporter(width=100)
    root = make_span("support", status=Status.RUNNING)
    exporter.export([root])

    sys.stdout.write("hello from the application\n")
    during = without_escapes(terminal.getvalue())
    exporter.shutdown(DEADLINE)

    assert during.index("hello from the application") < during.rindex("span support  running")
    assert sys.stdout is terminal


def test_log_handlers_that_were_made_before_survive(make_span, terminal, monkeypatch):
    """While a tree is live, a log handler of before writes above it; afterwards its stream is its own again."""
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    handler = logging.StreamHandler()
    logger = logging.getLogger("an application")
    logger.addHandler(handler)
    exporter = ConsoleExporter(width=100)
    root = make_span("support", status=Status.RUNNING)
    exporter.export([root])

    logger.warning("watch out")
    during = terminal.getvalue()
    exporter.shutdown(DEADLINE)
    logger.removeHandler(handler)

    assert handler.stream is terminal
    # The tree was drawn anew below the line: what is erased later is the tree.
    assert "span support  running" in without_escapes(during[during.index("watch out") :])


@needs_fork
def test_a_child_that_is_forked_while_something_is_printed(make_span, output):
    """It prints on its own: another thread may have locked rich's console, or the stream, and the trees are the parent's."""

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            if os.getpid() == parent:
                printing.set()
                until_a_fork_waits()
            return output.write(text)

    def print_in_child() -> bool:
        exporter.export([make_span("the child's", trace_id="2" * 32)])
        exporter.shutdown(DEADLINE)
        return output.getvalue().splitlines()[-2:] == [f"trace {'2' * 32}", "└── span the child's  20ms  ok"]

    printing, parent = threading.Event(), os.getpid()
    exporter = ConsoleExporter(Slow())
    exporter.export([make_span("the parent's", status=Status.RUNNING)])
    printer = threading.Thread(target=exporter.export, args=([make_span(trace_id="1" * 32)],))
    printer.start()
    assert printing.wait(60)

    assert in_child(print_in_child)
    printer.join()


@needs_fork
def test_a_child_that_is_forked_while_a_tree_is_live(make_span, terminal, monkeypatch):
    """Its prints and log lines go where they went before: it draws nothing of its parent's."""
    monkeypatch.setattr(sys, "stdout", terminal)
    handler = logging.StreamHandler(terminal)
    logger = logging.getLogger("an application")
    logger.addHandler(handler)
    exporter = ConsoleExporter(width=100)
    exporter.export([make_span("the parent's", status=Status.RUNNING)])

    def print_in_child() -> bool:
        before = terminal.tell()
        sys.stdout.write("a partial line; ")
        logger.warning("watch out")
        exporter.shutdown(DEADLINE)
        return sys.stdout is terminal and terminal.getvalue()[before:] == "a partial line; watch out\n"

    assert in_child(print_in_child)
    assert sys.stdout is not terminal
    exporter.shutdown(DEADLINE)
    logger.removeHandler(handler)


def test_a_batch_that_cannot_be_shown_changes_nothing(make_span, output):
    """Where one record of a batch makes the exporter raise, nothing is printed or remembered: the others come again."""
    broken = make_span("broken")
    broken.status = "odd"
    good = make_span("good", trace_id="1" * 32)
    exporter = ConsoleExporter(output)

    with pytest.raises(ValueError, match="odd"):
        exporter.export([good, broken])
    before = output.getvalue()
    exporter.export([good])

    assert before == ""
    assert output.getvalue().splitlines() == [f"trace {'1' * 32}", "└── span good  20ms  ok"]


def test_closed_stream(make_span, output):
    """When the stream is closed the spans are rejected, with the reason, and the shutdown is quiet."""
    exporter = ConsoleExporter(output)
    exporter.export([make_span()])
    output.close()

    assert exporter.export([make_span()]) == Rejected("stream_closed")
    exporter.export([make_span(status=Status.RUNNING, trace_id="1" * 32)])
    exporter.shutdown(DEADLINE)


def test_broken_pipe(tmp_path):
    """A reader that went away rejects the spans; it ends neither the process nor its standard output."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "from spanbridge.exporters.console import ConsoleExporter\n"
        "from spanbridge.model.span import SpanRecord\n"
        "from spanbridge.model.span_types import SpanType\n"
        "reading, writing = os.pipe()\n"
        "os.close(reading)\n"
        "record = SpanRecord(trace_id='1' * 32, span_id='2' * 16, type=SpanType.GENERIC, started_at=1, ended_at=2,\n"
        "                    content={'name': 's'})\n"
        "record.encode_document()\n"
        "stream = os.fdopen(writing, 'w')\n"
        "result = ConsoleExporter(stream).export([record])\n"
        "print(result.reason, flush=True)\n"
        "os._exit(0)\n"
    )

    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=os.environ, timeout=30)

    assert (done.stdout, done.stderr, done.returncode) == ("stream_closed\n", "", 0)
