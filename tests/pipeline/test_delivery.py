import asyncio
import threading
import time

import pytest

import spanbridge as sb
from recording import GivenTime, HangingExporter, ScriptedExporter
from spanbridge.model.span import SpanRecord
from spanbridge.pipeline.delivery import MAX_REQUESTED_PAUSE_S, Runner
from spanbridge.protocols import Delivered, Rejected, Retry

FAR = 1e12
"""A deadline that does not come, on any clock."""


def records(*names, phase="ended", size=0):
    result = []
    for name in names:
        record = SpanRecord(
            trace_id="1" * 32,
            span_id="2" * 16,
            type=sb.SpanType.GENERIC,
            started_at=1,
            content={"name": name, "input": "x" * size},
        )
        record.phase = phase
        record.encode_document()
        result.append(record)
    return result


@pytest.fixture
def run():
    """Makes runners that are started, and stops them after the test."""
    runners = []

    def start(exporter, **options):
        runner = Runner(exporter, "exit", **options)
        runner.start()
        runners.append(runner)
        return runner

    yield start
    for runner in runners:
        getattr(runner.exporter, "release", threading.Event()).set()
        if not runner._closing:
            runner.shutdown(time.monotonic() + 5)


@pytest.fixture
def given_time(monkeypatch):
    return GivenTime(monkeypatch)


def report(runner):
    return {key: value for key, value in runner.account.report().items() if value}


@pytest.mark.parametrize("answer", [None, Delivered(), Delivered])
def test_delivered(answer, run, contained_places):
    """None and Delivered mean delivered."""
    exporter = ScriptedExporter(answer() if isinstance(answer, type) else answer)
    runner = run(exporter)
    runner.offer(records("a", "b"))

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 2}
    assert exporter.batches == [["a", "b"]]
    assert exporter.calls == ["flush"]
    assert contained_places() == set()


@pytest.mark.parametrize("only_reads", [True, False])
def test_copies(only_reads, run):
    """An exporter gets copies of its own, unless it says that it only reads."""
    given = []
    exporter = ScriptedExporter()
    exporter.export = given.extend
    exporter.only_reads = only_reads
    runner = run(exporter)
    offered = records("a", "b")
    runner.offer(offered)

    assert runner.flush(FAR)
    assert [record.document for record in given] == [record.document for record in offered]
    assert all((mine is theirs) is only_reads for mine, theirs in zip(offered, given, strict=True))


def test_batches_are_bounded(run):
    """However much waits, a batch has a bounded number of records, in order."""
    exporter = HangingExporter()
    runner = run(exporter, max_batch_records=10)
    runner.offer(records("first"))
    exporter.entered.wait()
    names = [str(number) for number in range(25)]
    runner.offer(records(*names))
    exporter.release.set()

    assert runner.flush(FAR)
    assert [len(batch) for batch in exporter.batches] == [1, 10, 10, 5]
    assert exporter.delivered == ["first", *names]


def test_overflow(run):
    """What does not fit is rejected and counted; what fits is delivered in order."""
    exporter = HangingExporter()
    runner = run(exporter, max_bytes=10_000)
    runner.offer(records("in flight"))
    exporter.entered.wait()
    runner.offer(records(*"abcdefghij", size=1000))

    assert report(runner) == {"pending": 6, "rejected": {"queue_overflow": 5}}
    exporter.release.set()
    assert runner.flush(FAR)
    assert exporter.delivered == ["in flight", *"abcde"]
    assert report(runner) == {"delivered": 6, "rejected": {"queue_overflow": 5}}


def test_a_record_larger_than_the_queue(run):
    """A single record that is larger than the queue is delivered all the same, alone."""
    exporter = ScriptedExporter()
    runner = run(exporter, max_bytes=1000)
    runner.offer(records("large", size=10_000))

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 1}


def test_running_spans_only_where_they_are_wanted(run):
    """Exporters get running spans if they ask for them; running spans are not counted."""
    plain, live = ScriptedExporter(), ScriptedExporter()
    live.accepts_running = True
    first, second = run(plain), run(live)
    for runner in (first, second):
        runner.offer(records("r", phase="running"))
        runner.offer(records("d", phase="dropped"))
        runner.offer(records("e"))
        assert runner.flush(FAR)

    assert plain.delivered == ["e"]
    assert live.delivered == ["r", "d", "e"]
    assert report(first) == report(second) == {"delivered": 1}


