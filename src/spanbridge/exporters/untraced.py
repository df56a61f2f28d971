"""urllib3 past every instrumentation: what an exporter sends makes no spans, whatever tracers run beside it.

Loads urllib3, which the core does not depend on: for exporters that do.
"""

from __future__ import annotations

import inspect
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


def untraced_pool_classes() -> dict[str, Any]:
    """What a `PoolManager` makes its connections of, by scheme, for its `pool_classes_by_scheme`."""
    # ddtrace's own mark for connections that its instrumentation of http.client leaves alone.
    mark = {"_dd_no_trace": True}
    plain = without_wrappers(HTTPConnectionPool, "urlopen")
    secure = without_wrappers(HTTPSConnectionPool, "urlopen")
    plain.ConnectionCls = type("UntracedHTTPConnection", (HTTPConnection,), mark)
    secure.ConnectionCls = type("UntracedHTTPSConnection", (HTTPSConnection,), mark)
    return {"http": plain, "https": secure}


def without_wrappers(cls: type, *methods: str) -> Any:
    """A subclass of `cls` with its methods as they were before anybody wrapped them; later wrappers do not reach it either."""
    return type(f"Untraced{cls.__name__}", (cls,), {name: inspect.unwrap(getattr(cls, name)) for name in methods})
