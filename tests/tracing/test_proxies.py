"""wrapt before 2.0, which the instrumentations of older OpenTelemetry releases ask for."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import wrapt

for name in ("BoundFunctionWrapper", "FunctionWrapper", "ObjectProxy"):
    # As before wrapt 2.0: no type arguments.
    setattr(wrapt, name, type(name, (getattr(wrapt, name),), {"__class_getitem__": None}))

import spanbridge as sb
from spanbridge.tracing import middleware, wrap_context

exported = sb.InMemoryExporter()
sb.configure(store=False, exporters=[exported])

@sb.tool_call
def search():
    return 1

@sb.tool_call
def items():
    yield 1

search(), list(items())
sb.flush()
print(sorted(span.name for span in exported.spans))
"""


def test_no_type_arguments_are_needed() -> None:
    """Proxies need no type arguments when the program runs."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)

    assert done.stdout == "['items', 'search']\n", done.stderr
