import errno
import json
import os
import stat
import subprocess
import sys

import pytest

from spanbridge.errors import ConfigurationError
from spanbridge.exporters.jsonl import JsonLinesExporter
from spanbridge.model.span import Status
from spanbridge.protocols import Retry

posix = pytest.mark.skipif(os.name != "posix", reason="a POSIX notion")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spans.jsonl"


@pytest.fixture
def exporter(path):
    exporter = JsonLinesExporter(path)
    yield exporter
    exporter.shutdown(0)


def names(path) -> list[str]:
    return [json.loads(line)["name"] for line in path.read_text().splitlines()]


def test_one_object_per_line(make_span, exporter, path):
    """Each span is one line, with the fields of the record."""
    span = make_span("a\nb", input={"q": "ü"}, metadata={"k": 1}, status=Status.ERROR, session_id="s1")

    result = exporter.export([span, make_span("c")])

    assert result is None
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0]) == span.to_dict()
    assert json.loads(lines[0])["session_id"] == "s1"


def test_appends(make_span, path):
    """What the file holds stays."""
    path.write_text('{"name": "before"}\n')
    exporter = JsonLinesExporter(path)

    exporter.export([make_span("after")])
    exporter.shutdown(0)

    assert names(path) == ["before", "after"]


@posix
def test_the_file_is_private(exporter, path):
    """The file is made with mode 0600, whatever the umask."""
    previous = os.umask(0)
    other = path.with_name("other.jsonl")
    try:
        JsonLinesExporter(other).shutdown(0)
    finally:
        os.umask(previous)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(other.stat().st_mode) == 0o600


def test_the_default_path(monkeypatch, tmp_path):
    """Without a path it is spans.jsonl in the working folder."""
    monkeypatch.chdir(tmp_path)

    JsonLinesExporter().shutdown(0)

    assert (tmp_path / "spans.jsonl").exists()


@posix
def test_links_are_refused(path):
    """A planted link does not send the spans elsewhere."""
    target = path.with_name("target")
    path.symlink_to(target)

    with pytest.raises(ConfigurationError, match=str(path)):
        JsonLinesExporter(path)

    assert not target.exists()


@posix
def test_pipes_and_folders_are_refused(path):
    """A pipe is refused at once, without waiting for its reader; so is a folder, and a folder that is missing."""
    os.mkfifo(path)

    for wrong in (path, path.parent, path.parent / "missing" / "spans.jsonl"):
        with pytest.raises(ConfigurationError, match="Give the path of a regular file"):
            JsonLinesExporter(wrong)


@posix
def test_files_of_others_are_refused(path, monkeypatch):
    """A file that belongs to another user is refused: they could read the spans."""
    path.touch()
    other = path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)

    with pytest.raises(ConfigurationError, match="cannot write"):
        JsonLinesExporter(path)


@posix
@pytest.mark.parametrize("how", ["moved", "deleted", "replaced"])
def test_rotation(make_span, exporter, path, how):
    """After the file was moved or deleted, the next spans go to a new one under the old name."""
    exporter.export([make_span("first")])
    moved = path.with_name("spans.jsonl.1")
    path.rename(moved)
    if how == "deleted":
        moved.unlink()
    if how == "replaced":
        path.touch(0o600)

    exporter.export([make_span("second")])

    assert names(path) == ["second"]
    assert how == "deleted" or names(moved) == ["first"]


@posix
def test_a_folder_that_vanished(make_span, tmp_path):
    """While the file cannot be made the batch waits; it is written when the folder is back."""
    folder = tmp_path / "folder"
    folder.mkdir()
    exporter = JsonLinesExporter(folder / "spans.jsonl")
    (folder / "spans.jsonl").unlink()
    folder.rmdir()

    refused = exporter.export([make_span("a")])
    folder.mkdir()
    accepted = exporter.export([make_span("a")])
    exporter.shutdown(0)

    assert (refused, accepted) == (Retry(reason="write_error"), None)
    assert names(folder / "spans.jsonl") == ["a"]


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "disk_full"), (errno.EFBIG, "disk_full"), (errno.EIO, "write_error")]
)
@pytest.mark.parametrize("others", [b"", b'{"name":"another process"}\n'])
def test_failing_writes(make_span, exporter, path, monkeypatch, number, reason, others):
    """A write that fails after a part makes the batch wait; the part is taken back, or ended where somebody has written behind it."""
    exporter.export([make_span("before")])
    write = os.write
    calls = []

    def fail_in_the_middle(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) == 1:
            return write(descriptor, data[:10])
        write(descriptor, others)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", fail_in_the_middle)
    batch = [make_span("a"), make_span("b")]
    first = exporter.export(batch)
    monkeypatch.undo()
    second = exporter.export(batch)
    exporter.export([make_span("c")])

    assert (first, second) == (Retry(reason=reason), None)
    before, *lines = path.read_text().splitlines()
    assert json.loads(before)["name"] == "before"
    if others:
        assert len(lines.pop(0)) == 10 + len(others) - 1
        assert lines.pop(0) == ""
    assert [json.loads(line)["name"] for line in lines] == ["a", "b", "c"]


WRITER = """
import sys
from spanbridge.exporters.jsonl import JsonLinesExporter
from spanbridge.model.span import SpanRecord
from spanbridge.model.span_types import SpanType

path, name = sys.argv[1:]
exporter = JsonLinesExporter(path)
for number in range(200):
    batch = [
        SpanRecord(trace_id="1" * 32, span_id="2" * 16, type=SpanType.GENERIC, started_at=1, ended_at=2,
                   content={"name": f"{name}-{number}-{part}", "input": "x" * 3000})
        for part in range(3)
    ]
    for record in batch:
        record.encode_document()
    assert exporter.export(batch) is None
exporter.shutdown(0)
"""


def test_several_processes(path):
    """Processes that append at once never mix their lines, and a batch stays together."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "ab"]
    for writer in writers:
        assert writer.wait(30) == 0

    written = names(path)

    assert len(written) == 2 * 200 * 3
    for name in "ab":
        own = [entry for entry in written if entry.startswith(name)]
        assert own == [f"{name}-{number}-{part}" for number in range(200) for part in range(3)]
    for start in range(0, len(written), 3):
        assert len({entry.rsplit("-", 1)[0] for entry in written[start : start + 3]}) == 1
