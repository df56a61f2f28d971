"""Wrappers of functions that are copied and pickled as functions are."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from copy import deepcopy
from typing import Any

from spanbridge.tracing.proxies import BoundFunctionWrapper, FunctionWrapper


class _BoundFunction(BoundFunctionWrapper):
    """A wrapped function as a method of an instance or class."""

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        # As Python's bound methods: of a copy of the object.
        return getattr(deepcopy(self._self_instance, memo), self.__name__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return getattr, (self._self_instance, self.__name__)


class WrappedFunction(FunctionWrapper):
    """`wrapt.FunctionWrapper`, which stands for a function in every respect, also when it is copied or pickled: by its name."""

    __bound_function_wrapper__ = _BoundFunction

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__qualname__