@pytest.mark.parametrize(
    "failure", [Retry(), ConnectionError(), SystemExit(), asyncio.CancelledError(), "nonsense", 5, True], ids=repr
)
def test_retry(failure, run, given_time, contained_places):
    """A batch that fails, in whatever way, is tried again with pauses that double, and delivered once the exit is back."""
    exporter = ScriptedExporter(failure, failure, failure, failure)
    runner = run(exporter)
    runner.offer(records("a"))

    assert runner.flush(FAR)
    assert exporter.batches == [["a"]] * 5
    assert given_time.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert report(runner) == {"delivered": 1}
    assert contained_places() == (set() if isinstance(failure, Retry) else {"exporter exit"})


@pytest.mark.parametrize(
    ("after_s", "pause"),
    [
        (7, 7),
        (0.01, 0.1),
        (10**9, MAX_REQUESTED_PAUSE_S),
        (float("inf"), MAX_REQUESTED_PAUSE_S),
        (float("nan"), 0.1),
        (-1, 0.1),
        ("soon", 0.1),
        ([], 0.1),
    ],
)
def test_a_requested_pause_is_kept(after_s, pause, run, given_time):
    """The pause that the other side asks for is kept, within bounds; nonsense is not."""
    runner = run(ScriptedExporter(Retry(after_s=after_s)), expiry_s=None)
    runner.offer(records("a"))

    assert runner.flush(FAR)
    assert sum(given_time.pauses) == pytest.approx(pause)


def test_rejected(run):
    """A rejected batch is counted under its reason and not tried again."""
    exporter = ScriptedExporter(Rejected("bad_key"), None, Rejected("bad_key"))
    runner = run(exporter)
    for name in "abc":
        runner.offer(records(name))
        runner.flush(FAR)

    assert exporter.batches == [["a"], ["b"], ["c"]]
    assert report(runner) == {"delivered": 1, "rejected": {"bad_key": 2}}


class Odd:
    """Has no truth value, no text and no order."""

    def _raise(self, *args):
        raise RuntimeError("odd")

    __bool__ = __str__ = __format__ = __gt__ = __lt__ = _raise


@pytest.mark.parametrize("odd", [Odd(), [1], "2", 0.5, None, b"x"], ids=range(6))
@pytest.mark.parametrize(
    ("answer", "field", "expected"),
    [
        (Delivered, "rejected", {"delivered": 2}),
        (Delivered, "advice", {"delivered": 2}),
        (Rejected, "advice", {"rejected": {"no": 2}}),
        (Rejected, "divide", {"rejected": {"no": 2}}),
        (Retry, "advice", {"delivered": 2}),
        (Retry, "divide", {"delivered": 2}),
        (Retry, "after_s", {"delivered": 2}),
    ],
)
def test_an_answer_with_a_field_of_another_type(answer, field, expected, odd, run, given_time, contained_places):
    """What an answer is counts, whatever its fields hold; the exit goes on."""
    given = {field: odd, **({"reason": "no"} if answer is Rejected else {})}
    exporter = ScriptedExporter(answer(**given), Delivered(), Delivered())
    runner = run(exporter)
    runner.offer(records("a", "b"))

    assert runner.flush(FAR)
    assert report(runner) == expected
    runner.offer(records("c"))
    assert runner.flush(FAR)
    assert contained_places() <= {"exporter exit"}


def test_a_reason_that_is_no_word(run):
    """A reason that cannot be a key does not stop the runner."""
    runner = run(ScriptedExporter(Rejected(["odd"])))
    runner.offer(records("a"))
    runner.offer(records("b"))

    assert runner.flush(FAR)
    assert sum(runner.account.report()["rejected"].values()) + runner.account.delivered == 2


def test_expired(run, given_time):
    """A batch that keeps failing is given up after its time, counted, and the next one gets its turn."""
    exporter = ScriptedExporter(*[Retry()] * 20)
    runner = run(exporter, expiry_s=60)
    runner.offer(records("a"))
    assert runner.flush(FAR)
    exporter.answers.clear()
    runner.offer(records("b"))

    assert runner.flush(FAR)
    assert 60 < sum(given_time.pauses) < 130
    assert report(runner) == {"delivered": 1, "expired": 1}


def test_the_store_does_not_expire(run, given_time):
    """Without an expiry a batch is tried for ever."""
    runner = run(ScriptedExporter(*[Retry()] * 100), expiry_s=None)
    runner.offer(records("a"))

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 1}


