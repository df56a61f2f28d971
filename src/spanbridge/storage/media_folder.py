"""Media beside a store: one private file per content, named by its SHA-256.

    traces.db-media/ab/abcdef....png

A file appears whole or not at all: it is written under another name and renamed. Several processes may write the same content. There is no
table of what refers to a file: each recording of a content sets its file's time, so what was last recorded before the oldest trace began
belongs to no trace that is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from hashlib import sha256 as hash_of
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from spanbridge.errors import FilterError, StoreError
from spanbridge.storage.files import create_private_folder, reason_of, require_own_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_BYTES = 1024**3
"""The default bound of all files of a folder."""
MIN_PREFIX = 8
"""The shortest prefix by which a content is found."""
_KEPT_SHARE = 0.9
"""Of the bound, what stays when it was exceeded: files are looked through once for many that go."""
_CLOCK_MARGIN_S = 60.0
_ABANDONED_AFTER_S = 3600.0
"""When a file that was never renamed is nobody's any more."""
_FIRST_CHECK_BYTES, _CHECK_EVERY_S = 16 * 1024 * 1024, 600.0
_UNFINISHED = ".unfinished-"
_SHA256_CHARACTERS = 64
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FLAGS = (
    os.O_CREAT
    | os.O_EXCL
    | os.O_WRONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def folder_beside(store: Path) -> Path:
    """The media folder of the store in this file."""
    return store.with_name(f"{store.name}-media")


class _File(NamedTuple):
    recorded_at: float
    """Seconds since the epoch, as it was last recorded."""
    size: int
    path: str


class MediaFolder:
    """The media of one store.

    Args:
        path: The folder; it is created, with mode 0700, when the first content comes.
        max_bytes: The bound of all files together; above it those that were recorded longest ago go.

    All methods may be called from any thread and process, and raise StoreError where the folder cannot be read or written.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.expired_count = 0
        """Files that this object has deleted."""
        self._unchecked_bytes = 0
        """What was written since the files were last looked through."""
        self._checked_at: float | None = None

    def put(self, sha256: str, extension: str, data: bytes) -> None:
        """Keeps a content under its hash; where it is kept already, its time of recording is set."""
        file = self.path / sha256[:2] / f"{sha256}.{extension}"
        try:
            if _size(file) == len(data):
                os.utime(file)
                return
            if not self.path.exists():
                create_private_folder(self.path)
                require_own_folder(self.path.parent)
            require_own_folder(self.path)
            file.parent.mkdir(mode=0o700, exist_ok=True)
            self._write(file, data)
        except OSError as error:
            raise StoreError(
                f"cannot keep media in {self.path}: {error.strerror or error}", reason=reason_of(error)
            ) from error
        self._unchecked_bytes += len(data)

    def get(self, sha256: str) -> bytes | None:
        """A content; None where it is not kept, or its file is damaged."""
        file = self.file(sha256)
        if file is None:
            return None
        try:
            data = file.read_bytes()
        except FileNotFoundError:  # it has just expired
            return None
        except OSError as error:
            raise StoreError(f"cannot read {file}: {error.strerror or error}", reason=reason_of(error)) from error
        return data if hash_of(data).hexdigest() == sha256 else None

    def file(self, sha256: str) -> Path | None:
        """The file of a content; None where it is not kept."""
        if not _SHA256.fullmatch(sha256):
            return None
        found = [path for name, path in self._names(sha256[:2]) if name.partition(".")[0] == sha256]
        return Path(found[0]) if found else None

    def find(self, prefix: str) -> list[str]:
        """The hashes of the contents that are kept and begin with `prefix`, in their order; FilterError where it is no such beginning."""
        if not MIN_PREFIX <= len(prefix) <= _SHA256_CHARACTERS or not set(prefix) <= set("0123456789abcdef"):
            raise FilterError(
                f"SHA-256 {prefix!r}: give its first {MIN_PREFIX} hexadecimal characters or more, up to all 64"
            )
        names = (name.partition(".")[0] for name, _ in self._names(prefix[:2]))
        return sorted({name for name in names if name.startswith(prefix) and _SHA256.fullmatch(name)})

    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self._files())

    def tidy(self, oldest_trace: Callable[[], int | None]) -> None:
        """Deletes what is too old or too much; most calls find that it is not yet time to look.

        Args:
            oldest_trace: When the oldest trace that is left began, in nanoseconds since the epoch; None where no trace is left, or it is
                not known: then only the bound counts.
        """
        now = time.monotonic()
        is_due = self._checked_at is None or now - self._checked_at > _CHECK_EVERY_S
        # Other processes write too: each looks again when it has written a part of the bound.
        if is_due or self._unchecked_bytes > min(_FIRST_CHECK_BYTES, self.max_bytes // 20):
            self._checked_at, self._unchecked_bytes = now, 0
            self.expire(oldest_trace())

    def expire(self, oldest_trace: int | None) -> None:
        """Deletes now; see `tidy`."""
        files = sorted(self._files())
        before = 0.0 if oldest_trace is None else oldest_trace / 1e9 - _CLOCK_MARGIN_S
        total = sum(file.size for file in files)
        bound = self.max_bytes if total <= self.max_bytes else self.max_bytes * _KEPT_SHARE
        for file in files:
            if file.recorded_at >= before and total <= bound:
                break
            with contextlib.suppress(OSError):  # another process was faster
                if os.lstat(file.path).st_mtime > file.recorded_at:
                    continue  # just recorded again
                os.unlink(file.path)  # noqa: PTH108 - the path of a directory entry, one of many
                self.expired_count += 1
            total -= file.size

    def _write(self, file: Path, data: bytes) -> None:
        unfinished = self.path / f"{_UNFINISHED}{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(unfinished, _FLAGS, 0o600)
        try:
            with open(descriptor, "wb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
                view = memoryview(data)
                while view:
                    view = view[stream.write(view) :]
            unfinished.replace(file)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise

    def _names(self, folder: str) -> list[tuple[str, str]]:
        """Names and paths of the files in the folder of these two characters."""
        if not re.fullmatch(r"[0-9a-f]{2}", folder):
            return []
        try:
            with os.scandir(self.path / folder) as entries:
                return [(entry.name, entry.path) for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreError(
                f"cannot read the media in {self.path}: {error.strerror or error}", reason=reason_of(error)
            ) from error

    def _files(self) -> Iterator[_File]:
        """All contents that are kept; what a process left unfinished long ago is deleted on the way."""
        try:
            with os.scandir(self.path) as entries:
                top = list(entries)
        except OSError:  # not there yet, or nothing that could be read: writing says what is wrong
            return
        for entry in top:
            if entry.name.startswith(_UNFINISHED):
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED_AFTER_S:
                        os.unlink(entry.path)  # noqa: PTH108 - as above
            elif entry.is_dir(follow_symlinks=False):
                names: list[tuple[str, str]] = []
                with contextlib.suppress(StoreError):
                    names = self._names(entry.name)
                for name, path in names:
                    with contextlib.suppress(OSError):
                        status = os.lstat(path)
                        if _SHA256.fullmatch(name.partition(".")[0]):
                            yield _File(status.st_mtime, status.st_size, path)


def _size(file: Path) -> int | None:
    try:
        return os.lstat(file).st_size
    except FileNotFoundError:
        return None
