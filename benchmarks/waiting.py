"""How long a thread was ready to run and no processor was free.

Mostly other programs' work. On a machine with few processors it may also be the threads of the tracer under test, so a subject that takes
this wait off shows the raw figure too.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import get_native_id


class ProcessorWait:
    """Of the thread that makes it, as Linux accounts it; always 0 where the system does not tell."""

    def __init__(self) -> None:
        path = Path(f"/proc/self/task/{get_native_id()}/schedstat")
        self._file = os.open(path, os.O_RDONLY) if path.exists() else None

    def total_ns(self) -> int:
        """So far."""
        return 0 if self._file is None else int(os.pread(self._file, 64, 0).split()[1])

    def close(self) -> None:
        """Call it when done."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
