"""The ambient span: one context variable, right in threads and tasks because `contextvars` is.

What that module alone does not give is settled in `Scope`: blocks that are left out of order or in another context than they were
entered in, and blocks inside the body of a generator, which must not stay ambient while the generator rests between two items.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import sys
import threading
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType, TracebackType

    from typing_extensions import Self

    from spanbridge.tracing.active_span import Span
    from spanbridge.tracing.tracer import Tracer

T = TypeVar("T")

ambient: ContextVar[Any] = ContextVar("spanbridge_span", default=None)
"""The innermost `Scope` that is entered in this context, or None. Read it through `innermost`: it may be one that rests."""
get_ambient, set_ambient, reset_ambient = ambient.get, ambient.set, ambient.reset
"""For the path of every span: looking a method up on an imported object costs more than calling it."""

pinned: ContextVar[Any] = ContextVar("spanbridge_pinned", default=None)
"""A scope that is in force in this context although its generator rests: it was when `wrap_context` kept the context."""

NEW, RECORDING, ENDED, SILENT, SUPPRESSED, REMOTE, CONTEXT = range(7)
"""States of a scope. The first five are a span's: not started, recording, ended, not recorded (sampled out, overflow, not configured),
and started where recording is suppressed; that one stands for the block of `suppress` too. Then a remote parent, and a request context,
which is looked through."""

GENERATOR_FLAGS = 0x20 | 0x200
"""`inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR`, without loading that module."""
ENTERING = frozenset({"__enter__", "__aenter__", "enter_context", "enter_async_context"})
"""Functions that enter a block for their caller."""


class Scope:
    """What can stand in `ambient`: a span, a remote parent, or a block of `suppress`. Defaults stand on the class: entering sets little."""

    _state = NEW
    _tracer: Tracer | None = None
    _token: Token[Any] | None = None
    _parent_for: Tracer | None = None
    """The tracer whose spans may take this scope for their parent without another look."""
    _plain = True
    """False where leaving the block, or finding the scope in `ambient`, needs another look."""
    _frame: FrameType | None = None
    """The generator's frame in which the block was entered."""
    _entered_by: Any = None
    """The task or thread that entered the block, where it stands in a generator."""
    _left = False
    """Whether the block was left in another context than it was entered in: where it still is ambient, it is nobody's parent."""
    _outer_scope: Scope | None = None
    """What to go on with after the block where `_token` does not say it (any more); see `_has_outer_scope`."""
    _has_outer_scope = False
    _is_over_resting = False
    """Whether generators rested in this context when the block was entered: they may go on inside it."""
    _entered_in: Scope | None = None
    """What was in force then, where they rested."""
    native: Any = None
    """Where a bridge is on: the native span or remote parent that what starts inside attaches to, its own or one further out."""
    between: int | None = None
    """The id of another tracer's span that stands between the native span and that of the parent."""
    has_native = False
    """Whether `native` is the scope's own span."""
    _block: Any = None
    """The `Block` that made the scope, if one did."""

    def activate_elsewhere(self) -> Callable[[], None] | None:
        """Called where the scope has become ambient in another thread; what is returned is called before it no longer is.

        For spans with native ones; what is no span passes it on to what is around it.
        """
        outer = first_in_force(self._outer()) if self._state in (SUPPRESSED, CONTEXT) else None
        return None if outer is None else outer.activate_elsewhere()

    def _outer(self) -> Scope | None:
        """What was ambient when this scope was entered, and still is to be when it is left."""
        if self._has_outer_scope:
            return self._outer_scope
        token = self._token
        return None if token is None or token.old_value is token.MISSING else token.old_value

    def _enter_block(self, frame: FrameType) -> None:
        """Makes the scope ambient for a block that stands in `frame`."""
        outer = ambient.get()
        token = ambient.set(self)
        if self._token is None:
            self._token = token
        if outer is not None and not outer._plain:
            self._stand_over(outer)
        code = frame.f_code
        if code.co_flags & GENERATOR_FLAGS or code.co_name in ENTERING:
            self._stand_in(frame)

    def _set_outer(self, outer: Scope | None) -> None:
        self._outer_scope = outer
        self._has_outer_scope = True
        self._plain = False

    def _stand_in(self, frame: FrameType) -> None:
        """The block is entered in the body of a generator, whose frame this is."""
        standing = _standing(frame)
        if standing is not None:
            self._frame = standing
            self._entered_by = execution()
            self._plain = False
            self._parent_for = None

    def _stand_over(self, outer: Scope) -> None:
        """The block is entered where `outer` is ambient, and perhaps rests."""
        in_force = first_in_force(outer)
        if in_force is not outer:
            self._is_over_resting = True
            self._entered_in = in_force
            self._plain = False
            self._parent_for = None

    def _leave(self) -> bool:
        """Takes the scope out of `ambient`, wherever it stands there; False where it does not stand in this context."""
        outer, innermost = self._outer(), ambient.get()
        self._frame = self._entered_by = None
        if not self._was_entered_here():
            self._left = True
            self._plain = False
            self._parent_for = None
        inner: Scope | None = innermost
        stays = False
        while inner is not None and inner is not self:
            # The body of a generator goes on after this, and so does the code that iterates over the one that this block stands in; any
            # other block inside this one should have been left before.
            stays = stays or inner._frame is not None or inner._is_over_resting or inner._block is not None
            around = inner._outer()
            if around is self and stays:
                inner._set_outer(outer)  # whoever is left last restores what was before both
                ambient.set(innermost)
                return True
            inner = around if around is not inner else None
        ambient.set(outer if inner is self else innermost)
        if inner is self and not self._left:
            self._forget_outer()
        return inner is self

    def _forget_outer(self) -> None:
        """Lets go of what is around a span that was left: it would hold the one around that, and so on, for as long as a task holds it.

        It may be the parent of late spans without it. What stands for no parent itself, and a span around of another configuration, are
        still looked through.
        """
        outer = self._outer()
        if RECORDING <= self._state <= ENDED and (
            outer is None or outer._tracer is None or outer._tracer is self._tracer
        ):
            self._token = self._outer_scope = self._entered_in = None

    def _leave_counted(self) -> str | None:
        """Leaves the block; what was wrong with that, if anything."""
        in_generator, in_order = self._frame is not None, innermost() is self
        found = self._leave()
        if in_generator or (in_order and not self._left):
            return None
        return "left_out_of_order" if found and not self._left else "wrong_context"

    def _was_entered_here(self) -> bool:
        """Whether this is the context that the block was entered in; in a copy of it, the original keeps the scope."""
        if self._token is not None:
            try:
                ambient.reset(self._token)
            except ValueError:
                return False
            except RuntimeError:  # entered several times
                pass
        return True

    def _rests(self) -> bool:
        """Whether the block must be passed over here: its generator rests, and this is the code that iterates over it."""
        if self._left:
            return True
        frame = self._frame
        if frame is None or frame.f_back is not None or pinned.get() is self:
            return False
        # A frame that does not run has no caller. A task or thread that was started inside the block is still inside.
        return self._entered_by == execution()

    def _goes_on_inside(self) -> Scope | None:
        """The block of a generator that rested when this one was entered, and whose body runs now, inside of this one."""
        scope = self._outer() if self._is_over_resting else None
        while scope is not None and scope is not self._entered_in:
            frame = scope._frame
            if frame is not None and frame.f_back is not None and scope._entered_by == execution():
                return scope
            scope = scope._outer()
        return None


