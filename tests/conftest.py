"""Every test gets a clean environment, a state folder of its own, and no leftover configuration; contained errors are fatal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from spanbridge import containment
from spanbridge.model import payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# A busy machine is no fault of what is tested: no example has a time limit.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_xdist_auto_num_workers() -> int:
    """More than there are processors: many tests wait, for a server or for a program that they start."""
    return (os.cpu_count() or 1) + 2


_FOREIGN_VARIABLES = ("DD_", "OTEL_", "SPANBRIDGE_")
_NAMED_VARIABLES = ("APP_ENV", "ENVIRONMENT", "ENV")


@pytest.fixture(scope="session", autouse=True)
def own_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of the session, for what is made once for several tests; each test has one of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable, file or default store of the machine reaches a test."""
    for name in os.environ:
        if name.startswith(_FOREIGN_VARIABLES) or name in _NAMED_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # A busy disk is no fault of what is tested, either: a program has time to deliver at its exit.
    monkeypatch.setenv("SPANBRIDGE_EXIT_TIMEOUT_S", "20")
    # Nor is a busy processor: of 20 ms a payload may be recorded in, other processes take their share.
    monkeypatch.setattr(payload, "SLOW_PATH_BUDGET_S", 60.0)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def no_leftover_configuration() -> Iterator[None]:
    """What a test configured is shut down after it, and the module-level openers are no-ops again. No span is left ambient."""
    yield
    from spanbridge import observability
    from spanbridge.tracing.context import ambient, in_force
    from spanbridge.tracing.tracer import default_slot

    left = in_force()
    ambient.set(None)  # it would be the parent of the next test's spans, or suppress them

    observability.shutdown(timeout=5)
    observability._default = None
    default_slot.tracer = None
    assert left is None, f"left ambient: {left!r}"


@pytest.fixture(autouse=True)
def contained_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, BaseException]]]:
    """What production contains fails the test, unless the test takes it: `contained_errors.clear()` after looking at it."""
    errors: list[tuple[str, BaseException]] = []
    warn = containment.warn

    def record(place: str, message: str) -> None:
        # Modules hold their own reference to `contain`, those that load later too; what all share is the `warn` behind it.
        caller = sys._getframe(1)
        if caller.f_code is containment.contain.__code__:
            errors.append((place, caller.f_locals["error"]))
        warn(place, message)

    monkeypatch.setattr(containment, "warn", record)
    monkeypatch.setattr(containment, "_last_logged", {})
    yield errors
    assert not errors, f"contained: {errors}"


@pytest.fixture
def contained_places(contained_errors: list[tuple[str, BaseException]]) -> Iterator[Callable[[], set[str]]]:
    """For tests that inject faults: what it returns are the places that have failed so far; they do not fail the test."""
    yield lambda: {place for place, _ in contained_errors}
    contained_errors.clear()
