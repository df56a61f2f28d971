"""What bounds memory and time holds against an application and processors that do not care."""

import gc
import threading

import spanbridge as sb


class Hostile:
    """An object that cannot be compared."""

    def __eq__(self, other):
        raise ValueError("not comparable")

    __hash__ = None


def test_a_value_that_cannot_be_compared_costs_nothing_else():
    """A processor may assign anything: its span is recorded or withheld, all others are delivered, and the flush returns."""

    def assign(record):
        if record.name == "bad":
            record.output = Hostile()
        return record

    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], processors=[assign]) as observability:
        for name in ("a", "bad", "b"):
            with observability.generic(name):
                pass

        assert observability.flush()
        assert {"a", "b"} <= {span.name for span in memory.spans}
        assert observability.stats()["spans"]["open"] == 0


def test_a_replaced_payload_gives_its_bytes_back():
    """A long span that sets its output again and again holds the last one only, and keeps no other span out."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], queue_max_bytes=4 * 1024 * 1024) as observability:
        with observability.agent_run("long") as run:
            for _ in range(20):
                run.set(output="x" * 1024 * 1024)
                assert observability.flush()
            with observability.generic("other") as other:
                recording = other.is_recording

        assert recording
        assert observability.flush()
        assert observability._pipeline.intake.pending_bytes == 0


def test_small_updates_are_bounded_too():
    """When memory is full, updates are counted and left out, however small they are."""
    entered, release = threading.Event(), threading.Event()

    def hold(record):
        entered.set()
        release.wait(30)
        return record

    memory = sb.InMemoryExporter()
    limit = 1024 * 1024
    with sb.Observability(store=False, exporters=[memory], processors=[hold], queue_max_bytes=limit) as observability:
        with observability.generic("first"):
            pass
        assert entered.wait(30)
        with observability.agent_run("run") as run:
            for number in range(20_000):
                run.event("tick", {"number": number})
            pending = observability._pipeline.intake.pending_bytes
        release.set()

        assert pending < 1.1 * limit
        assert observability.stats()["ignored"]["payload_overflow"] > 1000


def test_what_a_shutdown_leaves_is_counted():
    """A processor that hangs costs what it holds; the shutdown says so, and the account has no open span."""
    release = threading.Event()

    def hang(record):
        release.wait(30)
        return record

    observability = sb.Observability(store=False, processors=[hang])
    with observability.generic("a"):
        pass

    complete = observability.shutdown(timeout=0.2)
    spans = observability.stats()["spans"]
    release.set()

    assert not complete
    assert spans == {"started": 1, "open": 0, "stored": 0, "abandoned": 0, "dropped": {"shutdown_deadline": 1}}


def test_an_instance_lives_as_long_as_it_is_not_shut_down():
    """Who keeps nothing but an opener loses no span."""
    memory = sb.InMemoryExporter()

    def make():
        return sb.Observability(store=False, exporters=[memory]).generic

    opener = make()
    gc.collect()
    with opener("a"):
        pass

    assert memory.wait_for(1)
    from spanbridge import observability

    for item in list(observability._at_work):
        item.shutdown()