def _standing(frame: FrameType | None) -> FrameType | None:
    """The generator in whose body a block stands that was entered in `frame`; None where that is no generator's.

    A generator that was made a context manager of (`contextlib.contextmanager`) rests exactly while the block runs that it stands for.
    """
    while frame is not None:
        if frame.f_code.co_name in ENTERING:
            frame = frame.f_back
            continue
        if not frame.f_code.co_flags & GENERATOR_FLAGS:
            return None
        caller = frame.f_back
        if caller is None or caller.f_code.co_name not in ENTERING:
            return frame
        frame = caller
    return None


def first_in_force(scope: Scope | None) -> Scope | None:
    """The innermost scope in force where `scope` is ambient."""
    while scope is not None and not scope._plain:
        if not scope._rests():
            return scope._goes_on_inside() or scope
        scope = scope._outer()
    return scope


def in_force() -> Any:
    """The innermost scope in force, or None: what to hand on to code that runs elsewhere."""
    return first_in_force(ambient.get())


def innermost() -> Any:
    """The innermost scope in force that is more than a request context, or None."""
    scope = first_in_force(ambient.get())
    while scope is not None and scope._state == CONTEXT:
        scope = first_in_force(scope._outer())
    return scope


def is_suppressed() -> bool:
    """Whether nothing is recorded here because of `suppress()`."""
    scope = innermost()
    return scope is not None and scope._state == SUPPRESSED


