import contextvars
import os
import subprocess
import sys
from pathlib import Path

import pytest

import spanbridge as sb

ZEROS = {"spans": {"started": 0, "open": 0, "stored": 0, "abandoned": 0, "dropped": {}}, "exporters": {}, "ignored": {}}


def use_everything():
    with sb.agent_run("a", input={"x": [1]}, session_id="s", tags=["t"]) as run:
        run.set(output=object(), metadata={"m": 1})
        run.event("e")
        run.error(ValueError("x"))
        sb.update_current(output=1)
        with sb.tool_call("b", parent=run, links=[run]) as tool:
            tool.end(output=1)
            tool.end()
        span = sb.start_span(sb.SpanType.GENERIC, "c")
        span.end()
    return run


def test_not_configured():
    """Without a configuration, everything runs and records nothing."""
    run = use_everything()

    assert (run.trace_id, run.span_id, run.is_recording) == (None, None, False)
    assert sb.stats() == ZEROS
    assert sb.flush() is True
    assert sb.shutdown() is True
    assert sb.current_span() is None


def test_not_configured_is_current():
    """Code that uses the current span runs unchanged without a configuration."""
    with sb.agent_run("a") as run:
        assert sb.current_span() is run


def test_not_configured_raises_what_the_block_raises():
    """Exceptions pass through."""
    with pytest.raises(KeyError), sb.agent_run("a"):
        raise KeyError("x")


