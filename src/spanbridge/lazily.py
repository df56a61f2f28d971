"""Attributes that are made when they are first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

_Value = TypeVar("_Value")


class lazily(Generic[_Value]):  # noqa: N801 - named as what it is used as, a decorator
    """As `functools.cached_property` from Python 3.12 on: two threads may make the value, the last one stays.

    Before, one lock is held for all instances while a value is made. A fork copies that lock, and where another thread held it, nobody in
    the child ever gets it.
    """

    def __init__(self, make: Callable[[Any], _Value]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> _Value: ...
    def __get__(self, instance: object | None, owner: type) -> Self | _Value:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._make(instance)
        return value
