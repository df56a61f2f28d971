import os
import subprocess
import sys

import pytest

import spanbridge as sb
from spanbridge import observability
from spanbridge.testing import capture_spans
from spanbridge.tracing.tracer import default_slot


@pytest.fixture
def captured():
    with capture_spans() as captured:
        yield captured


def record_a_run() -> None:
    with sb.agent_run("support", input="hi"):
        with sb.model_generation(model="gpt-5.4"):
            pass
        with pytest.raises(ValueError, match="no index"), sb.tool_call("search"):
            raise ValueError("no index")


TREE = """agent_run support [ok]
  model_generation chat gpt-5.4 [ok]
  tool_call search [error] ValueError"""


def test_tree(captured):
    """The tree is readable, and the same for every run."""
    record_a_run()
    first = captured.tree()
    captured.clear()
    record_a_run()

    assert first == captured.tree() == TREE


def test_assert_tree(captured):
    """An expected tree may be indented like the code around it."""
    record_a_run()

    captured.assert_tree(
        """
        agent_run support [ok]
          model_generation chat gpt-5.4 [ok]
          tool_call search [error] ValueError
        """
    )
    captured.assert_tree(TREE)


def test_assert_tree_shows_the_difference(captured):
    """A tree that differs raises, with a line for each difference."""
    record_a_run()

    with pytest.raises(AssertionError) as caught:
        captured.assert_tree("agent_run support [ok]\n  tool_call find [ok]")

    assert str(caught.value).splitlines() == [
        "the recorded spans differ (- expected, + recorded):",
        "  agent_run support [ok]",
        "-   tool_call find [ok]",
        "+   model_generation chat gpt-5.4 [ok]",
        "+   tool_call search [error] ValueError",
    ]


def test_nothing_recorded(captured):
    """No spans make an empty tree, and a failed assertion says so."""
    captured.assert_tree("")

    with pytest.raises(AssertionError, match=r"\+ \(no spans\)"):
        captured.assert_tree("agent_run support [ok]")


def test_spans(captured):
    """The spans themselves are there, in start order, with their content."""
    record_a_run()

    spans = captured.spans

    assert [span.name for span in spans] == ["support", "chat gpt-5.4", "search"]
    assert spans[0].input == "hi"
    assert spans[2].error["message"] == "no index"
    assert {span.environment for span in spans} == {"test"}


def test_open_spans(captured):
    """A span that has not ended is no part of the tree, and can be looked at as it is so far."""
    with sb.agent_run("open", input="hi") as run:
        run.set(metadata={"step": 1})
        lost = sb.start_span(sb.SpanType.TOOL_CALL, "lost")

        assert captured.tree() == ""
        assert [(span.name, span.status, span.input) for span in captured.open] == [
            ("open", "running", "hi"),
            ("lost", "running", None),
        ]
        assert captured.open[0].metadata == {"step": 1}

    assert [span.span_id for span in captured.open] == [lost.span_id]
    captured.assert_tree("agent_run open [ok]")


def test_what_is_forgotten_is_not_open(captured):
    """`clear` forgets open spans; one that ends later is captured."""
    span = sb.start_span(sb.SpanType.GENERIC, "a")
    captured.clear()
    span.end()

    assert captured.open == []
    assert [span.name for span in captured.spans] == ["a"]


def test_settings():
    """Settings of configure may be given; the exporters are beside the capturing one."""
    other = sb.InMemoryExporter()

    with capture_spans(service_name="bot", exporters=[other]) as captured:
        record_a_run()

    assert {span.service_name for span in captured.spans} == {"bot"}
    assert len(other.spans) == 3


def test_the_configuration_from_before_goes_on():
    """After the capture the application's own configuration is in force and at work, without the captured spans."""
    mine = sb.InMemoryExporter()
    with capture_spans(exporters=[mine]):
        outer = observability.default_observability()
        with sb.agent_run("before"):
            pass
        with capture_spans() as captured, sb.agent_run("inside"):
            pass
        with sb.agent_run("after"):
            pass

        assert observability.default_observability() is outer
        assert sb.flush()
        assert [span.name for span in mine.spans] == ["before", "after"]
        captured.assert_tree("agent_run inside [ok]")


