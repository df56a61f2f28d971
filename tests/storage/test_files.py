"""Which file systems are local."""

from __future__ import annotations

from pathlib import Path

import pytest

from spanbridge.storage.files import is_local

MOUNTS = "\n".join(
    (
        r"22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
        r"23 22 0:22 / /home rw,relatime shared:2 - nfs4 server:/home rw",
        r"24 23 0:23 / /home/me/local\040disk rw master:3 propagate_from:2 - xfs /dev/sdb1 rw",
        r"25 22 0:24 / /mnt rw - ext4 /dev/sdc1 rw",
        r"26 22 0:25 / /mnt rw - virtiofs share rw",
        r"27 22 0:26 / /odd rw - fuse.sshfs host: rw",
    )
)


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/var/lib/x.db", True),
        ("/home/me/x.db", False),
        ("/homes/x.db", True),
        ("/home/me/local disk/x.db", True),
        ("/mnt/x.db", False),
        ("/odd/x.db", False),
    ],
)
def test_the_innermost_mount_decides(path: str, local: bool) -> None:
    """Network and virtual file systems are not local; of two mounts on one point the later one counts."""
    assert is_local(Path(path), MOUNTS) is local


def test_an_unknown_mount_table_is_not_trusted() -> None:
    """Without a known file system there is no write-ahead log."""
    assert is_local(Path("/var/x.db"), "") is False
