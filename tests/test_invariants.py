"""One section per invariant: what is promised whatever happens."""

import io
import logging
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import spanbridge as sb
from recording import ScriptedExporter, accounted
from spanbridge.tracing import active_span, starting

CANARY = "sk-proj-" + "Xk9Qw2Lr7Tn4Bv8Z" * 3
PASSWORD = "correct-horse-7-battery"


def use_everything(observability):
    """Every call that records something, with every kind of payload."""
    with observability.agent_run(
        "root", input={"q": [1]}, session_id="s", tags=["t"], metadata={"m": 1}, agent_id="a"
    ) as root:
        root.event("e", {"x": 1})
        with observability.model_generation(model="gpt-5.4", provider="openai", input="hi") as generation:
            generation.set(output="there", usage=sb.Usage(input_tokens=3, output_tokens=4))
        try:
            with observability.tool_call("fails", links=[root]):
                raise ValueError("no")
        except ValueError:
            pass
        by_hand = observability.start_span("generic", "by hand", parent=root)
        by_hand.error("words")
        by_hand.end(output=object())
    return 4


# --- I1: tracing never breaks the application ----------------------------------------------------------------------------


class Faulty:
    """Raises at its N-th call, whichever of its methods that is, and works at every other one."""

    accepts_running = True

    def __init__(self, at, error):
        self.at, self.error, self.calls = at, error, 0
        self.name = "faulty"

    def _call(self, result=None):
        self.calls += 1
        if self.calls == self.at:
            raise self.error
        return result

    def process(self, record):
        return self._call(record)

    def should_sample(self, sampling_input):
        return self._call(True)

    def export(self, batch):
        return self._call()

    def flush(self, deadline):
        return self._call()

    def shutdown(self, deadline):
        return self._call()

    def write(self, batch):
        return self._call()

    def close(self):
        return self._call()


def settings_for(part, faulty, memory):
    if part == "processor":
        return {"processors": [faulty], "exporters": [memory], "store": False}
    if part == "filter":
        return {"sensitive_data": faulty, "exporters": [memory], "store": False}
    if part == "sampler":
        return {"sampling": faulty.should_sample, "exporters": [memory], "store": False}
    if part == "exporter":
        return {"exporters": [faulty, memory], "store": False}
    return {"store": sb.StorageExporter(faulty), "exporters": [memory]}


@pytest.mark.parametrize("error", [RuntimeError, SystemExit, MemoryError], ids=lambda error: error.__name__)
@pytest.mark.parametrize("part", ["processor", "filter", "sampler", "exporter", "store"])
def test_i1_a_part_that_fails_at_any_call(part, error, contained_places):
    """Whichever call of whichever part fails, the application notices nothing, other exits get every span, and the account is exact."""
    if part == "sampler" and error is SystemExit:
        pytest.skip("a sampler runs on the application's thread, where SystemExit is the application's")
    for at in range(1, 30):
        faulty, memory = Faulty(at, error("injected")), sb.InMemoryExporter()
        observability = sb.Observability(**settings_for(part, faulty, memory), write_interval_ms=5000)
        started = use_everything(observability)
        observability.flush()
        assert observability.shutdown(10) in {True, False}

        stats = observability.stats()
        accounted(stats)
        assert stats["spans"]["started"] == started
        assert len(memory.spans) == started
        if faulty.calls < at:
            return
    raise AssertionError("never ran without a fault")


def test_i1_spanbridge_itself_failing(monkeypatch, contained_places):
    """Where spanbridge's own code on the caller's thread fails, the application runs on and gets its own results and errors."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory]) as observability:
        for name in ("snapshot", "capture_exception", "capture_mapping", "own_mapping", "clock_offset_ns", "tag_list"):
            with monkeypatch.context() as patch:
                for module in (active_span, starting):
                    if hasattr(module, name):
                        patch.setattr(module, name, lambda *args: 1 / 0)
                use_everything(observability)
                with pytest.raises(KeyError), observability.agent_run("a", input=[1]):
                    raise KeyError("the application's")
        assert observability.flush()
        accounted(observability.stats())


@pytest.mark.parametrize("size", [0, 1], ids=["closed", "full"])
def test_i1_a_log_handler_that_raises(size, caplog, contained_places):
    """A log handler of the application that raises reaches nobody through spanbridge."""

    class Broken(logging.Handler):
        def emit(self, record):
            raise RuntimeError("handler")

    handler = Broken()
    logging.getLogger("spanbridge").addHandler(handler)
    try:
        observability = sb.Observability(
            store=False, exporters=[sb.InMemoryExporter()], processors=[lambda record: 1 / 0]
        )
        use_everything(observability)
        assert observability.flush()
    finally:
        logging.getLogger("spanbridge").removeHandler(handler)
        observability.shutdown()


EXIT = """
    import threading, time
    import spanbridge as sb

    class Exit:
        name = "exit"
        def export(self, batch):
            {export}
        def flush(self, deadline): pass
        def shutdown(self, deadline):
            {shutdown}

    sb.configure(store={store!r}, exporters=[Exit()], exit_timeout_s=1.0, processors=[{processor}])
    for number in range(10):
        with sb.agent_run("a", input=[number]):
            pass
    print("done", flush=True)
