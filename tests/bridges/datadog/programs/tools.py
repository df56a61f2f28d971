"""What the programs share: a server to call, and what they print at the end."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import spanbridge as sb


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: Any) -> None:
        pass


def serve() -> str:
    """Starts a server and returns its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def call(url: str, parent: str) -> None:
    """An instrumented request that is to be a child of the span called `parent`."""
    import requests

    requests.get(f"{url}/in/{parent}", timeout=30)


def report(address: str = "sqlite:///traces.db", **more: Any) -> None:
    """Ends the configuration and prints what the store has and what was counted."""
    stats_before = sb.stats()
    sb.flush(10)
    stats = sb.stats()
    sb.shutdown(10)
    with sb.open_store(address) as store:
        spans = [
            span.to_dict() for trace in store.list_traces(limit=1000) for span in store.get_trace(trace.trace_id).spans
        ]
        roots = [(trace.name, trace.trace_id) for trace in store.list_traces(limit=1000)]
    print(json.dumps({"spans": spans, "roots": roots, "stats": stats, "before": stats_before, **more}))
