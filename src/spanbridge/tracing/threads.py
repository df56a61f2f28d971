"""`instrument_threads()`: work that is handed to another thread runs inside the span that was current where it was handed over.

Only what is ambient of ours goes with the work (`Carried`): the application's context variables are left alone. What copies the whole
context itself needs none of this: asyncio's tasks and `to_thread`, anyio, trio. Process pools are other classes, and untouched.
"""

# Functions of any type pass through here; their types are unknown on purpose.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import wrapt

from spanbridge.containment import contain
from spanbridge.tracing.carried import NOTHING, Carried

SERVICE_PACKAGES = frozenset({"anyio", "asyncio", "concurrent", "logging", "multiprocessing", "spanbridge", "trio"})
"""Packages whose threads serve whoever comes: a worker must not keep the span that happened to be current when it was started."""


def instrument_threads() -> None:
    """From now on, spans in other threads are children of the span that was current where the work was handed over.

    Covers `ThreadPoolExecutor` (`submit`, `map`, and `run_in_executor` of every event loop), `threading.Thread` and `Timer`, and
    `multiprocessing.pool.ThreadPool`. A thread that is started inside a span stays inside of it as long as it runs. May be called again,
    and from any thread.
    """
    global _is_on  # noqa: PLW0603 - the one switch of what is patched once per process
    with _lock:
        _is_on = True
        for method in _methods():
            method.wrap()


def uninstrument_threads() -> None:
    """Undoes `instrument_threads`; work that was handed over before keeps its span."""
    global _is_on  # noqa: PLW0603
    with _lock:
        _is_on = False
        for method in _patched:
            method.unwrap()


class _Method:
    """A method that is wrapped while the instrumentation is on."""

    def __init__(self, owner: type, name: str, wrapper: Any) -> None:
        self._owner = owner
        self._name = name
        self._wrapper = wrapper
        self._original: Any = None
        self._installed: Any = None

    def wrap(self) -> None:
        """Wraps the method, unless that was done already, with or without somebody else's wrapper around it."""
        around = own = vars(self._owner).get(self._name)
        while around is not None:
            if around is self._installed:
                return
            around = getattr(around, "__wrapped__", None)
        self._original = own
        current = next(vars(base)[self._name] for base in self._owner.__mro__ if self._name in vars(base))
        self._installed = wrapt.FunctionWrapper(current, self._wrapper, enabled=_enabled)
        setattr(self._owner, self._name, self._installed)

    def unwrap(self) -> None:
        """Restores the method; where somebody else has wrapped it since, our wrapper stays inside and does nothing."""
        if self._installed is None or vars(self._owner).get(self._name) is not self._installed:
            return
        if self._original is None:
            delattr(self._owner, self._name)  # the base class's method shows again
        else:
            setattr(self._owner, self._name, self._original)
        self._installed = None


_lock = threading.Lock()
_patched: list[_Method] = []
_is_on = False


def _enabled() -> bool:
    return _is_on


def _methods() -> list[_Method]:
    """All methods that hand work to another thread; the modules that they stand in load with the first call."""
    if not _patched:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415
        from multiprocessing.pool import ThreadPool  # noqa: PLC0415

        # `apply` calls `apply_async`; the other methods of a pool do not call each other.
        pool = ("apply_async", "map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")
        _patched.extend(
            [
                _Method(threading.Thread, "start", _start),
                _Method(ThreadPoolExecutor, "submit", _hand_over),
                *(_Method(ThreadPool, name, _hand_over) for name in pool),
            ]
        )
    return _patched


def _hand_over(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A method whose first argument is the function that another thread is to call."""
    carried = Carried.from_here()
    if carried is None:
        return wrapped(*args, **kwargs)
    if args:
        args = (partial(carried.run, args[0]), *args[1:])
    elif "func" in kwargs:
        kwargs = {**kwargs, "func": partial(carried.run, kwargs["func"])}
    # A pool that starts its worker now starts it outside of the span.
    return NOTHING.run(wrapped, *args, **kwargs)


def _start(wrapped: Any, thread: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`Thread.start`: the instance gets a `run` of its own for this once, so that a subclass's `run` is inside too."""
    carried = Carried.from_here()
    if carried is None or _serves_others(thread):
        return wrapped(*args, **kwargs)
    attributes = vars(thread)
    had_own = "run" in attributes
    run = thread.run

    def restore() -> None:
        if had_own:
            attributes["run"] = run
        else:
            attributes.pop("run", None)

    def run_inside() -> None:
        restore()  # the thread's object may outlive the span
        carried.run(run)

    attributes["run"] = run_inside
    try:
        return wrapped(*args, **kwargs)
    except BaseException:
        restore()
        raise


def _serves_others(thread: Any) -> bool:
    """Whether the thread is a worker of a pool, or another service of the packages that have their own way with contexts."""
    try:
        target = getattr(thread, "_target", None)
        served = type(thread) if target is None else target
        module = getattr(served, "__module__", None)
        if getattr(served, "__name__", None) == "run":
            return False  # `asyncio.run` and its like run the application
        return isinstance(module, str) and module.partition(".")[0] in SERVICE_PACKAGES
    except Exception as error:  # noqa: BLE001 - the application's target
        contain("instrument_threads", error)
        return False
