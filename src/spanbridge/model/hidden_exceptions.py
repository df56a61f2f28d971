"""Exceptions that may quote what a span hides: marked as they pass through it, and known wherever they, or others that they caused, go."""

from __future__ import annotations

from typing import Any

HIDDEN = "[hidden]"
"""In the place of a message that may quote what is hidden."""
MAX_LOOKED_AT = 1000
"""Exceptions behind one that are asked."""
_MARK = "__spanbridge_hides__"


def mark(error: BaseException) -> None:
    """Says of `error` that it may quote what is hidden; it is the application's, and stays what it is otherwise."""
    error.__dict__[_MARK] = True


def may_quote(error: BaseException | None) -> bool:
    """Whether `error`, or one behind it, is marked."""
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending and len(seen) < MAX_LOOKED_AT:
        item = pending.pop()
        if item is None or id(item) in seen:
            continue
        if _MARK in item.__dict__:
            return True
        seen.add(id(item))
        # Also a context that is suppressed: `raise Other(f"... {error}") from None`.
        pending += (own(item, "__cause__"), own(item, "__context__"), *members_of(item))
    return False


def own(error: BaseException, name: str) -> Any:
    """What Python itself keeps of `error` under `name`; its class may have something of the application's there."""
    return BaseException.__dict__[name].__get__(error)


def members_of(error: BaseException) -> list[BaseException]:
    """Those of an exception group, also one of the package `exceptiongroup`, which Python 3.10 needs."""
    if not any(cls.__name__.endswith("ExceptionGroup") for cls in type(error).__mro__):
        return []
    members: Any = getattr(error, "exceptions", None)
    if not isinstance(members, tuple):
        return []
    return [member for member in members if isinstance(member, BaseException)]  # pyright: ignore[reportUnknownVariableType]