def test_flush_meets_its_deadline(run):
    """A flush of a hanging exporter returns at its deadline, and says that it failed."""
    exporter = HangingExporter()
    runner = run(exporter)
    runner.offer(records("a"))
    exporter.entered.wait()

    assert runner.flush(time.monotonic()) is False
    assert report(runner) == {"pending": 1}


@pytest.mark.parametrize(
    ("answer", "account"),
    [
        (None, {"delivered": 1, "rejected": {"shutdown_deadline": 3}}),
        (Rejected("refused"), {"rejected": {"shutdown_deadline": 3, "refused": 1}}),
        (Retry(), {"rejected": {"shutdown_deadline": 4}}),
    ],
)
def test_shutdown_meets_its_deadline(answer, account, run):
    """A shutdown counts what a hanging exporter did not deliver; what comes back late is counted as that, and no longer as lost."""
    exporter = HangingExporter()
    exporter.answers = [answer]
    runner = run(exporter)
    settled = []
    runner.settled = lambda ended, reason: settled.append((len(ended), reason))
    runner.offer(records("in flight"))
    exporter.entered.wait()
    runner.offer(records("a", "b"))

    assert runner.shutdown(time.monotonic()) is False
    assert report(runner) == {"rejected": {"shutdown_deadline": 3}}
    assert settled == [(2, "shutdown_deadline")]
    runner.offer(records("offered late"))
    thread = runner._thread
    exporter.release.set()
    thread.join()
    assert report(runner) == account
    assert sum(count for count, _ in settled) == 4
    assert exporter.calls == ["shutdown"]


class HangingIn(ScriptedExporter):
    """Hangs in one of its methods until `release` is set; `threads` are those that called it."""

    def __init__(self, method, name="hanging"):
        super().__init__(name=name)
        self.release = threading.Event()
        self.threads = set()
        setattr(self, method, self._hang)

    def _hang(self, deadline):
        self.threads.add(threading.current_thread())
        self.release.wait(30)


@pytest.mark.parametrize("method", ["flush", "shutdown"])
@pytest.mark.parametrize("names", [(), ("a",)], ids=["unused", "used"])
def test_an_exporter_that_hangs_does_not_hang_its_caller(method, names, run):
    """A flush or shutdown returns at its deadline though the exporter's does not, also where it never got a record."""
    exporter = HangingIn(method)
    runner = Runner(exporter, "exit")
    if names:
        runner.start()
        runner.offer(records(*names))

    getattr(runner, method)(time.monotonic() + 0.05)

    assert not exporter.release.is_set()
    assert threading.current_thread() not in exporter.threads
    assert exporter.delivered == list(names)
    exporter.release.set()


def test_several_flushes_at_once(run):
    """Each caller that flushes gets its answer; one whose deadline is over is not flushed for."""
    exporter = HangingExporter()
    runner = run(exporter)
    runner.offer(records("a"))
    exporter.entered.wait()
    asked = [runner.ask_flush(deadline) for deadline in (FAR, time.monotonic(), FAR)]
    exporter.release.set()

    assert [runner.wait_for(flush) for flush in asked] == [True, False, True]
    assert exporter.calls == ["flush", "flush"]


def test_flush_from_the_exporters_own_flush(run):
    """A flush that the exporter itself asks for, as it flushes, returns at once."""
    exporter = ScriptedExporter()
    runner = run(exporter)
    nested = []
    exporter.flush = lambda deadline: nested.append(runner.flush(FAR))
    runner.offer(records("a"))

    assert runner.flush(FAR)
    assert nested == [True]


def test_shutdown_delivers_what_waits(run):
    """Everything that was queued is delivered, and the exporter is shut down once, after the last batch."""
    exporter = ScriptedExporter()
    runner = run(exporter)
    runner.offer(records(*"abc"))

    assert runner.shutdown(time.monotonic() + 60)
    assert runner.shutdown(time.monotonic() + 60)
    assert exporter.delivered == ["a", "b", "c"]
    assert exporter.calls == ["shutdown"]


def test_shutdown_without_a_thread():
    """Where no thread could be started, the shutdown delivers."""
    exporter = ScriptedExporter()
    runner = Runner(exporter, "exit")
    runner.offer(records("a"))

    assert runner.shutdown(time.monotonic() + 60)
    assert exporter.delivered == ["a"]
    assert exporter.calls == ["shutdown"]


