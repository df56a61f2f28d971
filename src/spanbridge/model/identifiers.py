"""Trace and span ids: 128 and 64 random bits, as W3C Trace Context defines them; lower-case hex in text.

On the hot path ids are integers; `trace_id_hex` and `span_id_hex` write them off the caller's thread.
"""

from __future__ import annotations

import os
import re
from random import Random

# Not the global generator: an application that seeds `random` must not repeat ids.
# Random() reads the operating system's entropy; a forked child must not repeat its parent's ids.
_random = Random()  # noqa: S311 - ids need to be unique, not secret
getrandbits = _random.getrandbits
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN_ID = re.compile(r"(?!0{16})[0-9a-f]{16}")


def new_trace_id() -> int:
    """A random 128-bit integer, never zero."""
    return getrandbits(128) or 1


def new_span_id() -> int:
    """A random 64-bit integer, never zero."""
    return getrandbits(64) or 1


def trace_id_hex(trace_id: int) -> str:
    """32 lower-case hex characters."""
    return trace_id.to_bytes(16, "big").hex()


def span_id_hex(span_id: int) -> str:
    """16 lower-case hex characters."""
    return span_id.to_bytes(8, "big").hex()


def is_trace_id(value: object) -> bool:
    """Whether `value` is 32 lower-case hex characters, not all zero."""
    return isinstance(value, str) and _TRACE_ID.fullmatch(value) is not None


def is_span_id(value: object) -> bool:
    """Whether `value` is 16 lower-case hex characters, not all zero."""
    return isinstance(value, str) and _SPAN_ID.fullmatch(value) is not None
