"""wrapt's proxies, generic for the type checker only.

They take type arguments since wrapt 2.0, which older releases of OpenTelemetry's instrumentations do not allow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import wrapt

if TYPE_CHECKING:
    BoundFunctionWrapper: TypeAlias = wrapt.BoundFunctionWrapper[Any, Any]
    FunctionWrapper: TypeAlias = wrapt.FunctionWrapper[Any, Any]
    ObjectProxy: TypeAlias = wrapt.ObjectProxy[Any]
else:
    BoundFunctionWrapper, FunctionWrapper, ObjectProxy = (
        wrapt.BoundFunctionWrapper,
        wrapt.FunctionWrapper,
        wrapt.ObjectProxy,
    )

__all__ = ["BoundFunctionWrapper", "FunctionWrapper", "ObjectProxy"]