def test_shutdown_ends_a_pause(run, given_time):
    """A runner that waits for its next try is not waited for beyond the deadline."""
    runner = Runner(ScriptedExporter(*[Retry(after_s=300)] * 5), "exit")
    runner.offer(records("a", "b"))

    assert runner.shutdown(given_time.now + 2) is False
    assert report(runner) == {"rejected": {"shutdown_deadline": 2}}


@pytest.mark.parametrize("method", ["flush", "shutdown"])
def test_an_exporter_whose_end_raises(method, run, contained_places, monkeypatch):
    """An exporter that raises in `flush` or `shutdown` is contained."""
    exporter = ScriptedExporter()
    monkeypatch.setattr(exporter, method, lambda deadline: 1 / 0)
    runner = run(exporter)
    runner.offer(records("a"))
    flushed = runner.flush(FAR)

    assert runner.shutdown(time.monotonic() + 60)
    assert flushed is (method == "shutdown")
    assert exporter.delivered == ["a"]
    assert len(contained_places()) == 1


class Picky(ScriptedExporter):
    """Raises on batches that hold certain names, as an exporter does that cannot encode a record."""

    def __init__(self, *names, error=TypeError):
        super().__init__()
        self.names, self.error = set(names), error

    def export(self, batch):
        if self.names & {record.name for record in batch}:
            self.batches.append([record.name for record in batch])
            raise self.error
        return super().export(batch)


@pytest.mark.parametrize(
    "guilty",
    [{"17"}, {"0", "63"}, {"5", "6", "40"}, {str(n) for n in range(40, 64)}],
    ids=lambda guilty: f"{len(guilty)} guilty",
)
def test_a_record_that_makes_an_exporter_raise_is_rejected_alone(guilty, run, given_time, contained_places):
    """The records that an exporter cannot take are found, rejected with a reason, and all others are delivered, once."""
    runner = Runner(Picky(*guilty), "exit", expiry_s=None)
    settled = []
    runner.settled = lambda ended, reason: settled.extend((record.name, reason) for record in ended)
    runner.offer(records(*map(str, range(64))))
    runner.start()

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 64 - len(guilty), "rejected": {"export_error": len(guilty)}}
    assert sorted(runner.exporter.delivered, key=int) == [str(name) for name in range(64) if str(name) not in guilty]
    assert sorted(settled) == sorted((str(n), "export_error" if str(n) in guilty else None) for n in range(64))
    runner.shutdown(given_time.now + 60)


def test_a_lone_record_that_makes_an_exporter_raise(run, given_time, contained_places):
    """A record that came alone is tried beside those that wait behind it, and rejected if they go through."""
    exporter = Picky("bad")
    runner = Runner(exporter, "exit", expiry_s=None, max_batch_records=1)
    runner.offer(records("bad", "good", "better"))
    runner.start()

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 2, "rejected": {"export_error": 1}}
    runner.shutdown(given_time.now + 60)


@pytest.mark.parametrize("error", [ConnectionError, RuntimeError])
def test_an_exit_that_is_broken_rejects_nothing(error, run, given_time, contained_places):
    """Where no record goes through, none is found guilty: the batch waits, and is delivered when the exit is back."""
    names = [str(number) for number in range(64)]
    exporter = Picky(*names, error=error)
    runner = Runner(exporter, "exit", expiry_s=None)

    def back(batch, export=exporter.export):
        if len(exporter.batches) > 60:
            exporter.names.clear()
        return export(batch)

    exporter.export = back
    runner.offer(records(*names))
    runner.start()

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 64}
    assert sorted(exporter.delivered, key=int) == names
    runner.shutdown(given_time.now + 60)


class Refusing(ScriptedExporter):
    """Refuses batches that hold certain names, as a server does that does not say which record it means."""

    def __init__(self, *names):
        super().__init__()
        self.names = set(names)

    def export(self, batch):
        if self.names & {record.name for record in batch}:
            self.batches.append([record.name for record in batch])
            return Rejected("refused", "Look at the record.", divide=True)
        return super().export(batch)


