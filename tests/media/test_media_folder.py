"""The folder beside a store: whole files, private ones, and no more of them than there may be."""

from __future__ import annotations

import os
import re
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

import spanbridge as sb
from media.samples import png
from spanbridge.errors import FilterError, StoreError
from spanbridge.storage.media_folder import MediaFolder

HOUR_S = 3600.0


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


@pytest.fixture
def folder(tmp_path) -> MediaFolder:
    return MediaFolder(tmp_path / "media", max_bytes=10_000)


def put(folder: MediaFolder, data: bytes, age_s: float = 0.0) -> str:
    """Keeps a content as if it had been recorded some time ago; returns its hash."""
    name = digest(data)
    folder.put(name, "bin", data)
    if age_s:
        path = folder.file(name)
        assert path is not None
        os.utime(path, (time.time() - age_s,) * 2)
    return name


def test_what_is_kept_comes_back(folder):
    """By its hash, or the beginning of it."""
    names = sorted(put(folder, bytes([number]) * 100) for number in range(20))

    assert [folder.get(name) for name in names] == sorted((bytes([number]) * 100 for number in range(20)), key=digest)
    assert folder.find(names[3][:8]) == [names[3]]
    assert folder.size_bytes() == 2000
    assert folder.get("0" * 64) is None
    assert folder.find("0" * 64) == []


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64 + "\n", "/" * 64])
def test_names_that_are_no_hashes(folder, name):
    """Nothing outside of the folder is read."""
    put(folder, b"x")

    assert folder.get(name) is None


@pytest.mark.parametrize("prefix", ["", "0123456", "../../etc", "ABCDEF01", "0" * 65])
def test_beginnings_that_are_none(folder, prefix):
    """The error names what was given, and how to give it."""
    with pytest.raises(FilterError, match=re.escape(f"SHA-256 {prefix!r}: give its first 8")):
        folder.find(prefix)


def test_nothing_is_there_before_the_first_content(folder):
    """The folder is made when it is needed; reading and tidying need none."""
    assert (folder.get("0" * 64), folder.find("0" * 8), folder.size_bytes()) == (None, [], 0)
    folder.tidy(lambda: None)

    assert not folder.path.exists()


def test_a_damaged_file_is_not_given_out_and_is_mended(folder):
    """Cut by a crash, or changed: what comes back is what was recorded, or nothing."""
    data = b"a recording" * 10
    name = put(folder, data)
    path = folder.file(name)
    path.write_bytes(data[:50])

    assert folder.get(name) is None
    folder.put(name, "bin", data)
    assert folder.get(name) == data
    path.write_bytes(b"A" + data[1:])
    assert folder.get(name) is None


def test_a_link_that_somebody_planted_is_replaced(folder, tmp_path):
    """Nothing is written through it."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    name = put(folder, b"x" * 10)
    path = folder.file(name)
    path.unlink()
    path.symlink_to(victim)

    folder.put(name, "bin", b"x" * 10)

    assert victim.read_text() == "mine"
    assert not path.is_symlink()
    assert folder.get(name) == b"x" * 10


def test_a_folder_that_others_can_write_is_refused(folder):
    """What is read back is believed."""
    folder.path.mkdir()
    folder.path.chmod(0o777)

    with pytest.raises(StoreError, match="writable by other users"):
        put(folder, b"x")


def test_many_threads_write_the_same(folder):
    """One file, whole at any time."""
    data = os.urandom(1_000_000)
    seen: list[bytes | None] = []

    def write() -> None:
        put(folder, data)
        seen.append(folder.get(digest(data)))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [data] * 8
    assert [path.name for path in folder.path.rglob("*") if path.is_file()] == [f"{digest(data)}.bin"]


def test_what_no_trace_is_left_of_goes(folder):
    """Files that were last recorded before the oldest trace began; recording one again keeps it."""
    old, again, young = put(folder, b"old", 5 * HOUR_S), put(folder, b"again", 5 * HOUR_S), put(folder, b"young")
    put(folder, b"again")

    folder.expire(int((time.time() - 4 * HOUR_S) * 1e9))

    assert [folder.get(name) for name in (old, again, young)] == [None, b"again", b"young"]
    assert folder.expired_count == 1


def test_without_traces_nothing_is_too_old(folder):
    """The first media are written before the first trace."""
    name = put(folder, b"old", 5 * HOUR_S)

    folder.expire(None)

    assert folder.get(name) == b"old"


def test_beyond_the_bound_the_oldest_go(folder):
    """Until some room is left, whatever traces refer to them."""
    names = [put(folder, bytes([number]) * 1000, (20 - number) * HOUR_S) for number in range(12)]

    folder.expire(1)

    assert [folder.get(name) is not None for name in names] == [False] * 3 + [True] * 9
    assert folder.size_bytes() == 9000


def test_unfinished_files_go_when_nobody_can_be_writing_them(folder):
    """What a killed process left."""
    put(folder, b"x")
    for name, age_s in (("left", 2 * HOUR_S), ("being-written", 0.0)):
        path = folder.path / f".unfinished-{name}"
        path.write_bytes(b"part")
        os.utime(path, (time.time() - age_s,) * 2)

    folder.expire(None)

    assert [path.name for path in folder.path.glob(".*")] == [".unfinished-being-written"]


def test_tidying_is_done_when_it_is_due(folder):
    """At first, and when a part of the bound was written: the folder is not looked through for every batch."""
    asked: list[int] = []

    def oldest() -> None:
        asked.append(1)

    folder.tidy(oldest)
    for number in range(3):
        put(folder, bytes([number]) * 200)
        folder.tidy(oldest)
    assert len(asked) == 2

    for number in range(3, 50):
        put(folder, bytes([number]) * 1000)
        folder.tidy(oldest)
    assert folder.size_bytes() <= folder.max_bytes


def test_media_go_with_their_traces(tmp_path):
    """In a real store: the next process that writes deletes what belongs to no trace any more."""
    address = f"sqlite:///{tmp_path}/traces.db"
    images = [png(number) for number in range(2)]
    for number, image in enumerate(images):
        with sb.Observability(store=address) as observability, observability.tool_call(f"t{number}", input=image):
            pass
    media = MediaFolder(tmp_path / "traces.db-media")
    os.utime(media.file(digest(images[0])), (time.time() - HOUR_S,) * 2)

    with sb.Observability(store=address) as observability, observability.tool_call("t2"):
        pass

    assert [media.get(digest(image)) for image in images] == [None, images[1]]


def test_the_bound_is_a_setting(tmp_path):
    """`store_media_max_bytes` holds for the store of the configuration."""
    address = f"sqlite:///{tmp_path}/traces.db"
    with sb.Observability(store=address, store_media_max_bytes=1024 * 1024) as observability:
        for number in range(20):
            with observability.tool_call("t", input=png(number, pixels=160)):
                pass
            assert observability.flush()

    sizes = [path.stat().st_size for path in Path(tmp_path / "traces.db-media").rglob("*.png")]
    assert 500_000 < sum(sizes) <= 1024 * 1024


def test_what_was_recorded_again_meanwhile_stays(folder, monkeypatch):
    """Another process may record a content while this one looks through the files."""
    name = put(folder, b"old", 5 * HOUR_S)
    listed = list(folder._files())
    put(folder, b"old")
    monkeypatch.setattr(folder, "_files", lambda: iter(listed))

    folder.expire(time.time_ns())

    assert folder.get(name) == b"old"
