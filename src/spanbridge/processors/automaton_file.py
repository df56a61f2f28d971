"""Where an automaton is kept that takes long to make: a private file in the user's cache folder, which only spares time.

`~/.cache/spanbridge/hyperscan-<digest>.db` (or where `XDG_CACHE_HOME` says), some 1.3 MB: the digest of its content, then the content.
Native code believes what it reads there, so a file that others may have written is not read. Whatever fails here fails silently.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES = 64 * 1024 * 1024
_DIGEST_BYTES = 32


def path_for(*made_from: str) -> Path:
    """The file of the automaton that is made from these texts."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - milliseconds for who filters only

    key = hashlib.sha256("\0".join(made_from).encode()).hexdigest()[:32]
    return user_cache_path("spanbridge", appauthor=False) / f"hyperscan-{key}.db"


def read(path: Path) -> bytes | None:
    """What was written there; None where there is nothing, or nothing that can be believed."""
    try:
        with open(path, "rb", opener=_no_link) as file:
            if not _is_own(os.fstat(file.fileno())):
                return None
            digest, data = file.read(_DIGEST_BYTES), file.read(_MAX_BYTES)
    except OSError:
        return None
    return data if hashlib.sha256(data).digest() == digest else None


def write(path: Path, data: bytes) -> None:
    """Keeps `data` there for later processes."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            # A process that is just reading goes on with the file that it has opened.
            with open(new, "xb", opener=_private) as file:
                file.write(hashlib.sha256(data).digest() + data)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def _no_link(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0))


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _is_own(status: os.stat_result) -> bool:
    """Whether it is a file that only this user can have written."""
    if not hasattr(os, "geteuid"):
        return stat.S_ISREG(status.st_mode)
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