def test_not_configured_starts_nothing():
    """Opening spans without a configuration starts no thread and loads no configuration, store or processor."""
    code = (
        "import sys, threading, spanbridge as sb\n"
        "with sb.agent_run('a', input=[1]): pass\n"
        "assert threading.active_count() == 1\n"
        "heavy = {'pydantic', 'rich', 'sqlite3', 'genai_prices', 're2', 'hyperscan', 'wrapt', 'click', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


@pytest.mark.parametrize("switch", ["argument", "variable"])
def test_kill_switch(switch, monkeypatch):
    """`disabled` and SPANBRIDGE_DISABLED switch everything off, and no file is written."""
    if switch == "variable":
        monkeypatch.setenv("SPANBRIDGE_DISABLED", "1")
    memory = sb.InMemoryExporter()
    observability = sb.configure(
        exporters=[memory], store="sqlite:///traces.db", disabled=True if switch == "argument" else None
    )
    use_everything()

    assert sb.flush()
    assert observability.stats() == ZEROS
    assert memory.spans == []
    assert not Path("traces.db").exists()
    with pytest.raises(sb.ConfigurationError, match="switched off"):
        _ = observability.store


def test_suppress(captured_spans):
    """Nothing that starts inside `suppress` is recorded or counted, at any depth, also with an explicit parent; after it, all is."""
    with sb.agent_run("root") as root:
        with sb.suppress():
            assert sb.current_span() is None
            with sb.tool_call("hidden"), sb.tool_call("hidden child"):
                sb.update_current(output="nowhere")
                with sb.generic("explicit", parent=root):
                    pass
            use_everything()
        with sb.tool_call("seen"):
            pass

    captured_spans.assert_tree("agent_run root [ok]\n  tool_call seen [ok]")
    assert captured_spans.observability.stats()["spans"]["started"] == 2


def test_suppress_holds_for_every_configuration(captured_spans):
    """Under `suppress`, spans of another configuration hide nothing."""
    memory = sb.InMemoryExporter()
    with (
        sb.Observability(store=False, exporters=[memory]) as other,
        sb.suppress(),
        other.agent_run("other"),
        sb.tool_call("ours"),
        other.tool_call("other again"),
    ):
        pass

    assert memory.spans == []
    assert captured_spans.spans == []


def test_suppress_before_a_span_that_is_not_recorded():
    """A span of a configuration that is switched off does not end the suppression of one that is on."""
    memory = sb.InMemoryExporter()
    with (
        sb.Observability(store=False, exporters=[memory]) as other,
        sb.suppress(),
        sb.agent_run("off"),
        other.tool_call("on"),
    ):
        pass

    assert memory.spans == []


def test_two_configurations(captured_spans):
    """A second instance has its own spans, trees and counts; each ignores the other's spans as parents."""
    memory = sb.InMemoryExporter()
    with sb.Observability(store=False, exporters=[memory], service_name="second") as other:
        with sb.agent_run("a"), other.agent_run("b"), sb.tool_call("c"), other.tool_call("d") as span:
            assert sb.current_span() is span
        with other.agent_run("e", parent=sb.current_span()):
            pass
        other.flush()
        counted = other.stats()["spans"]["stored"]

    captured_spans.assert_tree("agent_run a [ok]\n  tool_call c [ok]")
    spans = {span.name: span for span in memory.spans}
    assert spans["d"].parent_span_id == spans["b"].span_id
    assert spans["b"].parent_span_id is None
    assert {span.service_name for span in memory.spans} == {"second"}
    assert counted == 3


def test_reconfigured_in_a_span():
    """A span that is open when a new configuration comes is abandoned in the old one; what follows is the new one's."""
    before, after = sb.InMemoryExporter(), sb.InMemoryExporter()
    old = sb.configure(store=False, exporters=[before])
    with sb.agent_run("open") as span:
        new = sb.configure(store=False, exporters=[after])
        span.set(output="late")
        with sb.tool_call("child"):
            pass
    with sb.agent_run("next"):
        pass
    sb.flush()

    assert [(span.name, span.status, span.output) for span in before.spans] == [("open", "abandoned", None)]
    assert old.stats()["spans"] == {"started": 1, "open": 0, "stored": 0, "abandoned": 1, "dropped": {}}
    assert old.stats()["ignored"] == {"update_after_shutdown": 1, "end_after_shutdown": 1}
    assert [(span.name, span.parent_span_id) for span in after.spans] == [("child", None), ("next", None)]
    assert new.stats()["spans"]["stored"] == 2
    sb.shutdown()


def test_after_shutdown(contained_errors):
    """A span that starts after the shutdown runs, records nothing and is counted; a second shutdown does nothing."""
    memory = sb.InMemoryExporter()
    observability = sb.configure(store=False, exporters=[memory])
    with sb.agent_run("before"):
        pass
    assert sb.shutdown()
    with sb.agent_run("after") as run, sb.tool_call("child"):
        assert not run.is_recording
    assert sb.shutdown()

    assert [span.name for span in memory.spans] == ["before"]
    assert observability.stats()["spans"] == {
        "started": 3,
        "open": 0,
        "stored": 1,
        "abandoned": 0,
        "dropped": {"shutdown": 2},
    }


def test_a_wrong_configuration_leaves_the_old_one():
    """A configuration that is refused leaves the one in force at work."""
    memory = sb.InMemoryExporter()
    sb.configure(store=False, exporters=[memory])
    with pytest.raises(sb.ConfigurationError, match="write_intervall_ms"):
        sb.configure(store=False, write_intervall_ms=5)
    with sb.agent_run("a"):
        pass
    sb.flush()

    assert len(memory.spans) == 1
    sb.shutdown()


def test_a_parent_that_is_suppressed_suppresses():
    """A span whose given parent was suppressed is not recorded either, and counts as nothing."""
    with sb.Observability(store=False) as observability:
        with sb.suppress():
            quiet = observability.start_span("agent_run", "quiet")
        with observability.tool_call("child", parent=quiet) as child:
            recording = child.is_recording

        assert not recording
        assert observability.stats()["spans"]["started"] == 0


def test_suppress_may_be_entered_again():
    """One `suppress()` used twice, nested: after the inner block it still suppresses, after the outer one no more."""
    quiet = sb.suppress()
    with sb.Observability(store=False) as observability:
        with quiet:
            with quiet:
                pass
            with observability.tool_call("inside") as inside:
                recorded_inside = inside.is_recording
        with observability.tool_call("after") as after:
            recorded_after = after.is_recording

    assert (recorded_inside, recorded_after) == (False, True)


def test_suppressions_left_in_any_order():
    """Two that are left in the order of their entering, as interleaved generators do, suppress until the second is left."""
    first, second = sb.suppress(), sb.suppress()
    with sb.Observability(store=False) as observability, observability.agent_run("a") as run:
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        between = sb.current_span()
        second.__exit__(None, None, None)
        after = sb.current_span()

    assert (between, after) == (None, run)


def test_a_suppression_that_is_left_elsewhere():
    """Left in a context that it was not entered in, it changes nothing there."""
    quiet, other = sb.suppress(), sb.suppress()
    contextvars.copy_context().run(quiet.__enter__)
    with sb.Observability(store=False) as observability, observability.agent_run("a") as run:
        quiet.__exit__(None, None, None)
        outside = sb.current_span()
        with other:
            quiet.__exit__(None, None, None)
            inside = sb.current_span()

    assert (outside, inside) == (run, None)
