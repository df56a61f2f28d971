"""Spans as JSON Lines: one object per ended span, appended to a file."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from spanbridge.errors import ConfigurationError
from spanbridge.model.payload import encode
from spanbridge.protocols import Retry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spanbridge.model.span import SpanRecord
    from spanbridge.protocols import ExportResult

DEFAULT_PATH = "spans.jsonl"

_FLAGS = (
    os.O_WRONLY
    | os.O_APPEND
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    # A link that somebody planted would send the spans elsewhere; opening a pipe would wait for its reader.
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG})


class JsonLinesExporter:
    """Appends each ended span as one line of JSON, with the fields of `SpanRecord.to_dict`.

    A batch is one write of whole lines to a file opened for appending, so that several processes may share it. The file is
    made with mode 0600. When it was moved away or deleted (logrotate), a new one is made. A disk that is full makes the
    batch wait; what it took of the batch is taken back, or ended where another process has written behind it, and the batch written again.

    Args:
        path: The file; its folder must exist.

    Raises ConfigurationError if the file cannot be opened, is a link or no regular file, or belongs to another user.
    """

    name = "jsonl"
    accepts_running = False

    def __init__(self, path: str | os.PathLike[str] = DEFAULT_PATH) -> None:
        self._path = os.path.abspath(path)  # noqa: PTH100 - the working folder may change; links are not resolved
        self._cut_short = False
        try:
            self._descriptor = _open(self._path)
        except OSError as error:
            raise ConfigurationError(
                f"The JSON Lines exporter cannot write {self._path}: {error.strerror}. "
                "Give the path of a regular file of your own, in a folder that exists."
            ) from error

    def export(self, batch: Sequence[SpanRecord], /) -> ExportResult | None:
        lines = b"".join(encode(record.to_dict()) + b"\n" for record in batch)
        try:
            self._reopen_if_moved()
            self._write(b"\n" + lines if self._cut_short else lines)
        except OSError as error:
            return Retry(reason="disk_full" if error.errno in _FULL else "write_error")
        return None

    def flush(self, _deadline: float, /) -> None:
        """Every batch has left the process when `export` returns."""

    def shutdown(self, _deadline: float, /) -> None:
        """Closes the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes) -> None:
        written = 0
        start = os.fstat(self._descriptor).st_size
        try:
            # One write, as a rule; a disk that fills up takes a part first and fails then.
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
            self._cut_short = False
        except OSError:
            before, self._cut_short = self._cut_short, self._cut_short or written > 0
            if os.fstat(self._descriptor).st_size == start + written:  # nobody has written behind it
                os.ftruncate(self._descriptor, start)
                self._cut_short = before
            raise

    def _reopen_if_moved(self) -> None:
        if self._descriptor >= 0:
            try:
                there, ours = os.stat(self._path, follow_symlinks=False), os.fstat(self._descriptor)  # noqa: PTH116
                if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                    return
            except FileNotFoundError:
                pass
            self.shutdown(0)
        self._descriptor = _open(self._path)
        self._cut_short = False


def _open(path: str) -> int:
    descriptor = os.open(path, _FLAGS | os.O_CREAT, 0o600)
    status = os.fstat(descriptor)
    problem = 0
    if not stat.S_ISREG(status.st_mode):
        problem = errno.EINVAL
    elif hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        problem = errno.EPERM
    if problem:
        os.close(descriptor)
        raise OSError(problem, os.strerror(problem), path)
    return descriptor