@pytest.mark.parametrize(
    "guilty",
    [{"17"}, {"0", "63"}, {"5", "6", "40"}, {str(n) for n in range(400, 512)}, {str(n) for n in range(0, 512, 8)}],
    ids=lambda guilty: f"{len(guilty)} guilty",
)
def test_a_record_that_is_refused_takes_no_other_with_it(guilty, run, caplog):
    """A refused batch is halved until the guilty records are found; all others are delivered, once, without a pause."""
    runner = Runner(Refusing(*guilty), "exit")
    settled = []
    runner.settled = lambda ended, reason: settled.extend((record.name, reason) for record in ended)
    runner.offer(records(*map(str, range(512))))
    runner.start()

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 512 - len(guilty), "rejected": {"refused": len(guilty)}}
    assert sorted(runner.exporter.delivered, key=int) == [str(name) for name in range(512) if str(name) not in guilty]
    assert sorted(settled) == sorted((str(n), "refused" if str(n) in guilty else None) for n in range(512))
    assert "exporter exit rejected 1 records: refused. Look at the record." in caplog.text
    runner.shutdown(time.monotonic() + 5)


def test_an_exit_that_refuses_everything_is_not_asked_for_each_record(run):
    """Where nothing goes through, it is no single record: after a few tries the batch is rejected."""
    names = [str(number) for number in range(512)]
    exporter = Refusing(*names)
    runner = Runner(exporter, "exit")
    runner.offer(records(*names))
    runner.start()

    assert runner.flush(FAR)
    assert report(runner) == {"rejected": {"refused": 512}}
    assert len(exporter.batches) < 50
    runner.shutdown(time.monotonic() + 5)


def test_an_exit_that_asks_for_time_while_it_is_divided(run, given_time):
    """What went through is not sent again; the rest is tried later, and the guilty record is found then."""
    exporter = Refusing("3")
    answers = iter([None, Retry(after_s=5.0)])

    def busy(batch, export=exporter.export):
        busy_now = len(exporter.batches) >= 2 and next(answers, None)
        return busy_now or export(batch)

    exporter.export = busy
    runner = Runner(exporter, "exit")
    runner.offer(records("0", "1", "2", "3"))
    runner.start()

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 3, "rejected": {"refused": 1}}
    assert sorted(exporter.delivered) == ["0", "1", "2"]
    runner.shutdown(given_time.now + 60)


def test_a_part_that_the_other_side_refused_is_counted(run):
    """A server may take a batch and refuse some of its records without naming them."""
    runner = run(ScriptedExporter(Delivered(rejected=2), Delivered(rejected=99, reason="quota")))
    runner.offer(records("a", "b", "c"))
    assert runner.flush(FAR)
    runner.offer(records("d"))

    assert runner.flush(FAR)
    assert report(runner) == {"delivered": 1, "rejected": {"partial_success": 2, "quota": 1}}


def test_each_reason_has_its_line(run, given_time, caplog):
    """What is wrong is said also where something else was wrong a moment ago; a reason that comes again is not repeated."""
    answers = [Retry(reason="busy"), Retry(reason="forbidden"), Retry(reason="busy"), Rejected("refused")]
    runner = run(ScriptedExporter(*answers, Rejected("not_found"), Delivered(1, "quota")))
    for name in "abc":
        runner.offer(records(name))
        assert runner.flush(FAR)

    told = [line.rpartition(": ")[2].rstrip(".") for line in caplog.messages]
    assert told == ["busy", "forbidden", "refused", "not_found", "quota"]


@pytest.mark.parametrize("result", [Rejected, lambda reason: Retry(reason=reason)])
def test_lines_are_bounded(result, run, given_time, caplog):
    """An exporter that says something else each time does not fill the log."""
    runner = run(ScriptedExporter(*(result(f"reason {number}") for number in range(100))))
    for number in range(100):
        runner.offer(records(str(number)))
        assert runner.flush(FAR)

    assert len(caplog.messages) <= 33


def test_reasons_are_bounded(run, caplog):
    """An exporter's reasons are cut, printable, and of a bounded number, in the account and in log lines."""
    answers = [Rejected(f"reason {number}\n" + "x" * 10_000) for number in range(100)]
    runner = run(ScriptedExporter(*answers))
    for number in range(100):
        runner.offer(records(str(number)))
        assert runner.flush(FAR)

    rejected = runner.account.report()["rejected"]
    assert sum(rejected.values()) == 100
    assert len(rejected) == 33
    assert rejected["other"] == 68
    assert all(len(reason) <= 64 and reason.isprintable() for reason in rejected)
    assert all(len(line.getMessage()) < 300 for line in caplog.records)
