"""The files of a store: private, never behind a symbolic link, and on which kind of file system."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

from spanbridge.errors import StoreError

LOCAL_FILE_SYSTEMS = frozenset(
    {
        "apfs",
        "bcachefs",
        "btrfs",
        "exfat",
        "ext2",
        "ext3",
        "ext4",
        "f2fs",
        "jfs",
        "ntfs",
        "ntfs3",
        "overlay",
        "ramfs",
        "reiserfs",
        "tmpfs",
        "vfat",
        "xfs",
        "zfs",
    }
)
"""Where memory that processes share through a file is coherent. On shared mounts (NFS, 9p, virtiofs, FUSE) a WAL corrupts the database."""

_REASONS = {
    errno.ENOSPC: "store_full",
    errno.EDQUOT: "store_full",
    errno.EROFS: "store_read_only",
    errno.EACCES: "store_read_only",
}


def create_private(path: Path) -> None:
    """Makes sure that there is a regular file at `path`: one that is created has mode 0600, whatever the umask.

    Raises:
        StoreError: `path` is refused by `check_place`, or it cannot be created.
    """
    create_private_folder(path.parent)
    check_place(path)
    try:
        # SQLite alone would follow a link that someone else has put there, and create the file with mode 0644.
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(f"cannot create the store {path}: {error.strerror}", reason=reason_of(error)) from error
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def make_private(path: Path) -> None:
    """Takes the rights of group and others from an existing file of this user; StoreError where it is refused by `check_place`."""
    status = own_status(path)
    if status is not None and status.st_mode & 0o077:
        try:
            path.chmod(0o600)
        except OSError as error:
            raise StoreError(
                f"cannot make the store {path} private: {error.strerror}", reason=reason_of(error)
            ) from error


def check_place(path: Path) -> None:
    """Refuses a path where another user could read or replace the store: spans hold prompts, and what is read back is believed.

    What does not exist yet is not refused. In a folder such as /tmp, where everyone may write but not remove what others own, a store is
    safe once its files are this user's.

    Raises:
        StoreError: The folder belongs to another user or others can write in it; the file is a link, has a second name, is no regular file
            or is another user's; a log or folder beside it is another user's.
    """
    require_own_folder(path.parent)
    own_status(path)
    require_own_companions(path)


def require_own_folder(folder: Path) -> None:
    """Refuses an existing folder in which another user could replace files; see `check_place`.

    Group members may write where the group has the number of the folder's owner: his private group, as umask 002 goes with.
    """
    if not hasattr(os, "geteuid"):
        return
    try:
        status = os.stat(folder)  # noqa: PTH116 - the pair of `os.lstat` below; here links are followed
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StoreError(f"cannot read the folder {folder}: {error.strerror}", reason=reason_of(error)) from error
    fix = (
        f"name a file in a folder of its own, as in {folder / 'spanbridge' / 'traces.db'}: it is created with mode 0700"
    )
    if status.st_uid not in {os.geteuid(), 0}:
        raise StoreError(f"the folder {folder} belongs to user {status.st_uid}; {fix}", reason=NOT_PRIVATE)
    others_write = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid != status.st_uid)
    if others_write and not status.st_mode & stat.S_ISVTX:
        raise StoreError(f"the folder {folder} is writable by other users; {fix}", reason=NOT_PRIVATE)


def require_own_companions(path: Path) -> None:
    """Refuses what another user has put beside the store: SQLite would take a log or journal there for the store's own."""
    own = _status(path)
    if not hasattr(os, "geteuid"):
        return
    owner = os.geteuid() if own is None else own.st_uid
    for suffix in COMPANIONS:
        beside = path.with_name(path.name + suffix)
        status = _status(beside)
        if status is not None and status.st_uid != owner:
            raise StoreError(
                f"{beside} belongs to user {status.st_uid} and would be taken for a part of the store: remove it, or name another file",
                reason=NOT_PRIVATE,
            )


COMPANIONS = ("-wal", "-shm", "-journal", "-media")
"""What stands beside a store, by the end of its name: SQLite's files, and the folder of `media_folder`."""
NOT_PRIVATE = "store_not_private"
"""The reason where another user could read or replace a store."""


def own_status(path: Path) -> os.stat_result | None:
    """What is at `path`, None where there is nothing; StoreError where it is not a regular file of this user, with this name alone."""
    if identity(path) is None or not hasattr(os, "geteuid"):
        return None
    status = _status(path)
    if status is None:
        return None
    if status.st_uid != os.geteuid():
        raise StoreError(
            f"the store {path} belongs to user {status.st_uid}, not to {os.geteuid()} who writes it; name another file",
            reason=NOT_PRIVATE,
        )
    if status.st_nlink > 1:
        raise StoreError(
            f"the store {path} is a hard link: the file has another name too; name another file", reason=NOT_PRIVATE
        )
    return status


def create_private_folder(folder: Path) -> None:
    """Creates `folder` and its missing parents, each with mode 0700; an existing folder is left as it is."""
    try:
        for part in (*reversed(folder.parents), folder):
            if not part.exists():
                part.mkdir(mode=0o700, exist_ok=True)
                part.chmod(0o700)
    except OSError as error:
        raise StoreError(f"cannot create the folder {folder}: {error.strerror}", reason=reason_of(error)) from error


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at `path`, None where there is none; StoreError where it is a link or no regular file."""
    status = _status(path)
    if status is None:
        return None
    if stat.S_ISLNK(status.st_mode):
        raise StoreError(f"the store {path} is a symbolic link; name the file that it points to", reason=NOT_PRIVATE)
    if not stat.S_ISREG(status.st_mode):
        raise StoreError(f"the store {path} is not a regular file; name another path")
    return status.st_dev, status.st_ino


def _status(path: Path) -> os.stat_result | None:
    """What is at `path` itself, links not followed; None where there is nothing."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read the store {path}: {error.strerror}", reason=reason_of(error)) from error


def reason_of(error: OSError) -> str:
    """The reason under which a failed file operation is counted."""
    return _REASONS.get(error.errno or 0, "store_error")


def is_local(path: Path, mount_table: str | None = None) -> bool:
    """Whether `path` lies on a file system of this machine alone.

    `mount_table` is the text of Linux's `/proc/self/mountinfo` (default: read it). On other systems every path counts as local, except
    Windows' network shares.
    """
    if mount_table is None:
        if sys.platform != "linux":
            return not str(path).startswith("\\\\")
        try:
            mount_table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
    absolute = os.path.realpath(path)
    kind = ""
    longest = -1
    for line in mount_table.splitlines():
        fields, _, source = line.partition(" - ")
        point = _unescape(fields.split(" ")[4])
        # Of several mounts on one point the last one is seen.
        if len(point) >= longest and (absolute == point or absolute.startswith(point.rstrip("/") + "/")):
            longest, kind = len(point), source.split(" ")[0]
    return kind in LOCAL_FILE_SYSTEMS


def _unescape(text: str) -> str:
    """A mount point as the kernel writes it: blanks and backslashes as octal escapes."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
