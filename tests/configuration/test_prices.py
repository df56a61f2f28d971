"""The shipped price list: loaded late, and never waited for longer than there is time."""

from __future__ import annotations

import threading

import pytest

import spanbridge as sb
from spanbridge import cost


def record_a_model_call():
    """One priced span."""
    with sb.model_generation(model="gpt-4o", provider="openai") as generation:
        generation.set(usage=sb.Usage(1000, 100))


def test_a_model_span_is_priced():
    """The first model span waits for the list, and has its cost."""
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory])

    record_a_model_call()
    assert sb.flush(60)

    assert memory.spans[0].attributes["cost_context"]["estimated_cost"] > 0


def test_an_exit_does_not_wait_for_prices(monkeypatch):
    """Where the list is still loading when the process ends, the span is delivered without a cost, and says why."""
    release = threading.Event()
    monkeypatch.setattr(cost, "shipped_prices", lambda: release.wait() and [])
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory])

    record_a_model_call()
    complete = sb.shutdown(timeout=2)
    release.set()

    assert complete
    assert memory.spans[0].attributes["cost_context"]["estimated_cost"] is None
    assert memory.spans[0].attributes["cost_context"]["reason"] == "prices_not_loaded"
    assert sb.stats()["spans"]["stored"] == 1


def test_a_list_that_cannot_be_loaded(monkeypatch, contained_places):
    """A failure to load is contained; the span goes on without a cost, and the next one tries again."""
    monkeypatch.setattr(cost, "shipped_prices", lambda: 1 / 0)
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory])

    record_a_model_call()
    assert sb.flush(60)

    assert memory.spans[0].attributes["cost_context"]["reason"] == "prices_not_loaded"
    assert contained_places() == {"loading prices"}


def test_own_prices_need_no_list(monkeypatch):
    """A model that the configuration prices itself is priced without loading anything."""
    monkeypatch.setattr(cost, "shipped_prices", lambda: pytest.fail("the list was loaded"))
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory], prices={"gpt-4o": {"input_mtok": 1, "output_mtok": 10}})

    record_a_model_call()
    assert sb.flush(60)

    assert memory.spans[0].attributes["cost_context"]["estimated_cost"] == 0.002


def test_without_another_thread(monkeypatch):
    """Where no thread can be started, as while the interpreter exits, the list is loaded all the same."""
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory])
    sb.agent_run("the pipeline's own threads are there").__enter__().__exit__(None, None, None)
    assert sb.flush(60)

    def refuse(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    record_a_model_call()
    assert sb.flush(60)

    assert memory.spans[-1].attributes["cost_context"]["estimated_cost"] > 0