def test_nothing_stays_after_the_capture():
    """What was not configured before the capture is not configured after it, also where the block raises or configures."""
    before, tracer = observability.default_observability(), default_slot.tracer

    with pytest.raises(KeyError), capture_spans():
        raise KeyError
    with capture_spans() as captured:
        other = sb.configure(store=False)

    assert observability.default_observability() is before
    assert default_slot.tracer is tracer
    assert not {captured.observability, other} & set(observability._at_work)


def test_a_configuration_inside_keeps_its_exporters():
    """What the block configures is captured beside its own exporters; after the block nothing is added any more."""
    its_own, later = sb.InMemoryExporter(), sb.InMemoryExporter()
    with capture_spans() as captured:
        other = sb.configure(store=False, exporters=[its_own])
        with sb.agent_run("inside"):
            pass

        assert captured.observability is other
        captured.assert_tree("agent_run inside [ok]")
    sb.configure(store=False, exporters=[later])
    with sb.agent_run("after"):
        pass
    sb.flush()

    assert [span.name for span in its_own.spans] == ["inside"]
    assert [span.name for span in later.spans] == ["after"]
    assert captured.observability is other
    captured.assert_tree("agent_run inside [ok]")


APPLICATION_TEST = """
import spanbridge as sb

def test_run(captured_spans):
    with sb.agent_run("support"):
        pass
    captured_spans.assert_tree("agent_run support [ok]")

def test_other(captured_spans):
    captured_spans.assert_tree("")

def start():
    sb.configure(service_name="bot", store="sqlite:///traces.db", exporters=["jsonl"], sampling=1.0)

def test_an_application_that_configures_itself(captured_spans, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with sb.agent_run("before"):
        pass
    start()
    with sb.agent_run("first"):
        pass
    start()
    with sb.agent_run("second"):
        pass
    captured_spans.assert_tree("agent_run before [ok]\\nagent_run first [ok]\\nagent_run second [ok]")
    assert [span.service_name for span in captured_spans.spans] == ["test", "bot", "bot"]
    assert [trace.name for trace in sb.open_store("sqlite:///traces.db").list_traces()] == ["second", "first"]

def test_what_was_configured_is_gone(captured_spans):
    with sb.agent_run("after"):
        pass
    assert [span.service_name for span in captured_spans.spans] == ["test"]

def test_difference(captured_spans):
    captured_spans.assert_tree("agent_run support [ok]")
"""


def test_as_a_pytest_plugin(tmp_path):
    """A test suite that has the plugin can use the fixture; a failure shows the difference and none of the plugin's code."""
    (tmp_path / "test_app.py").write_text(APPLICATION_TEST)
    # Loaded by name: where spanbridge is not installed but on the path, there is no entry point to find it by.
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "spanbridge.testing",
        "-p",
        "no:cacheprovider",
        "-q",
        "test_app.py",
    ]

    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=180)

    assert "1 failed, 4 passed" in done.stdout
    assert "E       - agent_run support [ok]" in done.stdout
    assert "+ (no spans)" in done.stdout
    assert "raise AssertionError" not in done.stdout


def test_importing_the_plugin_is_light():
    """pytest imports the plugin at every start: nothing heavy comes with it."""
    script = (
        "import sys; before = set(sys.modules); import spanbridge.testing; "
        "print(*sorted(set(sys.modules) - before), sep='\\n')"
    )

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    modules = set(loaded.stdout.split())
    assert "spanbridge.testing" in modules
    assert not modules & {"pydantic", "rich", "rich.console", "sqlite3", "genai_prices", "re2", "hyperscan", "click"}
    assert not {name for name in modules if name.startswith(("spanbridge.exporters", "spanbridge.configuration"))}
