"""What is ambient here, for code that runs elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

from spanbridge.tracing.context import ambient, in_force

if TYPE_CHECKING:
    from collections.abc import Callable

    from spanbridge.tracing.context import Scope

P = ParamSpec("P")
R = TypeVar("R")


class Carried:
    """Our part of a context, and nothing of the application's; `run` may be called any number of times, in many threads at once."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope | None) -> None:
        self._scope = scope

    @classmethod
    def from_here(cls) -> Carried | None:
        """What is ambient here; None where nothing is, so that nothing needs to be carried."""
        scope = in_force()
        return None if scope is None else cls(scope)

    def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls `function` with what was ambient there; what was ambient here is so again afterwards, whatever `function` left open."""
        token = ambient.set(self._scope)
        native = None if self._scope is None else self._scope.activate_elsewhere()
        try:
            return function(*args, **kwargs)
        finally:
            if native is not None:
                native()
            ambient.reset(token)


NOTHING = Carried(None)
"""Runs code as if nothing were ambient."""
