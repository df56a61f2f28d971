"""The request context: what is stamped on spans, what wins, and where it reaches."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spanbridge as sb
from spanbridge.model.span import CORRELATION_FIELDS


@pytest.fixture
def spans():
    """Spans by name, of a configuration that stamps `tenant_id` and `user.plan`."""
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory], request_context_keys=["tenant_id", "user.plan"])

    def by_name():
        assert sb.flush()
        return {span.name: span for span in memory.spans}

    return by_name


def test_keys_are_stamped_on_every_span_below(spans):
    """Configured keys reach the metadata of all spans below, dotted ones nested; other values are recorded nowhere."""
    with sb.request_context(tenant_id="t1", user={"plan": "pro", "mail": "a@b.c"}, other="never"):
        with sb.agent_run("root"), sb.tool_call("child"):
            pass
        with sb.agent_run("second root"):
            pass
    with sb.agent_run("outside"):
        pass

    found = spans()
    for name in ("root", "child", "second root"):
        assert found[name].metadata == {"tenant_id": "t1", "user": {"plan": "pro"}}
    assert found["outside"].metadata == {}


def test_explicit_values_win(spans):
    """Metadata and correlation fields that a span is given itself win over the context; mappings are merged."""
    with (
        sb.request_context(tenant_id="t1", user={"plan": "pro"}, session_id="context"),
        sb.agent_run("root", metadata={"tenant_id": "own", "user": {"id": 7}}, session_id="own"),
        sb.tool_call("child"),
    ):
        sb.update_current(metadata={"tenant_id": "later"})

    found = spans()
    assert found["root"].metadata == {"tenant_id": "own", "user": {"plan": "pro", "id": 7}}
    assert found["root"].session_id == found["child"].session_id == "own"
    assert found["child"].metadata == {"tenant_id": "later", "user": {"plan": "pro"}}


def test_the_inner_context_wins(spans):
    """Contexts nest: the inner one replaces single keys, for the spans below it only."""
    with sb.request_context(tenant_id="outer", user={"plan": "pro"}), sb.agent_run("root", user_id="u1"):
        with sb.request_context(tenant_id="inner", user_id="u2"), sb.tool_call("inside"), sb.generic("leaf"):
            pass
        with sb.tool_call("beside"):
            pass

    found = spans()
    assert found["inside"].metadata == found["leaf"].metadata == {"tenant_id": "inner", "user": {"plan": "pro"}}
    assert found["inside"].user_id == found["leaf"].user_id == "u2"
    assert found["beside"].metadata == {"tenant_id": "outer", "user": {"plan": "pro"}}
    assert found["beside"].user_id == "u1"
    assert found["inside"].parent_span_id == found["root"].span_id


@pytest.mark.parametrize("field", sorted(CORRELATION_FIELDS))
def test_correlation_fields(field, spans):
    """Correlation fields become fields of the spans, without any configuration."""
    with sb.request_context({field: "value"}), sb.agent_run("root"), sb.tool_call("child"):
        pass

    assert getattr(spans()["root"], field) == getattr(spans()["child"], field) == "value"


def test_values_are_those_of_the_entry(spans):
    """What the application changes after the block was entered is not recorded."""
    user = {"plan": "pro"}

    with sb.request_context(user=user):
        user["plan"] = "changed"
        with sb.agent_run("root"):
            pass

    assert spans()["root"].metadata == {"user": {"plan": "pro"}}


def test_a_key_with_dots_of_its_own(spans):
    """A value that stands under the whole dotted key is found too."""
    with sb.request_context({"user.plan": "flat"}), sb.agent_run("root"):
        pass

    assert spans()["root"].metadata == {"user": {"plan": "flat"}}


def test_tasks_and_late_spans(spans):
    """A context reaches the tasks that are started inside it, and the spans of its spans, wherever they run later."""

    async def work(name):
        with sb.tool_call(name):
            await asyncio.sleep(0)

    async def main():
        with sb.request_context(tenant_id="t1"), sb.agent_run("root"):
            late = asyncio.create_task(work("late"))
        await late

    asyncio.run(main())

    assert spans()["late"].metadata == {"tenant_id": "t1"}


def test_in_a_generator(spans):
    """A context that a generator's body is in reaches none of the consumer's spans."""

    def items():
        with sb.request_context(tenant_id="generator"):
            for number in range(2):
                with sb.generic(f"item {number}"):
                    pass
                yield number

    with sb.agent_run("root"):
        for _ in items():
            with sb.generic("consumer"):
                pass

    found = spans()
    assert found["item 1"].metadata == {"tenant_id": "generator"}
    assert found["consumer"].metadata == {}
    assert found["consumer"].parent_span_id == found["root"].span_id


def test_another_configuration_stamps_its_own_keys(spans):
    """Each configuration records the keys that it names."""
    memory = sb.InMemoryExporter()

    with (
        sb.Observability(store=False, exporters=[memory], request_context_keys=["region"]) as other,
        sb.request_context(tenant_id="t1", region="eu"),
        sb.agent_run("default's"),
    ):
        with other.agent_run("other's"):
            pass
        other.flush()

    assert memory.spans[0].metadata == {"region": "eu"}
    assert spans()["default's"].metadata == {"tenant_id": "t1"}


def test_stamps_are_redacted(spans):
    """What is stamped passes the sensitive-data filter like all metadata."""
    with sb.request_context(tenant_id="Bearer sk-ant-api03-" + "a1B2" * 24), sb.agent_run("root"):
        pass

    assert "sk-ant" not in str(spans()["root"].metadata)


def test_traces_are_found_by_stamped_keys(tmp_path):
    """Stamped metadata is a filter of the store, by its dotted path."""
    address = f"sqlite:///{tmp_path}/traces.db"
    sb.configure(store=address, request_context_keys=["tenant_id", "user.plan"])
    for tenant in ("t1", "t2"):
        with sb.request_context(tenant_id=tenant, user={"plan": "pro"}), sb.agent_run("root"):
            pass
    assert sb.flush()

    store = sb.open_store(address)
    assert len(list(store.list_traces(metadata={"tenant_id": "t1"}))) == 1
    assert len(list(store.list_traces(metadata={"user.plan": "pro"}))) == 2


class Hostile(dict):
    """A mapping that fails wherever it is asked."""

    def get(self, *args):
        raise RuntimeError("no")

    __getitem__ = keys = items = get


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.dictionaries(
        st.text(max_size=8), st.one_of(st.text(), st.integers(), st.lists(st.integers()), st.just(Hostile()))
    )
)
def test_any_values(values, contained_places, silence):
    """Whatever a context holds, entering it and opening spans in it raises nothing, and no span is lost."""
    memory = sb.InMemoryExporter()

    with sb.Observability(store=False, exporters=[memory], request_context_keys=["a", "a.b", "b.c.d"]) as own:
        with sb.request_context({**values, "b": Hostile()}), own.agent_run("root"):
            pass
        own.flush()

    assert [span.name for span in memory.spans] == ["root"]
    silence.clear()  # what fails is told


def test_decorated_generators_keep_the_context_of_their_call(spans):
    """A generator that is called in a request context is stamped by it, wherever it is iterated."""

    @sb.tool_call
    def items():
        yield 1

    with sb.agent_run("root"), sb.request_context(tenant_id="t1"):
        iterator = items()
    list(iterator)

    found = spans()
    assert found["items"].metadata == {"tenant_id": "t1"}
    assert found["items"].parent_span_id == found["root"].span_id


def test_instrumented_threads_keep_the_context(spans):
    """Work that is handed to a pool is stamped by the request context that it was handed over in."""

    def work():
        with sb.tool_call("work"):
            pass

    sb.instrument_threads()
    try:
        with ThreadPoolExecutor(1) as pool, sb.agent_run("root"), sb.request_context(tenant_id="t1"):
            pool.submit(work).result()
    finally:
        sb.uninstrument_threads()

    found = spans()
    assert found["work"].metadata == {"tenant_id": "t1"}
    assert found["work"].parent_span_id == found["root"].span_id
