"""The exception tree. Only configuration and reading raise; recording never does.

SpanbridgeError
├── ConfigurationError      a setting is unknown, missing or wrong: key, value and fix
├── BridgeUnavailableError  a bridge's tracer is not there, or of a version that it does not know
├── AttributesError         a span's typed attributes do not match their definition
└── StoreError              a store cannot be opened, read or written
    ├── FilterError         a filter, an order or a cursor that no store understands
    └── TraceNotFoundError  no such trace or span
"""

from __future__ import annotations


class SpanbridgeError(Exception):
    """The base of every error that spanbridge raises."""


class ConfigurationError(SpanbridgeError):
    """A setting is unknown, missing or of the wrong type; the message names the key, the value and the fix."""


class BridgeUnavailableError(SpanbridgeError):
    """A bridge cannot work here; the message says why and what to do. Logged, not raised: the application runs without the bridge."""


class AttributesError(SpanbridgeError):
    """Attributes do not match the definition of their span type; the message names each attribute and its value.

    Args:
        message: What is wrong with each.
        names: The attributes, by the names of their definition.
    """

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names


class StoreError(SpanbridgeError):
    """A store cannot be opened, read, written or migrated; the message names the address and the reason.

    Args:
        message: What happened, and the way out.
        reason: One word for counters: "store_locked", "store_full", "store_read_only", "store_not_private" (other users could read or
            replace it), "store_damaged", "store_error", or what no later try changes: "invalid_span" (a span cannot be stored, even with
            every value that does not fit left out) and "store_forked" (this process was forked while the store was at work).
    """

    def __init__(self, message: str, *, reason: str = "store_error") -> None:
        super().__init__(message)
        self.reason = reason


class FilterError(StoreError, ValueError):
    """A filter, an order, a limit or a cursor is wrong; the message names the key, the value and the fix."""


class TraceNotFoundError(StoreError, KeyError):
    """The store holds no such trace or span."""

    # KeyError shows the repr of its argument, which is meant for keys, not for sentences.
    __str__ = Exception.__str__