"""
HANG = "threading.Event().wait()"


@pytest.mark.parametrize(
    ("export", "shutdown", "processor"),
    [
        (HANG, "pass", ""),
        ("raise ConnectionError", "pass", ""),
        ("return sb.Retry(after_s=300)", "pass", ""),
        ("pass", HANG, ""),
        ("pass", "pass", f"lambda record: {HANG}"),
    ],
    ids=["hangs", "refuses", "asks for a pause", "hangs at its shutdown", "processor hangs"],
)
def test_i1_the_process_exits(export, shutdown, processor):
    """A process whose exit or processor is dead ends by itself, with its own exit code, and writes to its store what it can."""
    code = textwrap.dedent(
        EXIT.format(export=export, shutdown=shutdown, processor=processor, store="sqlite:///traces.db")
    )
    done = run(code, timeout=60)

    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    if not processor:
        assert len(sb.open_store("sqlite:///traces.db").list_traces()) == 10


def run(code, *, timeout, **variables):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=timeout
    )


# --- I2: nothing leaves unredacted ----------------------------------------------------------------------------------------


def plant(observability, secret):
    """The secret in every field that an application can write."""
    carrier = f"before {secret} after"
    with observability.agent_run(
        carrier,
        input={"deep": [{"er": carrier}]},
        output=carrier,
        metadata={"m": carrier, carrier: 1},
        tags=[carrier],
        agent_id=carrier,
        user_id=carrier,
        session_id=carrier,
        entity_name=carrier,
        links=[{"trace_id": "1" * 32, "span_id": "2" * 16, "attributes": {"x": carrier}}],
        unknown_attribute={"x": carrier},
    ) as root:
        root.event(carrier, {"x": carrier})
        with observability.model_generation(model=secret, provider=secret, input=carrier) as generation:
            generation.set(output={"x": carrier}, usage=sb.Usage(input_tokens=1), response_model=secret)
            observability.flush()
            generation.set(metadata={"late": carrier}, instructions=carrier)
        try:
            with observability.tool_call("raises"):
                try:
                    raise KeyError(carrier)
                except KeyError as error:
                    raise ValueError(carrier) from error
        except ValueError:
            pass
        observability.start_span("generic", "open", input=carrier)


def everything_written(folder, *texts):
    """All bytes of all files below `folder`, and the texts."""
    return b"".join(path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()) + "".join(texts).encode()


class SpyExporter(ScriptedExporter):
    """Keeps the bytes of all that it sees."""

    accepts_running = True

    def __init__(self):
        super().__init__(name="spy")
        self.seen = []

    def export(self, batch):
        self.seen += [repr(vars(record)) + str(record.to_dict()) for record in batch]


def exits(tmp_path, console):
    return [
        SpyExporter(),
        sb.InMemoryExporter(),
        sb.JsonLinesExporter(tmp_path / "spans.jsonl"),
        sb.ConsoleExporter(file=console, width=200),
    ]


@pytest.mark.parametrize("processor", [None, "raises", "drops"])
def test_i2_a_canary_reaches_no_exit(processor, tmp_path, caplog, capfd, contained_places):
    """A secret in any field is in no byte of store, files, console, exporters and logs, whatever the processors do."""
    caplog.set_level(logging.DEBUG)
    console = io.StringIO()
    outs = exits(tmp_path, console)
    processors = {
        None: [],
        "raises": [lambda record: 1 / 0],
        "drops": [lambda record: None if record.phase == "ended" else record],
    }[processor]
    observability = sb.Observability(store=f"sqlite:///{tmp_path}/traces.db", exporters=outs, processors=processors)
    plant(observability, CANARY)
    observability.shutdown(30)

    written = everything_written(
        tmp_path, console.getvalue(), caplog.text, *capfd.readouterr(), *outs[0].seen, str(observability.stats())
    )
    assert CANARY.encode() not in written
    assert CANARY[8:].encode() not in written
    assert b"traces.db" in written or len(written) > 10_000
    accounted_store = observability.stats()["spans"]
    assert accounted_store["started"] == 4


def test_i2_a_raising_processor_withholds_everything(tmp_path, caplog, capfd, contained_places):
    """When a processor raises, not even what no pattern knows leaves; the structure does, and says what happened."""
    caplog.set_level(logging.DEBUG)
    console = io.StringIO()
    outs = exits(tmp_path, console)

    def broken(record):
        raise ValueError(f"cannot handle {record.input}")

    observability = sb.Observability(store=f"sqlite:///{tmp_path}/traces.db", exporters=outs, processors=[broken])
    plant(observability, PASSWORD)
    observability.shutdown(30)

    written = everything_written(tmp_path, console.getvalue(), caplog.text, *capfd.readouterr(), *outs[0].seen)
    spans = outs[1].spans
    assert PASSWORD.encode() not in written
    assert len(spans) == 4
    assert all(span.attributes == {"withheld": {"processor": "broken", "reason": "ValueError"}} for span in spans)
    assert len({span.trace_id for span in spans}) == 1


class Defacing:
    """Changes all that it can of what it is given, and asks for it once more."""

    name = "defacing"
    accepts_running = True

    def __init__(self):
        self.seen = []

    def export(self, batch):
        self.seen += [record.span_id for record in batch]
        for record in batch:
            for field, value in {**record.to_dict(), **vars(record)}.items():
                if isinstance(value, (dict, list)):
                    value.clear()
                if not field.startswith("_"):
                    setattr(record, field, None)
        if isinstance(batch, list):
            batch.clear()
        return sb.Retry() if len(self.seen) == 1 else None

    def flush(self, deadline):
        pass

    shutdown = flush


@pytest.mark.parametrize("wrap", [lambda exporter: exporter, lambda exporter: sb.route(exporter, sampling=1.0)])
def test_i2_an_exporter_changes_its_own_copies(wrap, tmp_path):
    """What one exporter does to its records reaches no other exit, not the store, and not its own next try."""
    defacing, memory = Defacing(), sb.InMemoryExporter()
    address = f"sqlite:///{tmp_path}/traces.db"
    with sb.Observability(store=address, exporters=[wrap(defacing), memory]) as observability:
        with observability.agent_run("root", input={"q": [1]}, tags=["t"], metadata={"m": {"n": 1}}) as root:
            root.event("e", {"x": 1})
            assert observability.flush(5)
        assert observability.flush(5)

    stored = sb.open_store(address).get_span(root.trace_id, root.span_id).to_dict()
    assert stored == memory.spans[0].to_dict()
    assert stored["input"] == {"q": [1]}
    assert defacing.seen == [root.span_id] * 3  # running, running once more, ended
    accounted(observability.stats())


def test_i2_redaction_comes_before_cutting(tmp_path):
    """A limit that falls into a secret does not save it from its pattern."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], max_string_length=64) as observability:
        for start in range(40, 64):
            with observability.agent_run("a", input="x " * (start // 2) + CANARY + " tail" * 20):
                pass
        observability.flush()

    assert len(memory.spans) == 24
    for span in memory.spans:
        assert CANARY[:20].encode() not in span.document


def test_i2_a_payload_that_is_too_large_leaves_no_part():
    """A payload above the hard cap loses its large strings whole: no head, no tail. Where that is not enough, it is replaced whole."""
    memory = sb.InMemoryExporter()
    large, small = PASSWORD + "x" * 6000, [PASSWORD] * 1000
    with sb.Observability(store=False, exporters=[memory], max_payload_bytes=5000) as observability:
        for payload in (large, ["kept", large], {"a": large, "b": "kept"}, small, {"a": small, "b": "kept"}):
            with observability.agent_run("a", input=payload) as run:
                run.event("e", {"x": payload})
        observability.flush()

    marker = {"truncated": {"bytes": len(large)}}
    inputs = [span.input for span in memory.spans]
    assert inputs[:3] == [marker, ["kept", marker], {"a": marker, "b": "kept"}]
    assert [set(value) for value in inputs[3:]] == [{"truncated"}, {"truncated"}]
    for span in memory.spans:
        assert PASSWORD.encode() not in span.document


# --- I3: every span is accounted for (under load and faults: tests/pipeline/test_pipeline.py) ----------------------------------


def test_i3_every_end_of_a_span_is_counted(caplog):
    """A span ends as stored, abandoned, or dropped with a reason; the sum is what was started, at run time and in the log at shutdown."""
    caplog.set_level(logging.INFO, "spanbridge")
    memory = sb.InMemoryExporter(max_spans=2)
    observability = sb.Observability(
        store="sqlite:///traces.db",
        exporters=[memory],
        processors=[lambda record: None if record.name == "dropped" else record],
        sampling=lambda given: given.name != "unsampled",
    )
    for name in ("stored", "dropped", "unsampled", "stored"):
        with observability.agent_run(name):
            pass
    observability.flush()
    observability.start_span("generic", "abandoned")
    at_run_time = observability.stats()["spans"]
    observability.shutdown()
    with observability.agent_run("late"):
        pass

    stats = observability.stats()
    assert at_run_time == {
        "started": 5,
        "open": 1,
        "stored": 2,
        "abandoned": 0,
        "dropped": {"processor": 1, "sample_rate": 1},
    }
    assert stats["spans"] == {
        "started": 6,
        "open": 0,
        "stored": 2,
        "abandoned": 1,
        "dropped": {"processor": 1, "sample_rate": 1, "shutdown": 1},
    }
    assert stats["exporters"]["memory"] == {"delivered": 2, "pending": 0, "rejected": {"memory_full": 1}, "expired": 0}
    assert stats["exporters"]["store"] == {"delivered": 3, "pending": 0, "rejected": {}, "expired": 0}
    assert "'started': 5" in caplog.text


# --- I6: configuration is strict ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "variables", "words"),
    [
        ({"servce_name": "x"}, {}, ["servce_name", "service_name"]),
        ({"write_interval_ms": "fast"}, {}, ["write_interval_ms", "fast"]),
        ({"sampling": 2}, {}, ["sampling", "2"]),
        ({"exporters": ["no-such-exporter"]}, {}, ["no-such-exporter"]),
        ({"store": "nowhere://x"}, {}, ["nowhere"]),
        ({}, {"SPANBRIDGE_SAMPLNG": "0.5"}, ["SPANBRIDGE_SAMPLNG", "SPANBRIDGE_SAMPLING"]),
        ({}, {"SPANBRIDGE_QUEUE_MAX_BYTES": "lots"}, ["queue_max_bytes", "lots", "SPANBRIDGE_QUEUE_MAX_BYTES"]),
    ],
)
def test_i6_errors_name_key_and_value(given, variables, words, monkeypatch):
    """What is not understood is an error that names the key and the value."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(sb.ConfigurationError) as caught:
        sb.configure(**given)

    assert [word for word in words if word not in str(caught.value)] == []


def test_i6_a_blank_variable_is_absent(monkeypatch):
    """A variable that is blank is not there."""
    for name in ("SPANBRIDGE_ENVIRONMENT", "SPANBRIDGE_SAMPLING", "SPANBRIDGE_STORE", "DD_ENV"):
        monkeypatch.setenv(name, "  ")

    observability = sb.configure(store=False)

    assert observability.settings.environment == "development"
    assert observability.settings.sampling == 1.0


def test_i6_what_is_off_says_so():
    """Asking for a store that is off says who switched it off."""
    observability = sb.configure(store=False)

    with pytest.raises(sb.ConfigurationError, match=r"store=False"):
        _ = observability.store


# --- I7: the default needs no service, no key and no network ----------------------------------------------------------------------


def test_i7_the_default_writes_a_file_without_a_network(monkeypatch, tmp_path):
    """`configure()` and nothing else: spans are in a private file in the user's state folder, and no socket was opened."""
    opened = []
    monkeypatch.setattr(
        socket, "socket", lambda *args, **kwargs: opened.append(args) or (_ for _ in ()).throw(OSError("no network"))
    )

    sb.configure()
    assert use_everything(sb) == 4
    assert sb.shutdown(30)

    (file,) = (tmp_path / "state").rglob("*.db")
    (trace,) = sb.open_store().list_traces()
    assert len(sb.open_store().get_trace(trace.trace_id).spans) == 4
    assert file.stat().st_mode & 0o777 == 0o600
    assert opened == []
    assert sb.stats()["spans"]["stored"] == 4


def test_i7_a_program_of_four_lines(tmp_path):
    """A program without any setting leaves a readable trace behind, also where HOME is all that it has."""
    code = "import spanbridge as sb\nsb.configure()\nwith sb.agent_run('support', input='Where?') as run:\n    run.set(output='Here.')\n"
    started = time.time_ns()
    done = run(code, timeout=30, HOME=str(tmp_path))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (trace,) = sb.open_store().list_traces()
    (span,) = sb.open_store().get_trace(trace.trace_id).spans
    assert (span.name, span.input, span.output, span.status) == ("support", "Where?", "Here.", "ok")
    assert started <= span.started_at <= time.time_ns()