def execution() -> Any:
    """What runs now: asyncio's or trio's task, else the thread."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            task = asyncio.current_task()
        except RuntimeError:  # no loop runs in this thread
            task = None
        if task is not None:
            return task
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return trio.lowlevel.current_task()
        except RuntimeError:
            pass
    return threading.get_ident()


def current_span() -> Span | None:
    """The innermost span that is entered in this task or thread; None outside of every span and under `suppress()`.

    While spanbridge is not configured or switched off, it is a span that records nothing: code that uses it runs unchanged.
    """
    scope = innermost()
    return None if scope is None or scope._state >= SUPPRESSED else scope


def update_current(**changes: Any) -> None:
    """`current_span().set(**changes)`, and nothing where there is no current span."""
    span = current_span()
    if span is not None:
        span.set(**changes)


class Block:
    """A `with` or `async with` block that makes a scope ambient; entered as often, and in as many tasks and threads, as one likes."""

    def __enter__(self) -> Self:
        self._enter(sys._getframe(1))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._exit()

    def __aenter__(self) -> Ready[Self]:
        self._enter(sys._getframe(1))
        return Ready(self)

    def __aexit__(self, *exc_info: object) -> Ready[None]:
        self._exit()
        return Ready(None)

    def _enter(self, frame: FrameType) -> None:
        scope = self._scope()
        if scope is not None:
            scope._block = self
            self._entered = (*self._entered, scope)
            scope._enter_block(frame)

    def _exit(self) -> None:
        """Leaves what this context has entered last, else what was entered last elsewhere."""
        scope = ambient.get()
        while scope is not None and scope._block is not self:
            scope = scope._outer()
        if scope is None and self._entered:
            scope = self._entered[-1]
        if scope is not None:
            self._entered = tuple(entered for entered in self._entered if entered is not scope)
            wrong = scope._leave_counted()
            if wrong is not None:
                self._was_left(wrong)

    _entered: tuple[Scope, ...] = ()

    def _scope(self) -> Scope | None:
        """A new scope for one entry; None: the block changes nothing."""
        raise NotImplementedError

    def _was_left(self, wrong: str) -> None:
        """Called where the block was left out of order or in another context."""


class suppress(Block):  # noqa: N801 - reads as a statement, like contextlib.suppress
    """`with suppress():` records no span that starts inside, in this task or thread and what it starts; `async with` works too."""

    def _scope(self) -> Scope:
        return _Suppressed()


class _Suppressed(Scope):
    """One block in which nothing is recorded."""

    _state = SUPPRESSED


class Ready(Generic[T]):
    """Something to await that is there already: a coroutine's frame would stand between a block and what enters it."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, T]:
        return self._value
        yield
