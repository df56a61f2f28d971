"""One configuration at work: what `configure` builds and returns."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from spanbridge import forks
from spanbridge.configuration.assembly import build_bridge, build_pipeline, build_tracer, open_bridge
from spanbridge.configuration.settings import Settings, resolve_settings
from spanbridge.containment import contain, warn
from spanbridge.errors import ConfigurationError
from spanbridge.interpreter_end import deliver_first
from spanbridge.tracing.openers import Openers
from spanbridge.tracing.tracer import TracerSlot, default_slot

if TYPE_CHECKING:
    from collections.abc import Generator

    from spanbridge.pipeline.pipeline import Pipeline
    from spanbridge.protocols import Bridge, Exporter, Store
    from spanbridge.tracing.bridging import Bridging

DEFAULT_TIMEOUT_S = 5.0
MAX_TIMEOUT_S = min(24 * 86400.0, threading.TIMEOUT_MAX)
"""What a wait without a limit waits for; more, sockets and some platforms' locks refuse."""


class Observability(Openers):
    """A configuration at work: its openers, its pipeline and its exits.

    `spanbridge.configure(...)` makes the default one, which the module-level functions use. Others made directly work beside it: their
    openers are their methods (`other.agent_run(...)`), and their spans never mix with the default's.
    """

    def __init__(self, **settings: Any) -> None:
        """Takes the settings of `spanbridge.configure`; raises ConfigurationError as it does."""
        self._start(resolve_settings(settings), TracerSlot())

    @classmethod
    def _in_slot(cls, settings: Settings, slot: TracerSlot) -> Observability:
        observability = cls.__new__(cls)
        observability._start(settings, slot)
        return observability

    def _start(self, settings: Settings, slot: TracerSlot) -> None:
        self.settings = settings
        self._slot = slot
        self._store: Store | None = None
        self._pipeline: Pipeline | None = None
        super().__init__(slot)
        tracer = None
        if not settings.disabled:
            bridge = build_bridge(settings)
            pipeline = self._pipeline = build_pipeline(settings)
            tracer = build_tracer(settings, pipeline)
            if bridge is not None:
                tracer.bridging = self._bridging(bridge, pipeline)
            _at_work.add(self)
        slot.fill(tracer)

    def _bridging(self, bridge: Bridge, pipeline: Pipeline) -> Bridging | None:
        """Opens the bridge and ties it to the pipeline; None where it cannot work."""
        settings = self.settings
        exporters = [runner.exporter for runner in pipeline.runners]
        if not open_bridge(bridge, settings, exporters, lambda: self.shutdown(settings.exit_timeout_s), pipeline.drain):
            return None
        from spanbridge.pipeline.bridge_finish import BridgeFinish  # noqa: PLC0415 - loads with a bridge
        from spanbridge.tracing.bridging import Bridging  # noqa: PLC0415 - as above

        bridging = Bridging(bridge, pipeline.intake)
        pipeline.bridge = BridgeFinish(bridging)
        deliver_first(_at_exit)  # also before the handlers of the tracer that was just imported
        return bridging

    @property
    def store(self) -> Store:
        """The store that spans are written to, opened for reading. Raises ConfigurationError where there is none."""
        if self._pipeline is None or self._pipeline.store is None:
            reason = (
                "spanbridge is switched off" if self.settings.disabled else "the store is switched off (store=False)"
            )
            raise ConfigurationError(f"There is no store to read: {reason}.")
        return self._pipeline.store

    def flush(self, timeout: float | None = DEFAULT_TIMEOUT_S) -> bool:
        """Delivers everything recorded so far, open spans as running, within `timeout` seconds; whether it succeeded. None: no limit."""
        if self._pipeline is None:
            return True
        try:
            return self._pipeline.flush(_deadline("flush", timeout))
        except Exception as error:  # noqa: BLE001
            contain("flush", error)
            return False

    def shutdown(self, timeout: float | None = DEFAULT_TIMEOUT_S) -> bool:
        """Delivers what it can within `timeout` seconds and stops; whether all of it went out. Open spans become abandoned. None: no limit.

        Spans that start later are counted as dropped ("shutdown"). A second call does nothing.
        """
        _at_work.discard(self)
        if self._pipeline is None:
            return True
        try:
            return self._pipeline.shutdown(_deadline("shutdown", timeout))
        except Exception as error:  # noqa: BLE001
            contain("shutdown", error)
            return False

    def stats(self) -> dict[str, Any]:
        """What became of every span: `{"spans": {"started", "open", "stored", "abandoned", "dropped": {reason: n}}, "exporters": {name:
        {"delivered", "pending", "rejected": {reason: n}, "expired"}}, "ignored": {reason: n}}`."""
        return _nothing_recorded() if self._pipeline is None else self._pipeline.stats()

    def __enter__(self) -> Observability:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.shutdown()


