"""What `flush` and `shutdown` take for a timeout."""

import math
from decimal import Decimal

import pytest

import spanbridge as sb
from recording import HangingExporter, accounted

NOT_NUMBERS = ["soon", object(), [1]]


@pytest.mark.parametrize("timeout", [None, math.inf, 1e12, 1e300, 60, Decimal(60), *NOT_NUMBERS])
def test_a_timeout_that_is_long_or_none(timeout, caplog):
    """None and what no clock can measure mean "as long as it takes"; what is no number means the default, and is told."""
    memory = sb.InMemoryExporter()
    observability = sb.Observability(store="sqlite:///traces.db", exporters=[memory])
    for name in ("flushed", "shut down"):
        with observability.agent_run(name):
            pass
        done = observability.flush(timeout) if name == "flushed" else observability.shutdown(timeout)
        assert done

    assert [span.name for span in memory.spans] == ["flushed", "shut down"]
    accounted(observability.stats())
    told = [record.message for record in caplog.records if "takes seconds or None" in record.message]
    assert bool(told) == (timeout in NOT_NUMBERS)
    assert not [record for record in caplog.records if "failed" in record.message]


@pytest.mark.parametrize("timeout", [math.nan, -1, -math.inf])
def test_a_timeout_that_cannot_be(timeout, caplog):
    """It is told and taken as 0: nothing is waited for, and everything counted."""
    hanging = HangingExporter()
    observability = sb.Observability(store=False, exporters=[hanging])
    with observability.agent_run("a"):
        pass

    assert observability.flush(timeout) is False
    assert hanging.entered.wait(30)
    assert observability.shutdown(timeout) is False
    hanging.release.set()

    accounted(observability.stats())
    assert f"flush(timeout={float(timeout)}) takes seconds from 0 on, or None; 0 is taken" in caplog.text