def _deadline(call: str, timeout: Any) -> float:
    """The end of `timeout` seconds on the monotonic clock; what is no timeout is told, and taken as what comes next to it."""
    try:
        seconds = math.inf if timeout is None else float(timeout)
    except Exception:  # noqa: BLE001 - an object of the application's
        seconds = DEFAULT_TIMEOUT_S
        warn(call, f"{call}(timeout=...) takes seconds or None, not {type(timeout).__name__}; {seconds} is taken")
    if not seconds >= 0:  # nor is NaN
        warn(call, f"{call}(timeout={seconds}) takes seconds from 0 on, or None; 0 is taken")
        seconds = 0.0
    return time.monotonic() + min(seconds, MAX_TIMEOUT_S)


def _nothing_recorded() -> dict[str, Any]:
    """`stats()` where nothing is configured; the caller's own."""
    return {
        "spans": {"started": 0, "open": 0, "stored": 0, "abandoned": 0, "dropped": {}},
        "exporters": {},
        "ignored": {},
    }


_at_work: set[Observability] = set()
"""Those that have not been shut down: kept alive, because an application may keep nothing but their openers."""
_default: Observability | None = None
_added_exporters: tuple[Exporter, ...] = ()
"""Those that every default instance gets beside its own, in a block of `temporarily`."""
_configuring = threading.RLock()


def configure(**settings: Any) -> Observability:
    """Configures the default instance, which the module-level functions use; see `spanbridge.configure`."""
    global _default  # noqa: PLW0603 - the one default instance
    with _configuring:
        before = _default
        # Wrong settings raise here, and leave what is in force as it is. The new tracer is in its slot before the old one stops: no gap.
        resolved = resolve_settings(settings)
        if _added_exporters:
            resolved = replace(resolved, exporters=[*_added_exporters, *resolved.exporters])
        _default = Observability._in_slot(resolved, default_slot)  # pyright: ignore[reportPrivateUsage]
        if before is not None:
            before.shutdown(before.settings.exit_timeout_s)
        return _default


@contextmanager
def temporarily(*exporters: Exporter, **settings: Any) -> Generator[Observability]:
    """Another default instance for a block; what was in force before is untouched, and in force again after it.

    `exporters` stay for the whole block: also what the block itself configures gets them.
    """
    global _default, _added_exporters  # noqa: PLW0603
    before, tracer_before, added_before = _default, default_slot.tracer, _added_exporters
    _default = None  # `configure` would shut it down
    _added_exporters = exporters
    try:
        yield configure(**settings)
    finally:
        shutdown()  # whatever is in force now: the block may have configured another
        _default, _added_exporters = before, added_before
        default_slot.fill(tracer_before)


def default_observability() -> Observability | None:
    """What the last `configure` made; None before the first."""
    return _default


def flush(timeout: float | None = DEFAULT_TIMEOUT_S) -> bool:
    """`Observability.flush` of the default instance; True where nothing is configured."""
    return _default is None or _default.flush(timeout)


def shutdown(timeout: float | None = DEFAULT_TIMEOUT_S) -> bool:
    """`Observability.shutdown` of the default instance; True where nothing is configured."""
    return _default is None or _default.shutdown(timeout)


def stats() -> dict[str, Any]:
    """`Observability.stats` of the default instance; zeros where nothing is configured."""
    return _nothing_recorded() if _default is None else _default.stats()


def _at_exit() -> None:
    """Delivers what is left, within one deadline for all instances."""
    deadline = time.monotonic() + max((item.settings.exit_timeout_s for item in _at_work), default=0.0)
    for item in list(_at_work):
        item.shutdown(max(0.0, deadline - time.monotonic()))


def _after_fork_in_child() -> None:
    for item in list(_at_work):
        if item._pipeline is not None:  # pyright: ignore[reportPrivateUsage]
            item._pipeline.after_fork_in_child()  # pyright: ignore[reportPrivateUsage]


deliver_first(_at_exit)
forks.in_child(_after_fork_in_child)
